/* What ofd-locks.ts and places.ts know of `struct flock` and fcntl(2): fcntl.h of Linux. */

export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;

const ARCHITECTURES = new Set(["x64", "arm64", "riscv64", "loong64", "ppc64"]);

/**
 * True where the structure has two 16-bit numbers (type, whence), then two 64-bit ones (start, length), each at a multiple of
 * its size, and a pid, which has to be 0.
 * @param arch as `process.arch`
 */
export function isLayoutKnown(arch: string): boolean {
  return ARCHITECTURES.has(arch);
}
