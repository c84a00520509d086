import * as os from "node:os";
import { systemError } from "../base/system-errors.js";
import type { Places } from "./lock-backend.js";
import { F_OFD_GETLK, F_OFD_SETLK, F_RDLCK, F_UNLCK, F_WRLCK, FlockStruct } from "./struct-flock.js";
import type { Libc } from "./system-calls.js";

const TAKEN = new Set([os.constants.errno.EAGAIN, os.constants.errno.EACCES]);

/**
 * Locks of open file descriptions (`F_OFD_SETLK`, fcntl(2)): on local file systems, `flock` neither sees them nor is seen
 * by them, and the kernel releases them however the process ends. Undefined where the system has none.
 */
export function placesOver(libc: Libc): Places | undefined {
  const struct = FlockStruct.over(libc);
  if (struct === undefined) return undefined;
  const call = (fd: number, command: number, type: number, start: number, length: number): boolean => {
    const errno = struct.call(fd, command, type, BigInt(start), BigInt(length));
    if (errno === 0 || TAKEN.has(errno)) return errno === 0;
    throw systemError(errno, "fcntl");
  };
  return {
    hold: (fd, place, isFirm) => call(fd, F_OFD_SETLK, isFirm ? F_WRLCK : F_RDLCK, place, 1),
    free(fd, place) {
      call(fd, F_OFD_SETLK, F_UNLCK, place, 1);
    },
    find(fd, from, end, isFirmOnly) {
      // A lock for reading would be let in beside others of its kind.
      call(fd, F_OFD_GETLK, isFirmOnly ? F_RDLCK : F_WRLCK, from, Number.isFinite(end) ? end - from : 0);
      return struct.type === F_UNLCK ? undefined : Number(struct.start);
    },
  };
}
