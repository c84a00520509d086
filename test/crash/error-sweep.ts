import { dirname } from "node:path";
import type { TestContext } from "node:test";
import type { RotatingFileHandlerOptions } from "../../src/index.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { type DoubleName, doubleOf } from "../support/doubles.js";
import { ManualClock, systemError } from "../support/environment.js";
import { AFTER_THE_FAULT, writeThroughFaults } from "../support/hard-times.js";
import { OPERATIONS, type Operation, type OperationName, Scene, SPILLER, sweepLog } from "../support/operations.js";
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
  const options = { ...operation.options, ...fault.options };
  const problems = await writeThroughFaults(scene, { ...operation, options }, environment, () => disk.fix());
  return resultOf(name, scene, fault, disk, problems);
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
  disk.fix();
  return resultOf(name, scene, fault, disk, problems);
}

/** What is wrong when the fault is gone and another handler has been at work. */
export function afterwards(
  directory: string,
  operation: Operation,
  acknowledged: ReadonlyMap<string, number>,
  cutOff: number,
): Promise<string[]> {
  const { limits } = operation;
  // While a file cannot be rotated, it grows, and may then be too large as a whole.
  const grown = limits.maxTotalBytes === undefined ? {} : { keeps: AFTER_THE_FAULT };
  return afterACleanStart(
    directory,
    { ...operation, limits: { ...limits, ...grown, maxBytes: Infinity } },
    acknowledged,
    cutOff,
  );
}

async function resultOf(
  name: OperationName,
  scene: Scene,
  fault: Fault,
  disk: FaultyDisk,
  problems: string[],
): Promise<FaultResult> {
  if (disk.isOpen) problems.push(`${disk.open} descriptors were left open`);
  const acknowledged = new Map([
    [scene.writer, scene.count],
    [SPILLER, scene.spilled],
  ]);
  // Each half of a record is one that is cut off.
  problems.push(...(await afterwards(dirname(scene.log), OPERATIONS[name], acknowledged, fault.half ? 100 : 0)));
  // Taken for a file that may be written and not read: then nobody can know whether its last record is whole.
  if (fault.errno === "EACCES" && disk.failed === "open") return { wasReached: true, problems: [] };
  const where = `${name}, ${fault.errno} at call ${fault.n} (${disk.failed}${fault.half ? ", half of it" : ""})`;
  return { wasReached: disk.failed !== undefined, problems: problems.map((text) => `${where}: ${text}`) };
}
