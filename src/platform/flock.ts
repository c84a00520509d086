import * as os from "node:os";
import { systemError } from "../base/system-errors.js";
import type { LockBackend } from "./lock-backend.js";
import { placesOver } from "./places.js";
import type { Libc } from "./system-calls.js";

// sys/file.h; the same on Linux, macOS and the BSDs.
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

// EWOULDBLOCK is the usual answer; SMB reports a lock that another host holds as EACCES; a signal may come between.
export const BUSY = new Set([
  os.constants.errno.EWOULDBLOCK,
  os.constants.errno.EAGAIN,
  os.constants.errno.EACCES,
  os.constants.errno.EINTR,
]);

/**
 * `flock(2)`: belongs to the open file description, so two opens exclude each other also within one process or thread,
 * and the kernel releases it however the process ends. It is what upstream (portalocker) takes on POSIX.
 */
export function flockBackend(libc: Libc): LockBackend {
  const places = placesOver(libc);
  return {
    ...(places && { places }),
    tryLock(fd) {
      if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
      const errno = libc.errno();
      if (BUSY.has(errno)) return false;
      throw systemError(errno, "flock");
    },
    unlock(fd) {
      if (libc.flock(fd, LOCK_UN) !== 0) throw systemError(libc.errno(), "flock");
    },
  };
}
