import * as os from "node:os";
import { hasCode, systemError } from "../base/system-errors.js";
import { type FileSystem, linux, portable } from "./file-system.js";
import type { Libc } from "./system-calls.js";

/**
 * Node's permission model refuses every call on a descriptor by which more than bytes change, whatever was permitted. The
 * file is one that it has let us open; the C library, which it has let us call, makes the change.
 */
function permitted(fs: FileSystem, libc: Libc): FileSystem {
  const or =
    <Given extends unknown[]>(name: string, call: (...given: Given) => void, direct: (...given: Given) => number) =>
    (...given: Given): void => {
      try {
        call(...given);
      } catch (error) {
        if (!hasCode(error, "ERR_ACCESS_DENIED")) throw error;
        if (direct(...given) !== 0) throw systemError(libc.errno(), name);
      }
    };
  return {
    ...fs,
    fchmod: or("fchmod", fs.fchmod, libc.fchmod),
    fchown: or("fchown", fs.fchown, libc.fchown),
    futimes: or("futimens", fs.futimes, (fd, accessed, modified) => libc.futimens(fd, timespecs(accessed, modified))),
    fsync: or("fsync", fs.fsync, libc.fsync),
    fdatasync: or("fdatasync", fs.fdatasync, libc.fdatasync),
  };
}

function timespecs(...seconds: number[]): BigInt64Array {
  return BigInt64Array.from(
    seconds.flatMap((time) => [BigInt(Math.floor(time)), BigInt(Math.floor((time % 1) * 1e9))]),
  );
}

/**
 * The real file system.
 * @param libc of this process, where it has one; macOS has neither `statx` nor `renameat2`, nor has an older musl
 */
export function fileSystemOver(libc?: Libc): FileSystem {
  if (libc === undefined) return portable;
  return permitted(libc.statx === undefined || os.endianness() !== "LE" ? portable : linux(libc, libc.statx), libc);
}
