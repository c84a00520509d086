import { LogFileError } from "../../base/errors.js";
import { reason } from "../../base/system-errors.js";
import { Mount } from "../../disk/mount.js";
import { Permissions } from "../../disk/permissions.js";
import { FileLock, withLock } from "../../lock/file-lock.js";
import { LockFile } from "../../lock/lock-file.js";
import { READER_WAIT_MS } from "../../lock/lock-timing.js";
import { COMPRESSED } from "../../log-files/compression-formats.js";
import { type LogFile, listLogFiles } from "../../log-files/list-files.js";
import type { Environment } from "../../platform/environment.js";

// How often we look before we ask the writers to stand still, and before we give up.
const LOOKS = 16;
const MOST_LOOKS = 2000;

/**
 * All files of a log as they were at one moment, oldest first. Two looks that see the same saw one moment: every state
 * between the renames of a rotation is a whole log. Where rotations leave no time for that, the lock is held for a look;
 * who may not take it looks on.
 * @throws {LogFileError} `ERR_CLH_READ`
 */
export function stillPicture(environment: Environment, log: string, lockPath: string): LogFile[] {
  const { fs } = environment;
  // A compressed file that is named in place of a log is read as one; a log has a lock file, whatever its name.
  const isLog = fs.exists(lockPath);
  const look = () => listLogFiles(fs, log).map((file) => (isLog ? file : asNamed(file)));
  return stillLook(environment, log, lockPath, look, isSame);
}

/** The same of anything that `look` sees and that changes with the names of the files. */
export function stillLook<Seen>(
  environment: Environment,
  log: string,
  lockPath: string,
  look: () => Seen,
  isSame: (before: Seen, now: Seen) => boolean,
): Seen {
  try {
    let before = look();
    for (let looks = 1; looks < MOST_LOOKS; looks++) {
      if (looks === LOOKS) {
        const picture = lookUnderLock(environment, lockPath, look);
        if (picture !== undefined) return picture;
      }
      const now = look();
      if (isSame(before, now)) return now;
      before = now;
    }
  } catch (cause) {
    throw new LogFileError("ERR_CLH_READ", `Cannot look for the files of ${log}: ${reason(cause)}.`, {
      cause,
      path: log,
    });
  }
  const message = `Cannot read ${log}: it is rotated more quickly than its files can be listed. Let this user write to ${lockPath}.`;
  throw new LogFileError("ERR_CLH_READ", message, { path: log });
}

function asNamed(file: LogFile): LogFile {
  if (file.kind !== "active") return file;
  return { ...file, extension: COMPRESSED.find((extension) => file.path.endsWith(extension)) ?? "" };
}

/** Undefined when the lock is not to be had. A lock file is not made: it would belong to the reader. */
function lookUnderLock<Seen>(environment: Environment, path: string, look: () => Seen): Seen | undefined {
  if (!environment.fs.exists(path)) return undefined;
  const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, () => {});
  const lock = new FileLock(new LockFile(path, new Mount(environment, path), permissions), environment.clock);
  let picture: Seen | undefined;
  try {
    withLock(lock, READER_WAIT_MS, () => {
      picture = look();
    });
  } catch (error) {
    if (!(error instanceof LogFileError)) throw error; // ERR_CLH_LOCK: a user who may only read
  } finally {
    lock.close();
  }
  return picture;
}

function isSame(a: readonly LogFile[], b: readonly LogFile[]): boolean {
  return a.length === b.length && a.every((file, i) => file.path === b[i]!.path && isSameContent(file, b[i]!));
}

/**
 * True when `now` is the file that was seen as `before`. One that was not written any more still has its content; else
 * it is another one that was given the same inode.
 */
export function isSameContent(before: LogFile, now: LogFile): boolean {
  if (!before.status.isSameFile(now.status)) return false;
  if (before.kind === "active") return true;
  return now.kind !== "active" && hasSameTime(before, now);
}

function hasSameTime(a: LogFile, b: LogFile): boolean {
  return a.status.fingerprint === b.status.fingerprint && a.status.size === b.status.size;
}
