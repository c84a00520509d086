import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { tryWithPeer } from "../../src/cli/doctor/peer.js";
import { ConcurrentRotatingFileHandler, readLog } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { makeLock } from "../support/locks.js";

/* agent: does on its host what it is told, a line of JSON at a time, and answers each with one. */

type Step = (...given: never[]) => unknown;

const handlers = new Map<string, ConcurrentRotatingFileHandler>();
/** Errors and warnings of the handlers since somebody last asked for them. */
const errors: string[] = [];
const locks = new Map<string, ReturnType<typeof makeLock>>();

function lockOf(log: string): ReturnType<typeof makeLock> {
  const lock = locks.get(log) ?? makeLock(lockFilePath(log));
  locks.set(log, lock);
  return lock;
}

const STEPS: Record<string, Step> = {
  /** A handler that waits for no lock. */
  open(log: string, options: object) {
    const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 0, ...options });
    handler.on("error", ({ message, cause }) => errors.push(`${message} ${String(cause ?? "")}`));
    handlers.set(log, handler);
    return true;
  },
  /** As `open`, and asks for the lock. */
  begin(log: string, options: object) {
    STEPS.open!(...([log, options] as never[]));
    handlers.get(log)!.open();
    return true;
  },
  write: (log: string, record: string) => handlers.get(log)!.write(record),
  rotate: (log: string) => handlers.get(log)!.rotate(),
  flush: (log: string) => handlers.get(log)!.flushSync(),
  close(log: string) {
    handlers.get(log)!.close();
    return true;
  },
  errors: () => errors.splice(0),
  lock: (log: string) => lockOf(log).tryAcquire(),
  unlock(log: string) {
    lockOf(log).release();
    return true;
  },
  exists: (path: string) => systemEnvironment().fs.exists(path),
  make(path: string) {
    writeFileSync(path, "");
    return true;
  },
  rename(from: string, to: string) {
    systemEnvironment().fs.renameNew(from, to);
    return true;
  },
  /** Meets the agent of the other host, which does the same. */
  async doctor(log: string) {
    const results = await tryWithPeer(systemEnvironment(), dirname(log), { patience: 60_000 });
    return results.filter(({ ok }) => !ok);
  },
  async read(log: string) {
    const texts: string[] = [];
    for await (const { text } of readLog(log)) texts.push(text);
    return texts;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [step, ...given] = JSON.parse(line) as [string, ...never[]];
  let answer: unknown;
  try {
    answer = await STEPS[step]!(...given);
  } catch (error) {
    answer = String(error);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
