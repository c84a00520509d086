import { dirname } from "node:path";
import type { TestContext } from "node:test";
import { systemEnvironment } from "../../src/environment.js";
import { LogFileError, type RotatingFileHandlerOptions } from "../../src/index.js";
import { type DoubleName, doubleOf } from "../support/doubles.js";
import { ManualClock, systemError } from "../support/environment.js";
import { recordOf } from "../support/log-oracle.js";
import { makeHandler, OPERATIONS, type OperationName, Scene, SPILLER, sweepLog } from "../support/operations.js";
import { temporaryDirectory } from "../support/temporary.js";
import { type Watch, watchedFileSystem, watchedLocks } from "../support/watched-fs.js";
import { afterACleanStart } from "./kill-sweep.js";

/* Makes each call of the file system, and of the lock, fail in turn, and looks whether anything is lost, doubled, thrown or left open. */

export const ERRNOS = ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "EROFS", "EACCES", "ESTALE", "EINTR", "ENOLCK"] as const;

export interface Fault {
  readonly errno: (typeof ERRNOS)[number];
  /** The call that fails first. */
  readonly n: number;
  /** The calls of that name fail until all records have been given to the handler; else that one does. */
  readonly lasts: boolean;
  /** A call that writes takes half of its bytes, and fails when it is to take the rest, as on a disk that becomes full. */
  readonly half: boolean;
  /** Options beside those of the operation. */
  readonly options?: RotatingFileHandlerOptions;
  readonly double?: DoubleName;
}

export interface FaultResult {
  /** False when the operation made fewer calls. */
  readonly wasReached: boolean;
  readonly problems: string[];
}

/** Options that make other calls, or make them at another time. */
export const VARIANTS: Record<string, RotatingFileHandlerOptions> = {
  batched: { delivery: "batched" },
  "sync, chmod and owner": { sync: "full", chmod: 0o640, owner: [1, 1] },
};

/** Counts calls and descriptors, and fails where it is told to. */
class FaultyDisk {
  readonly #fault: Fault;
  #calls = 0;
  #failing: string | undefined;
  #isFixed = false;
  #hasTakenHalf = false;
  /** Descriptors that are open. */
  open = 0;
  /** What failed. */
  failed: string | undefined;

  constructor(fault: Fault) {
    this.#fault = fault;
  }

  get isOpen(): boolean {
    return this.open !== 0;
  }

  fix(): void {
    this.#isFixed = true;
  }

