import { createRequire } from "node:module";
import { parse, resolve } from "node:path";
import type { LibraryHandle, TypeObject } from "koffi";
import { LogFileError } from "../base/errors.js";
import { hasCode, isError, reason } from "../base/system-errors.js";
import { startOfProgram } from "./file-system.js";
import type { Kernel32, Libc } from "./system-calls.js";

type Koffi = typeof import("koffi");
type NativeFunction = ReturnType<LibraryHandle["func"]>;

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

/**
 * The binaries of koffi, which npm installs by system. koffi itself is left out: it would load the same file, add names
 * that it has given up, and bring an install script, for which package managers stop and ask. Each file is named in
 * full, for programs that trace or bundle what is loaded.
 */
function binaries(): Readonly<Record<string, () => unknown>> {
  const require = createRequire(import.meta.url);
  return {
    "android-arm64": () => require("@koromix/koffi-android-arm64/android_arm64/koffi.node"),
    "android-x64": () => require("@koromix/koffi-android-x64/android_x64/koffi.node"),
    "darwin-arm64": () => require("@koromix/koffi-darwin-arm64/darwin_arm64/koffi.node"),
    "darwin-x64": () => require("@koromix/koffi-darwin-x64/darwin_x64/koffi.node"),
    "freebsd-arm64": () => require("@koromix/koffi-freebsd-arm64/freebsd_arm64/koffi.node"),
    "freebsd-ia32": () => require("@koromix/koffi-freebsd-ia32/freebsd_ia32/koffi.node"),
    "freebsd-x64": () => require("@koromix/koffi-freebsd-x64/freebsd_x64/koffi.node"),
    "linux-arm": () => require("@koromix/koffi-linux-arm/linux_armhf/koffi.node"),
    "linux-arm64": () => require("@koromix/koffi-linux-arm64/linux_arm64/koffi.node"),
    "linux-ia32": () => require("@koromix/koffi-linux-ia32/linux_ia32/koffi.node"),
    "linux-loong64": () => require("@koromix/koffi-linux-loong64/linux_loong64/koffi.node"),
    "linux-ppc64": () => require("@koromix/koffi-linux-ppc64/linux_ppc64le/koffi.node"),
    "linux-riscv64": () => require("@koromix/koffi-linux-riscv64/linux_riscv64d/koffi.node"),
    "linux-x64": () => require("@koromix/koffi-linux-x64/linux_x64/koffi.node"),
    "musl-arm64": () => require("@koromix/koffi-linux-arm64/musl_arm64/koffi.node"),
    "musl-x64": () => require("@koromix/koffi-linux-x64/musl_x64/koffi.node"),
    "openbsd-arm64": () => require("@koromix/koffi-openbsd-arm64/openbsd_arm64/koffi.node"),
    "openbsd-ia32": () => require("@koromix/koffi-openbsd-ia32/openbsd_ia32/koffi.node"),
    "openbsd-x64": () => require("@koromix/koffi-openbsd-x64/openbsd_x64/koffi.node"),
    "win32-arm64": () => require("@koromix/koffi-win32-arm64/win32_arm64/koffi.node"),
    "win32-ia32": () => require("@koromix/koffi-win32-ia32/win32_ia32/koffi.node"),
    "win32-x64": () => require("@koromix/koffi-win32-x64/win32_x64/koffi.node"),
  };
}

// Loaded when the first lock is needed, not imported: the package must load, and say what is wrong, without it.
function loadKoffi(): Koffi {
  const system = `${isMusl() ? "musl" : process.platform}-${process.arch}`;
  try {
    const load = binaries()[system];
    if (load === undefined) throw new Error(`there is no binary of koffi for ${system}`);
    return load() as Koffi;
  } catch (cause) {
    if (hasCode(cause, "ERR_DLOPEN_DISABLED"))
      throw notLoaded(
        "Native addons are not permitted: start Node with --allow-addons, and without --no-addons.",
        cause,
      );
    if (isError(cause, "NotCapable")) throw notLoaded(`${reason(cause)}.`, cause); // Deno, which names the flag
    throw notLoaded(
      `The package @koromix/koffi-${process.platform}-${process.arch} is not there, or does not work here: ` +
        `${reason(cause).split("\n", 1)[0]}. Install on the system that the program runs on, and without ` +
        "--omit=optional: it is an optional dependency. If the program is bundled, leave this package out of the bundle.",
      cause,
    );
  }
}

function notLoaded(why: string, cause?: unknown): LogFileError {
  return new LogFileError("ERR_CLH_NATIVE", `Cannot load the file lock. ${why}`, { cause });
}

/** Alpine and the like: the loader of their programs has another name. */
function isMusl(): boolean {
  if (process.platform !== "linux") return false;
  try {
    return startOfProgram().includes("/ld-musl-");
  } catch {
    // A program that may not be read, or is gone. The report says it as well, and takes five milliseconds.
    const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined;
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
    ...(process.platform === "linux" && {
      // On all architectures of struct-flock.ts, an argument that may be left out is passed like any other.
      fcntl: library.func("int fcntl(int fd, int command, void *lock)"),
      lseek: library.func("int64_t lseek(int fd, int64_t offset, int whence)"),
    }),
    write: library.func("intptr_t write(int fd, void *bytes, size_t length)"),
    access: library.func("int access(const char *path, int mode)"),
    fchmod: library.func("int fchmod(int fd, uint32_t mode)"),
    fchown: library.func("int fchown(int fd, uint32_t uid, uint32_t gid)"),
    fsync: library.func("int fsync(int fd)"),
    fdatasync: library.func("int fdatasync(int fd)"),
    futimens: library.func("int futimens(int fd, void *times)"),
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
    moveFileEx: library.func("int __stdcall MoveFileExW(const char16_t *from, const char16_t *to, uint32_t flags)"),
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
