import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { RotatingFileHandlerOptions } from "../../src/index.js";
import type { HowItWent } from "../fixtures/failing-operation.js";
import { Fixture } from "../support/child.js";
import type { DoubleName } from "../support/doubles.js";
import { recordOf } from "../support/log-oracle.js";
import { OPERATIONS, type OperationName, RUIN, Scene, SPILLER } from "../support/operations.js";
import { type Injection, Strace } from "../support/strace.js";
import { temporaryDirectory } from "../support/temporary.js";
import { afterwards, type FaultResult } from "./error-sweep.js";

/* Makes real calls of the system fail in turn, and looks whether anything is lost, doubled, thrown or left open. */

export const ERRNOS = ["ENOSPC", "EIO", "EMFILE", "EACCES", "ENOLCK", "ESTALE", "EINTR"] as const;

export const CALLS = ["openat", "flock", "write", "pwrite64", "rename", "unlink", "fsync"] as const;

/** In real time here, where a lock cannot be had. */
const LOCK_TIMEOUT = 200;

export interface SystemFault {
  readonly call: (typeof CALLS)[number];
  readonly errno: (typeof ERRNOS)[number];
  readonly n: number;
  /** All calls fail from the nth on, until all records have been given to the handler. */
  readonly lasts: boolean;
  readonly options?: RotatingFileHandlerOptions;
  readonly double?: DoubleName;
}

/** A process that does one operation after another, while its calls fail. */
export class FailingProcess {
  readonly #test: TestContext;
  readonly #fixture: Fixture;
  readonly #directory: string;
  #count = 0;

  constructor(t: TestContext) {
    this.#test = t;
    this.#fixture = new Fixture(t, "failing-operation");
    this.#directory = temporaryDirectory(t);
  }

  async failAt(name: OperationName, fault: SystemFault): Promise<FaultResult> {
    const { call, errno, n, lasts, double = "real" } = fault;
    const directory = join(this.#directory, String(this.#count++));
    mkdirSync(directory);
    const scene = new Scene(directory);
    const options = { lockTimeout: LOCK_TIMEOUT, ...fault.options };
    this.#fixture.say(JSON.stringify([name, directory, options, double]));
    await this.#fixture.lineThatIs("ready");
    const strace = await Strace.attach(
      this.#test,
      this.#fixture.process.pid!,
      injectionsOf(fault),
      call === "write" ? [scene.log] : [], // Node writes too, to other files, and a fault there would end it
    );
    this.#fixture.say("go");
    await this.#fixture.lineThatIs("written");
    const wasReached = (await strace.detach()) > 0;
    this.#fixture.say("mended");
    const { count, spilled, problems } = JSON.parse(await this.#fixture.line()) as HowItWent;
    const acknowledged = new Map([
      [scene.writer, count],
      [SPILLER, spilled],
    ]);
    problems.push(...(await afterwards(directory, OPERATIONS[name], acknowledged, 0)));
    if (name.startsWith("recovery") && errno === "EACCES" && call === "openat" && !lasts) excuse(problems, scene.log);
    const where = `${name}, ${errno} at ${call} ${n}${lasts ? " and all that follow" : ""}`;
    return { wasReached, problems: problems.map((text) => `${where}: ${text}`) };
  }
}

/**
 * Taken for a file that may be written and not read: then nobody can know that its last record is cut off, and the next
 * one goes on in its line. That one record may be missed, and only if it is there.
 */
function excuse(problems: string[], log: string): void {
  const next = RUIN.records;
  const isThere = readFileSync(log, "utf8").includes(`\n${RUIN.cutOff}${recordOf("w", next)}\n`);
  const missed = problems.indexOf(`w: record ${next + 1} where ${next} should be`);
  if (isThere && missed !== -1) problems.splice(missed, 1);
}

function injectionsOf({ call, errno, n, lasts }: SystemFault): Injection[] {
  const error = `error=${errno}`;
  if (call === "rename") {
    // Where renameat2 is refused, Node renames, and after a signal does it again without end.
    const fallback = errno === "EINTR" ? [] : [{ calls: "rename", what: error }];
    return [{ calls: "renameat2", what: `${error}:when=${n}${lasts ? "+" : ""}` }, ...fallback];
  }
  const isAskedTwice = call === "write"; // by koffi, and then by Node, for its error
  return [{ calls: call, what: `${error}:when=${n}${lasts ? "+" : isAskedTwice ? `..${n + 1}` : ""}` }];
}
