import { join } from "node:path";
import { hasCode, reason } from "../../base/system-errors.js";
import { withLock } from "../../lock/file-lock.js";
import type { Environment } from "../../platform/environment.js";
import { closing, FilePath, FileStatus, O_CREAT, O_EXCL, O_RDONLY, O_RDWR } from "../../platform/file-system.js";
import { append, countedTo, probeLock, wrongLines } from "./probe.js";
import type { DoctorJob } from "./worker.js";
import { ended, run, start } from "./worker-process.js";

export interface CheckResult {
  /** What must be true. */
  readonly what: string;
  readonly ok: boolean;
  /** What was seen instead. */
  readonly why?: string;
}

type Check = (environment: Environment, directory: string) => string | undefined | Promise<string | undefined>;

const PROCESSES = 4;
const TIMES = 150;
const LINES = 500;
const RELEASED_WITHIN = 5000;
const LOOK_EVERY = 20;

/** Each gives what is wrong, or nothing. */
const CHECKS: readonly [what: string, check: Check][] = [
  ["a lock keeps other processes out", excludes],
  ["a lock is free again when its holder is killed", isReleased],
  ["appends of several processes stay whole", appends],
  ["a file keeps its identity when it is renamed", keepsIdentity],
  ["a rename does not overwrite a file", refusesToOverwrite],
  ["a deleted file can be read on", keepsDeleted],
  ["a file can be made by one only", createsOnce],
  ["times of change can be set and are kept", keepsTimes],
  ["files and directories can be brought to the disk", syncs],
];

/** Tries in an empty directory what the handlers rely on, with real processes. */
export async function runChecks(
  environment: Environment,
  directory: string,
  onCheck: (what: string, index: number, count: number) => void,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [i, [what, check]] of CHECKS.entries()) {
    onCheck(what, i, CHECKS.length);
    let why: string | undefined;
    try {
      why = await check(environment, directory);
    } catch (error) {
      why = reason(error); // whatever it is: it does not work here
    }
    results.push({ what, ok: why === undefined, ...(why !== undefined && { why }) });
  }
  return results;
}

async function excludes(environment: Environment, directory: string): Promise<string | undefined> {
  const job: DoctorJob = { what: "count", directory, times: TIMES };
  await Promise.all(Array.from({ length: PROCESSES }, () => run(job)));
  const counted = countedTo(environment, directory);
  const expected = PROCESSES * TIMES;
  return counted === expected ? undefined : `${expected} increments under the lock counted to ${counted}`;
}

async function isReleased(environment: Environment, directory: string): Promise<string | undefined> {
  const holder = start({ what: "hold", directory });
  try {
    const answer = await Promise.race([new Promise((resolve) => holder.once("message", resolve)), ended(holder)]);
    if (answer !== "held") return "a free lock was refused";
    const lock = probeLock(environment, directory);
    if (withLock(lock, 0, () => {})) {
      lock.close();
      return "it was given to a second process while the first one held it";
    }
    holder.kill("SIGKILL");
    let isFree = false;
    for (let waited = 0; waited < RELEASED_WITHIN && !isFree; waited += LOOK_EVERY) {
      isFree = withLock(lock, 0, () => {});
      if (!isFree) await environment.clock.delay(LOOK_EVERY);
    }
    lock.close();
    return isFree ? undefined : `not within ${RELEASED_WITHIN / 1000} s`;
  } finally {
    holder.kill("SIGKILL");
  }
}

async function appends(environment: Environment, directory: string): Promise<string | undefined> {
  const path = join(directory, "appended");
  const writers = Array.from({ length: PROCESSES }, (_, i) => `w${i}`);
  await Promise.all(writers.map((writer) => run({ what: "append", path, writer, lines: LINES })));
  const wrong = wrongLines(environment, path, writers, LINES);
  return wrong === 0 ? undefined : `${wrong} of ${PROCESSES * LINES} lines are missing, torn or doubled`;
}

function keepsIdentity(environment: Environment, directory: string): string | undefined {
  const { fs } = environment;
  const from = join(directory, "before");
  const to = join(directory, "after");
  append(environment, from, "w", [1, 1]);
  return closing(fs, fs.open(from, O_RDONLY), (fd) => {
    const opened = new FileStatus();
    const there = new FileStatus();
    fs.statusOfOpen(fd, opened);
    if (!fs.status(new FilePath(from), there) || !there.isSameFile(opened)) return "its path and its open file differ";
    fs.renameNew(from, to);
    if (!fs.status(new FilePath(to), there) || !there.isSameFile(opened)) return "it is another file after a rename";
    append(environment, from, "w", [2, 2]);
    fs.status(new FilePath(from), there);
    return there.isSameFile(opened) ? "a new file is taken for the one that was renamed" : undefined;
  });
}

function refusesToOverwrite(environment: Environment, directory: string): string | undefined {
  const [from, to] = [join(directory, "one"), join(directory, "other")];
  append(environment, from, "w", [1, 1]);
  append(environment, to, "w", [2, 2]);
  try {
    environment.fs.renameNew(from, to);
    return "it was overwritten";
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    return undefined;
  }
}

function keepsDeleted(environment: Environment, directory: string): string | undefined {
  const { fs } = environment;
  const path = join(directory, "deleted");
  append(environment, path, "w", [1, 1]);
  return closing(fs, fs.open(path, O_RDONLY), (fd) => {
    fs.unlink(path);
    return fs.read(fd, Buffer.alloc(1), 0, 1, 0) === 1 ? undefined : "nothing is left of it";
  });
}

function createsOnce({ fs }: Environment, directory: string): string | undefined {
  const path = join(directory, "created");
  fs.close(fs.open(path, O_RDWR | O_CREAT | O_EXCL, 0o600));
  try {
    fs.close(fs.open(path, O_RDWR | O_CREAT | O_EXCL, 0o600));
    return "it was made twice";
  } catch (error) {
    if (!hasCode(error, "EEXIST", "EPERM")) throw error;
    return undefined;
  }
}

function keepsTimes({ fs }: Environment, directory: string): string | undefined {
  const path = join(directory, "timed");
  closing(fs, fs.open(path, O_RDWR | O_CREAT, 0o600), (fd) => fs.futimes(fd, 1_000_000_000, 1_000_000_000.5));
  const status = new FileStatus();
  fs.statusWithTime(new FilePath(path), status);
  return Math.abs(status.modifiedAt - 1_000_000_000.5) <= 2 ? undefined : `it is ${status.modifiedAt}`;
}

function syncs({ fs }: Environment, directory: string): string | undefined {
  for (const path of [join(directory, "timed"), directory]) {
    closing(fs, fs.open(path, O_RDONLY), (fd) => fs.fsync(fd));
  }
  return undefined;
}
