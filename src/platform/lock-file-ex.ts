import type { LockBackend } from "./lock-backend.js";
import type { Kernel32 } from "./system-calls.js";

// fileapi.h, winerror.h
const LOCKFILE_FAIL_IMMEDIATELY = 1;
const LOCKFILE_EXCLUSIVE_LOCK = 2;
const ERROR_SUCCESS = 0;
const ERROR_LOCK_VIOLATION = 33;
const ERROR_IO_PENDING = 997;

// The first is the usual answer. The last stands for it when the runtime has called Windows since, before we could ask.
const BUSY = new Set([ERROR_LOCK_VIOLATION, ERROR_IO_PENDING, ERROR_SUCCESS]);

interface Range {
  /** Bytes. */
  readonly length: number;
  readonly overlapped: Buffer;
}

/**
 * `LockFileEx`: belongs to the HANDLE, so two opens exclude each other also within one process, and Windows releases
 * it when the process ends. What is locked can be read and written by no other HANDLE.
 * @param arch as `process.arch`
 */
export function lockFileExBackend(kernel32: Kernel32, arch: string = process.arch): LockBackend {
  // Of upstream (portalocker, `MsvcrtLocker._msvcrt_lock_length`), so that Python and Node exclude each other.
  const ofUpstream: Range = { length: 0x10000, overlapped: overlappedAt(0, arch) };
  // Behind all content, where a lock is allowed too.
  const behindAll: Range = { length: 1, overlapped: overlappedAt(0x4000_0000, arch) };
  return {
    tryLock(fd, isRead = false) {
      const { length, overlapped } = isRead ? behindAll : ofUpstream;
      const flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
      if (kernel32.lockFileEx(kernel32.handleOf(fd), flags, 0, length, 0, overlapped)) return true;
      const error = kernel32.lastError();
      if (BUSY.has(error)) return false;
      throw windowsError("LockFileEx", error);
    },
    unlock(fd) {
      const { length, overlapped } = ofUpstream;
      if (!kernel32.unlockFileEx(kernel32.handleOf(fd), 0, length, 0, overlapped)) {
        throw windowsError("UnlockFileEx", kernel32.lastError());
      }
    },
  };
}

/** An OVERLAPPED (minwinbase.h) without event: two pointers wide, then the offset. */
function overlappedAt(offsetHigh: number, arch: string): Buffer {
  const overlapped = Buffer.alloc(32);
  overlapped.writeUInt32LE(offsetHigh, arch === "ia32" ? 12 : 20);
  return overlapped;
}

function windowsError(syscall: string, error: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`Windows error ${error}, ${syscall}`), { code: `WIN32_${error}`, syscall });
}
