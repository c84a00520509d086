import type { Kernel32 } from "../platform/native.js";
import type { LockBackend } from "./lock.js";

// fileapi.h, winerror.h
const LOCKFILE_FAIL_IMMEDIATELY = 1;
const LOCKFILE_EXCLUSIVE_LOCK = 2;
const ERROR_LOCK_VIOLATION = 33;
const ERROR_IO_PENDING = 997;

// The range that portalocker locks (`MsvcrtLocker._msvcrt_lock_length`): 64 KiB from the start of the file.
const LENGTH = 0x10000;

/**
 * `LockFileEx`: belongs to the HANDLE, so two opens exclude each other also within one process, and Windows releases
 * it when the process ends. Same file and range as upstream (portalocker), so that Python and Node exclude each other.
 */
export function lockFileExBackend(kernel32: Kernel32): LockBackend {
  const fromTheStart = Buffer.alloc(32); // OVERLAPPED: offset 0, no event
  return {
    tryLock(fd) {
      const flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
      if (kernel32.lockFileEx(kernel32.handleOf(fd), flags, 0, LENGTH, 0, fromTheStart)) return true;
      const error = kernel32.lastError();
      if (error === ERROR_LOCK_VIOLATION || error === ERROR_IO_PENDING) return false;
      throw windowsError("LockFileEx", error);
    },
    unlock(fd) {
      if (!kernel32.unlockFileEx(kernel32.handleOf(fd), 0, LENGTH, 0, fromTheStart)) {
        throw windowsError("UnlockFileEx", kernel32.lastError());
      }
    },
  };
}

function windowsError(syscall: string, error: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`Windows error ${error}, ${syscall}`), { code: `WIN32_${error}`, syscall });
}
