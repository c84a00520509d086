import { createRequire } from "node:module";
import { parse, resolve } from "node:path";
import type { LibraryHandle, TypeObject } from "koffi";
import { LogFileError } from "../base/errors.js";

type Koffi = typeof import("koffi");
type NativeFunction = ReturnType<LibraryHandle["func"]>;
type Call<Arguments extends unknown[]> = (...args: Arguments) => number;

/** What we call in the C library (POSIX). A call that the system lacks is left out, and `node:fs` does its work. */
export interface Libc {
  flock: Call<[fd: number, operation: number]>;
  write: Call<[fd: number, bytes: Uint8Array, length: number]>;
  access: Call<[path: string, mode: number]>;
  /** True when nobody has the other end of a pipe, a socket or a terminal any more. */
  hasHungUp(fd: number): boolean;
  /** Linux. */
  statx?: Call<[directory: number, path: Uint8Array, flags: number, mask: number, out: Uint32Array]>;
  /** Linux, glibc. */
  renameat2?: Call<[fromDirectory: number, from: string, toDirectory: number, to: string, flags: number]>;
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
  lastError(): number;
  /** Whether a path is on a drive of another host: \\server\share, or a letter that stands for one. */
  isRemote(path: string): boolean;
}

// fileapi.h. Of a server that does not answer, GetDriveType says that there is no such drive.
const DRIVE_REMOTE = 4;
const UNC = /^[\\/]{2}(?:[?.][\\/]UNC[\\/]|(?![?.][\\/]))/i;

let libc: Libc | undefined;
let kernel32: Kernel32 | undefined;

/**
 * The C library of this process, bound once per thread.
 * @throws {LogFileError} `ERR_CLH_NATIVE` where koffi has no binary for this system.
 */
export function loadLibc(): Libc {
  libc ??= bindLibc(loadKoffi());
  return libc;
}

/**
 * The Windows calls, bound once per thread.
 * @throws {LogFileError} `ERR_CLH_NATIVE` where koffi has no binary for this system.
 */
export function loadKernel32(): Kernel32 {
  kernel32 ??= bindKernel32(loadKoffi());
  return kernel32;
}

// Required when the first lock is needed, not imported: the package must load, and say what is wrong, without it.
function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch (cause) {
    const system = `${process.platform}-${process.arch}`;
    throw new LogFileError(
      "ERR_CLH_NATIVE",
      `Cannot load the file lock: the package koffi, or its binary for ${system}, is not there or does not work. ` +
        "Install without --omit=optional, since the binary is an optional dependency of koffi; where none is published " +
        "for this system, build it with a C++ compiler and CMake: npm rebuild koffi --foreground-scripts. If the program " +
        "is bundled, leave this package out of the bundle.",
      { cause },
    );
  }
}

function bindLibc(koffi: Koffi): Libc {
  const library = koffi.load(null);
  const user = koffi.struct({ name: "const char *", password: "const char *", uid: "uint32_t", gid: "uint32_t" });
  const group = koffi.struct({ name: "const char *", password: "const char *", gid: "uint32_t" });
  const getpwnam = library.func("void *getpwnam(const char *name)");
  const getgrnam = library.func("void *getgrnam(const char *name)");
  const statx = optional(() =>
    library.func("int statx(int directory, void *path, int flags, uint32_t mask, void *out)"),
  );
  const renameat2 = optional(() =>
    library.func("int renameat2(int from_dir, const char *from, int to_dir, const char *to, uint32_t flags)"),
  );
  const poll = library.func("int poll(void *fds, size_t count, int timeout)");
  return {
    flock: library.func("int flock(int fd, int operation)"),
    write: library.func("intptr_t write(int fd, void *bytes, size_t length)"),
    access: library.func("int access(const char *path, int mode)"),
    ...(statx && { statx }),
    ...(renameat2 && { renameat2 }),
    hasHungUp: (fd) => {
      const pollfd = new Int32Array([fd, 0]); // events asked for, none, and those that are told unasked: POLLERR, POLLHUP
      return poll(pollfd, 1, 0) > 0;
    },
    userId: (name) => field(koffi, getpwnam(name), user, "uid"),
    groupId: (name) => field(koffi, getgrnam(name), group, "gid"),
    errno: () => koffi.errno(),
  };
}

function bindKernel32(koffi: Koffi): Kernel32 {
  const library = koffi.load("kernel32.dll");
  const driveType = library.func("uint32_t __stdcall GetDriveTypeW(const char16_t *root)");
  return {
    // node.exe exports libuv; the descriptor of node:fs becomes the HANDLE under it.
    handleOf: koffi.load(null).func("intptr_t uv_get_osfhandle(int fd)"),
    lockFileEx: library.func(
      "int __stdcall LockFileEx(intptr_t file, uint32_t flags, uint32_t reserved, uint32_t low, uint32_t high, void *overlapped)",
    ),
    unlockFileEx: library.func(
      "int __stdcall UnlockFileEx(intptr_t file, uint32_t reserved, uint32_t low, uint32_t high, void *overlapped)",
    ),
    lastError: library.func("uint32_t __stdcall GetLastError()"),
    isRemote: (path) => UNC.test(path) || driveType(parse(resolve(path)).root) === DRIVE_REMOTE,
  };
}

/** A function that this C library may lack (koffi throws when it looks for it). */
function optional(find: () => NativeFunction): NativeFunction | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

function field(koffi: Koffi, pointer: unknown, type: TypeObject, name: string): number | undefined {
  return pointer === null ? undefined : koffi.decode(pointer, type)[name];
}