  readonly watch: Watch = (call, proceed) => {
    const { errno, n, lasts, half } = this.#fault;
    const isIt = ++this.#calls === n;
    if (isIt) this.#failing = call.name;
    const isNext = (lasts || this.#hasTakenHalf) && call.name === this.#failing;
    const fails = !this.#isFixed && (isIt || isNext) && call.name !== "exists";
    if (fails) {
      this.failed = call.name;
      const taken = half && !this.#hasTakenHalf ? call.writeHalf?.() : undefined;
      this.#hasTakenHalf = Boolean(taken);
      if (this.#hasTakenHalf) return taken as ReturnType<typeof proceed>;
      // A close that fails has closed all the same (Linux, close(2)).
      if (call.name === "close") this.#count(call.name, proceed);
      throw systemError(errno, call.name);
    }
    return this.#count(call.name, proceed);
  };

  #count<Result>(name: string, proceed: () => Result): Result {
    const result = proceed();
    if (name === "open") this.open++;
    if (name === "close") this.open--;
    return result;
  }
}

const AFTER_THE_FAULT = 2;

/** An operation whose nth call fails, and what a handler does afterwards. */
export async function failAt(t: TestContext, name: OperationName, fault: Fault): Promise<FaultResult> {
  const operation = OPERATIONS[name];
  const scene = new Scene(temporaryDirectory(t));
  await operation.prepare(scene);
  const disk = new FaultyDisk(fault);
  const clock = operation.isTimed ? systemEnvironment().clock : new ManualClock();
  const { fs, lockBackend } = systemEnvironment();
  const environment = {
    fs: doubleOf(fault.double ?? "real", watchedFileSystem(fs, disk.watch)),
    lockBackend: watchedLocks(lockBackend, disk.watch),
    clock,
  };
  const problems: string[] = [];
  const guard = async (what: string, action: () => unknown) => {
    try {
      await action();
    } catch (error) {
      problems.push(`${what} threw ${(error as Error).message}`);
    }
  };
  const options = { ...operation.options, ...fault.options };
  const handler = makeHandler(scene.log, { ...operation, options }, environment);
  handler.on("warning", () => {});
  let errors = 0;
  handler.on("error", (error) => {
    errors++;
    if (!(error instanceof LogFileError)) problems.push(`an error that is none of ours: ${String(error)}`);
  });
  let refused = 0;
  const write = () => guard("write()", () => handler.write(recordOf("w", scene.count++)) || refused++);
  for (let i = 0; i < 4; i++) await write();
  if (clock instanceof ManualClock) await guard("a timer", () => clock.goTo(clock.time + 5000));
  if (refused > 0 && errors === 0) problems.push("write() returned false, and no error event said why");
  disk.fix();
  // Rotations that failed are tried again.
  if (clock instanceof ManualClock) await guard("a timer", () => clock.goTo(clock.time + 120_000));
  await guard("flush()", () => handler.flush());
  for (let i = 0; i < AFTER_THE_FAULT; i++) await write();
  await guard("flush()", () => handler.flush());
  await guard("swept()", () => handler.swept());
  await guard("close()", () => handler.close());
  await guard("swept()", () => handler.swept());
  if (disk.isOpen) problems.push(`${disk.open} descriptors were left open`);
  problems.push(...(await afterwards(scene, name, fault)));
  return resultOf(name, fault, disk, problems);
}

/** A sweep whose nth call fails: it may say so, but must leave all as it was, and nothing open. */
export async function failInSweep(
  t: TestContext,
  name: "compression" | "recovery",
  fault: Fault,
): Promise<FaultResult> {
  const scene = new Scene(temporaryDirectory(t));
  await OPERATIONS[name].prepare(scene);
  const disk = new FaultyDisk(fault);
  const problems: string[] = [];
  try {
    const { fs, clock, lockBackend } = systemEnvironment();
    const watched = { fs: watchedFileSystem(fs, disk.watch), lockBackend: watchedLocks(lockBackend, disk.watch) };
    await sweepLog(scene.log, { ...watched, clock });
  } catch {
    // whatever the code: the sweep thread tells it as ERR_CLH_COMPRESS
  }
  if (disk.isOpen) problems.push(`${disk.open} descriptors were left open`);
  disk.fix();
  problems.push(...(await afterwards(scene, name, fault)));
  return resultOf(name, fault, disk, problems);
}

/** What is wrong when the fault is gone and another handler has been at work. */
function afterwards(scene: Scene, name: OperationName, fault: Fault): Promise<string[]> {
  const operation = OPERATIONS[name];
  const { maxTotalBytes } = operation.limits;
  // While a file cannot be rotated, it grows, and may then be too large as a whole. Each half of a record is one that is cut off.
  const grown = maxTotalBytes === undefined ? {} : { keeps: AFTER_THE_FAULT };
  const limits = { ...operation.limits, ...grown, maxBytes: Infinity };
  const cutOff = fault.half ? 100 : 0;
  const acknowledged = new Map([
    [scene.writer, scene.count],
    [SPILLER, scene.spilled],
  ]);
  return afterACleanStart(dirname(scene.log), { ...operation, limits }, acknowledged, cutOff);
}

function resultOf(name: OperationName, fault: Fault, disk: FaultyDisk, problems: string[]): FaultResult {
  // Taken for a file that may be written and not read: then nobody can know whether its last record is whole.
  if (fault.errno === "EACCES" && disk.failed === "open") return { wasReached: true, problems: [] };
  const where = `${name}, ${fault.errno} at call ${fault.n} (${disk.failed}${fault.half ? ", half of it" : ""})`;
  return { wasReached: disk.failed !== undefined, problems: problems.map((text) => `${where}: ${text}`) };
}
