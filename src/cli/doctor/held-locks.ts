import { basename, join } from "node:path";
import { LogFileError } from "../../base/errors.js";
import { lockHolders } from "../../inspection/lock-holders.js";
import { withLock } from "../../lock/file-lock.js";
import { DOCTOR_WAIT_MS } from "../../lock/lock-timing.js";
import type { Environment } from "../../platform/environment.js";
import { FilePath, FileStatus } from "../../platform/file-system.js";
import { lockAt } from "./probe.js";

const LOCK_FILE = /^\.__.+\.lock$/;

/**
 * Which locks of logs in a directory are not free, and who is waited for, as sentences. Each is taken as a writer takes it, and
 * given back.
 */
export function heldLocks(environment: Environment, directory: string, whenHostDied: string): string[] {
  const { fs } = environment;
  return fs
    .readdir(directory)
    .filter((name) => LOCK_FILE.test(name))
    .flatMap((name) => {
      const path = join(directory, name);
      const status = new FileStatus();
      if (!fs.linkStatus(new FilePath(path), status) || !status.isFile || isFree(environment, path)) return [];
      const holders = lockHolders(fs)(path, status) ?? [];
      const who =
        holders.length > 0
          ? `process ${holders.join(" and ")} of this host has it`
          : `no process that is seen here has it, but one of another host, or a host that has died. ${whenHostDied}`;
      return [`Writers wait for the lock ${basename(path)}: ${who.replace(/\.?$/, ".")}`];
    });
}

function isFree(environment: Environment, path: string): boolean {
  const lock = lockAt(environment, path);
  try {
    return withLock(lock, DOCTOR_WAIT_MS, () => {});
  } catch (error) {
    if (!(error instanceof LogFileError)) throw error; // such as one of another user: it cannot be tried
    return true;
  } finally {
    lock.end(0);
  }
}
