import { type Clock, systemClock } from "./clock.js";
import type { FileSystem } from "./file-system.js";
import { flockBackend } from "./flock.js";
import type { LockBackend } from "./lock-backend.js";
import { lockFileExBackend } from "./lock-file-ex.js";
import { loadKernel32, loadLibc } from "./native.js";
import { ofdBackend } from "./ofd-locks.js";
import { fileSystemOver } from "./system-files.js";
import { forWindows } from "./windows-fs.js";

/** What a handler takes from the machine. Passed in, so that tests can make each part fail or run ahead. */
export interface Environment {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly lockBackend: LockBackend;
  /** Locks files on SMB mounts, where `flock` loses them; undefined where the system has no such locks. */
  readonly smbLocks?: LockBackend | undefined;
  /** The runtime is Deno, where delivery `background` is not to be had. */
  readonly isDeno?: boolean;
  /** Nothing is to reach the disk: what a thread does otherwise is done over this file system, in this thread. */
  readonly isRehearsed?: boolean;
}

let system: Environment | undefined;

/**
 * The real machine.
 * @throws {LogFileError} `ERR_CLH_NATIVE` where koffi has no binary for this system.
 */
export function systemEnvironment(): Environment {
  const isDeno = "deno" in process.versions;
  system ??= { clock: systemClock, isDeno, ...(process.platform === "win32" ? windows() : posix()) };
  return system;
}

function posix(): Pick<Environment, "fs" | "lockBackend" | "smbLocks"> {
  const libc = loadLibc();
  return { fs: fileSystemOver(libc), lockBackend: flockBackend(libc), smbLocks: ofdBackend(libc) };
}

function windows(): Pick<Environment, "fs" | "lockBackend"> {
  const kernel32 = loadKernel32();
  return { fs: forWindows(fileSystemOver(), kernel32), lockBackend: lockFileExBackend(kernel32) };
}
