type Call<Arguments extends unknown[]> = (...args: Arguments) => number;

/** What we call in the C library (POSIX). A call that the system lacks is left out, and `node:fs` does its work. */
export interface Libc {
  flock: Call<[fd: number, operation: number]>;
  /** Linux; with a `struct flock`. */
  fcntl?: Call<[fd: number, command: number, lock: BigInt64Array]>;
  /** Linux. */
  lseek?: Call<[fd: number, offset: number, whence: number]>;
  write: Call<[fd: number, bytes: Uint8Array, length: number]>;
  access: Call<[path: string, mode: number]>;
  /** True when nobody has the other end of a pipe, a socket or a terminal any more. */
  hasHungUp(fd: number): boolean;
  /** Linux. */
  statx?: Call<[directory: number, path: Uint8Array, flags: number, mask: number, out: Uint32Array]>;
  /** Linux, glibc. */
  renameat2?: Call<[fromDirectory: number, from: string, toDirectory: number, to: string, flags: number]>;
  fchmod: Call<[fd: number, mode: number]>;
  fchown: Call<[fd: number, uid: number, gid: number]>;
  fsync: Call<[fd: number]>;
  fdatasync: Call<[fd: number]>;
  /** @param times two `struct timespec`, each of two 64-bit words */
  futimens: Call<[fd: number, times: BigInt64Array]>;
  userId(name: string): number | undefined;
  groupId(name: string): number | undefined;
  /** `errno` of the last call of this thread that failed. */
  errno(): number;
}

/** What we call in kernel32 and libuv (Windows). */
export interface Kernel32 {
  handleOf(fd: number): number | bigint;
  lockFileEx: Call<
    [handle: number | bigint, flags: number, reserved: 0, low: number, high: number, overlapped: Buffer]
  >;
  unlockFileEx: Call<[handle: number | bigint, reserved: 0, low: number, high: number, overlapped: Buffer]>;
  /** Renames a file; 0 when that failed. Paths as of `toNamespacedPath`. */
  moveFileEx: Call<[from: string, to: string, flags: number]>;
  lastError(): number;
  /** Whether a path is on a drive of another host: \\server\share, or a letter that stands for one. */
  isRemote(path: string): boolean;
}
