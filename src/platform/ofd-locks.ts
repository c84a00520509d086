import { systemError } from "../base/system-errors.js";
import { BUSY } from "./flock.js";
import type { LockBackend } from "./lock-backend.js";
import { F_OFD_SETLK, F_UNLCK, F_WRLCK, FlockStruct } from "./struct-flock.js";
import type { Libc } from "./system-calls.js";

const SEEK_END = 2; // unistd.h

// A lock behind all content keeps nobody from reading. Of the whole file, flock(2) makes the same lock on the server.
const BEHIND_ALL = 1n << 62n;

/**
 * Locks of an open file by `fcntl(2)`, for SMB mounts of Linux. There, when any process of the host closes the file, cifs.ko
 * releases what `flock(2)` holds on the server; of these it does so only for the process that holds them
 * (`smb2_unlock_range`). On the server both are the same lock, so that Python's handler is excluded.
 * Undefined where the system has none.
 */
export function ofdBackend(libc: Libc): LockBackend | undefined {
  const { lseek } = libc;
  const struct = FlockStruct.over(libc);
  if (struct === undefined || lseek === undefined) return undefined;
  const set = (fd: number, type: number, start: bigint, length: bigint): boolean => {
    const errno = struct.call(fd, F_OFD_SETLK, type, start, length);
    if (errno === 0) return true;
    if (type === F_WRLCK && BUSY.has(errno)) return false;
    throw systemError(errno, "fcntl");
  };
  return {
    tryLock(fd, isRead = false) {
      if (!isRead) return set(fd, F_WRLCK, 0n, 0n);
      if (!set(fd, F_WRLCK, BEHIND_ALL, 1n)) return false;
      // The lock makes the client give up what it remembers of the file, and this makes it ask how long that is.
      if (lseek(fd, 0, SEEK_END) < 0) throw systemError(libc.errno(), "lseek");
      return true;
    },
    unlock: (fd) => void set(fd, F_UNLCK, 0n, 0n),
  };
}
