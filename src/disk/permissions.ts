import { dirname } from "node:path";
import { hasCode, LogFileError, reason } from "../base/errors.js";
import { FileStatus, type FileSystem, O_CREAT, O_EXCL, O_NOFOLLOW } from "../platform/file-system.js";

/** The options `chmod`, `umask` and `owner`, resolved. */
export interface PermissionOptions {
  /** Exact permission bits, e.g. 0o640. */
  readonly chmod: number | undefined;
  /** Taken from the usual bits of a new file, in place of the umask of the process, which is never touched. */
  readonly umask: number | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

const ALL_BITS = 0o7777;

// Between "not there" and "make it", another process may have made or removed it. On a network mount a name that another
// host has just made may also be "not there" and "there already" (EEXIST, even without O_EXCL) for a few calls.
const ATTEMPTS = 10;

/** Opens files so that nobody finds them with other permissions than asked for. */
export class Permissions {
  readonly #options: PermissionOptions;
  readonly #warn: (warning: LogFileError) => void;
  readonly #status = new FileStatus();
  #warned = false;

  constructor(options: PermissionOptions, warn: (warning: LogFileError) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /**
   * Opens `path`, making it and its directory where missing. A new file gets its owner and mode before anything is
   * in it; an old one is corrected when it differs and `chmod` or `owner` is given.
   * @param newFileMode permission bits of a new file when no option says otherwise, before the process umask
   */
  open(fs: FileSystem, path: string, flags: number, newFileMode: number): { fd: number; created: boolean } {
    const { fd, created } = this.#openOrCreate(fs, path, flags, newFileMode);
    try {
      this.#apply(fs, fd, created, newFileMode);
    } catch (cause) {
      if (!this.#warned) {
        this.#warned = true;
        const message = `Cannot set owner or mode of ${path}: ${reason(cause)}. Logging goes on with what it has.`;
        this.#warn(new LogFileError("ERR_CLH_PERMISSION", message, { cause, path }));
      }
    }
    return { fd, created };
  }

  #openOrCreate(fs: FileSystem, path: string, flags: number, newFileMode: number): { fd: number; created: boolean } {
    const { chmod, umask } = this.#options;
    // Never wider than what #apply will set; the umask of the process may only narrow it further, for a moment.
    const firstMode = chmod ?? newFileMode & ~(umask ?? 0);
    for (let attempt = 1; ; attempt++) {
      try {
        // Always asked first, since it is what makes a host ask the server what the name leads to: otherwise NFS and FUSE
        // may open the file that had the name a moment ago, which another host has rotated.
        // A second EEXIST is a symbolic link to a file that is yet to be made; it is followed where `flags` allow it.
        const exclusive = attempt === 1 || flags & O_NOFOLLOW ? O_EXCL : 0;
        return { fd: fs.open(path, flags | O_CREAT | exclusive, firstMode), created: true };
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        if (hasCode(error, "ENOENT")) fs.mkdir(dirname(path));
        else if (!hasCode(error, "EEXIST")) throw error;
      }
      try {
        return { fd: fs.open(path, flags), created: false };
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error;
      }
    }
  }

  #apply(fs: FileSystem, fd: number, created: boolean, newFileMode: number): void {
    const { chmod, umask, owner } = this.#options;
    const mode = chmod ?? (created && umask !== undefined ? newFileMode & ~umask : undefined);
    if (mode === undefined && owner === undefined) return;
    fs.statusOfOpen(fd, this.#status);
    if (owner !== undefined && (this.#status.uid !== owner.uid || this.#status.gid !== owner.gid)) {
      fs.fchown(fd, owner.uid, owner.gid);
    }
    if (mode !== undefined && (this.#status.mode & ALL_BITS) !== mode) fs.fchmod(fd, mode);
  }
}
