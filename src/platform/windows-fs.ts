import { dirname, join, resolve, toNamespacedPath } from "node:path";
import { hasCode } from "../base/system-errors.js";
import { FilePath, FileStatus, type FileSystem, O_NOFOLLOW } from "./file-system.js";
import { lazyPackages } from "./lazy-packages.js";
import type { Kernel32 } from "./system-calls.js";

// winerror.h, and what libuv makes of it.
const CODES: Readonly<Record<number, string>> = {
  2: "ENOENT", // ERROR_FILE_NOT_FOUND
  3: "ENOENT", // ERROR_PATH_NOT_FOUND
  5: "EPERM", // ERROR_ACCESS_DENIED
  17: "EXDEV", // ERROR_NOT_SAME_DEVICE
  32: "EBUSY", // ERROR_SHARING_VIOLATION
  33: "EBUSY", // ERROR_LOCK_VIOLATION
  80: "EEXIST", // ERROR_FILE_EXISTS
  112: "ENOSPC", // ERROR_DISK_FULL
  183: "EEXIST", // ERROR_ALREADY_EXISTS
};

const DOOMED = /^\.__[0-9a-f]{12}\.deleted$/;

// What statfs(2) calls SMB (linux/magic.h).
const SMB = 0xfe534d42;

/**
 * The file system of Windows, made to do what the rest of this package expects of one.
 * @param kernel32 tells whether a path is on a drive of another host, and renames
 */
export function forWindows(
  fs: FileSystem,
  { isRemote, moveFileEx, lastError }: Pick<Kernel32, "isRemote" | "moveFileEx" | "lastError">,
): FileSystem {
  const tidied = new Set<string>();

  /** Deletes what processes that were killed in `unlink` have left. */
  function tidy(directory: string): void {
    if (tidied.has(directory)) return;
    tidied.add(directory);
    for (const name of fs.readdir(directory).filter((name) => DOOMED.test(name))) {
      remove(join(directory, name), "EPERM", "EACCES", "EBUSY"); // deleted already, and open somewhere
    }
  }

  function remove(doomed: string, ...forgiven: string[]): void {
    try {
      fs.unlink(doomed);
    } catch (error) {
      if (!hasCode(error, "ENOENT", ...forgiven)) throw error; // ENOENT: another process has tidied up
    }
  }

  return {
    ...fs,
    // There is no O_NOFOLLOW. A link that is put there just after this is found out by its identity.
    open(path, flags, mode) {
      const status = new FileStatus();
      if (flags & O_NOFOLLOW && fs.linkStatus(new FilePath(path), status) && status.isSymbolicLink) {
        throw systemError("ELOOP", `too many symbolic links encountered, open '${path}'`, "open");
      }
      return fs.open(path, flags & ~O_NOFOLLOW, mode);
    },
    // libuv replaces what has the name; to ask before is not enough on a share, since Windows remembers for five seconds
    // that a name was free (FileNotFoundCacheLifetime). Without flags, the server refuses it.
    renameNew(from, to) {
      const [source, target] = [from, to].map((path) => toNamespacedPath(resolve(path))) as [string, string];
      if (moveFileEx(source, target, 0) !== 0) return;
      const error = lastError();
      const code = CODES[error] ?? `WIN32_${error}`;
      const message = `${code}: Windows error ${error}, rename '${from}' -> '${to}'`;
      throw Object.assign(systemError(code, message, "rename"), { path: from, dest: to });
    },
    // A deleted file keeps its name until everybody has closed it (with Node before 22, or off NTFS), and nobody can
    // make another one of that name. A file can be renamed while it is open, so it leaves its name first.
    unlink(path) {
      const doomed = join(dirname(path), `.__${lazyPackages().crypto().randomBytes(6).toString("hex")}.deleted`);
      fs.rename(path, doomed);
      remove(doomed);
      tidy(dirname(path));
    },
    // Node does nothing for the one, and sets the read-only attribute for the other, which nobody has asked for.
    fchown: () => refuse("chown"),
    fchmod: () => refuse("chmod"),
    fileSystemType: (path) => (isRemote(path) ? SMB : 0),
  };
}

function refuse(syscall: string): never {
  throw systemError("ENOTSUP", `Windows has neither the owners nor the modes of POSIX, ${syscall}`, syscall);
}

function systemError(code: string, text: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}`), { code, syscall });
}
