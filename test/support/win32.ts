import { createRequire } from "node:module";

/* Calls that other programs make on Windows, and Node cannot. */

const FILE_SHARE_READ = 1;
const FILE_SHARE_WRITE = 2;
const GENERIC_READ_WRITE = 0xc000_0000;
const OPEN_ALWAYS = 4;
const READ_ONLY = 1;
const NORMAL = 0x80;

const binary = `@koromix/koffi-win32-${process.arch}/win32_${process.arch}/koffi.node`;
const koffi = createRequire(import.meta.url)(binary) as typeof import("koffi");
const kernel32 = koffi.load("kernel32.dll");
const createFile = kernel32.func(
  "intptr_t __stdcall CreateFileW(const char16_t *path, uint32_t access, uint32_t share, void *security, uint32_t how, uint32_t flags, intptr_t template)",
);
const closeHandle = kernel32.func("int __stdcall CloseHandle(intptr_t handle)");
const lockFile = kernel32.func(
  "int __stdcall LockFile(intptr_t handle, uint32_t low, uint32_t high, uint32_t length, uint32_t length_high)",
);
const setAttributes = kernel32.func("int __stdcall SetFileAttributesW(const char16_t *path, uint32_t attributes)");

/** A file that another program has open, as most do: nobody may delete or rename it. Made if it is not there. */
export class OpenedByOthers {
  readonly #handle: number | bigint;

  /** @param shared false: nobody else may even open it */
  constructor(path: string, shared = true) {
    const share = shared ? FILE_SHARE_READ | FILE_SHARE_WRITE : 0;
    this.#handle = createFile(path, GENERIC_READ_WRITE, share, null, OPEN_ALWAYS, NORMAL, 0);
    if (Number(this.#handle) === -1) throw new Error(`CreateFileW failed for ${path}`);
  }

  /** What Python's `msvcrt.locking(fd, LK_NBLCK, 0x10000)` calls at the start of a file; true when it has the lock. */
  lockAsPython(): boolean {
    return lockFile(this.#handle, 0, 0, 0x10000, 0) !== 0;
  }

  close(): void {
    closeHandle(this.#handle);
  }
}

export function setReadOnly(path: string, isReadOnly: boolean): void {
  if (setAttributes(path, isReadOnly ? READ_ONLY : NORMAL) === 0) throw new Error(`no such file: ${path}`);
}
