import { dirname, resolve } from "node:path";
import { LogFileError } from "../base/errors.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import {
  FilePath,
  FileStatus,
  type FileSystem,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
} from "../platform/file-system.js";
import { effectiveUser } from "../platform/identity.js";

/** The options `chmod`, `umask` and `owner`, resolved. */
export interface PermissionOptions {
  /** Exact permission bits, e.g. 0o640. */
  readonly chmod: number | undefined;
  /** Taken from the usual bits of a new file, in place of the umask of the process, which is never touched. */
  readonly umask: number | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** What a file of ours is opened for. */
export interface Opening {
  readonly path: string;
  readonly flags: number;
  /** Permission bits of a new file when no option says otherwise, before the process umask. */
  readonly mode: number;
  /** Whoever may read the file can lock it, and so keep others waiting: only who may write it may read it. */
  readonly isLock?: boolean;
}

interface Opened {
  readonly fd: number;
  readonly created: boolean;
}

/** How the file was come by: it is a new one, or was there under this name, or where a symbolic link leads to. */
type Way = "made" | "found" | "followed";

const ALL_BITS = 0o7777;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
const ROOT = 0;

// Between "not there" and "make it", another process may have made or removed it. On a network mount a name that another
// host has just made may also be "not there" and "there already" (EEXIST, even without O_EXCL) for a few calls.
const ATTEMPTS = 10;

/** Opens files so that nobody finds them with other permissions than asked for. */
export class Permissions {
  readonly #options: PermissionOptions;
  readonly #warn: (warning: LogFileError) => void;
  #warned = false;

  constructor(options: PermissionOptions, warn: (warning: LogFileError) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /**
   * Opens a regular file, making it and its directory where missing. A new file gets its owner and mode before anything
   * is in it; an old one is corrected when it differs and `chmod` or `owner` is given, unless others could have put it there.
   * @param into filled with what was opened, before it was corrected
   */
  open(fs: FileSystem, opening: Opening, into: FileStatus = new FileStatus()): Opened {
    const opened = this.#openOrCreate(fs, opening);
    const { fd, created } = opened;
    try {
      fs.statusOfOpen(fd, into);
      if (!into.isFile) throw new Error("it is not a regular file");
    } catch (error) {
      fs.close(fd);
      throw error;
    }
    try {
      this.#apply(fs, fd, opening, into, opened);
    } catch (cause) {
      if (!this.#warned) {
        const { path } = opening;
        this.#warned = true;
        const message = `Cannot set owner or mode of ${path}: ${reason(cause)}. ${advice(cause)}Logging goes on with what it has.`;
        this.#warn(new LogFileError("ERR_CLH_PERMISSION", message, { cause, path }));
      }
    }
    return { fd, created };
  }

  #openOrCreate(fs: FileSystem, opening: Opening): Opened & { readonly way: Way } {
    const { path } = opening;
    const flags = opening.flags | O_NONBLOCK; // a FIFO in its place would make us wait for its other end
    // Never wider than what #apply will set; the umask of the process may only narrow it further, for a moment.
    const firstMode = this.#bitsAskedFor(opening, true) ?? opening.mode;
    for (let attempt = 1; ; attempt++) {
      try {
        // Always asked first, since it is what makes a host ask the server what the name leads to: otherwise NFS and FUSE
        // may open the file that had the name a moment ago, which another host has rotated.
        // A second EEXIST is a symbolic link to a file that is yet to be made; it is followed where `flags` allow it.
        const exclusive = attempt === 1 || flags & O_NOFOLLOW ? O_EXCL : 0;
        const fd = fs.open(path, flags | O_CREAT | exclusive, firstMode);
        return { fd, created: true, way: exclusive ? "made" : "followed" };
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        if (hasCode(error, "ENOENT")) fs.mkdir(dirname(path));
        else if (!hasCode(error, "EEXIST")) throw error;
      }
      try {
        return { ...openOld(fs, path, flags), created: false };
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error;
      }
    }
  }

  /** Undefined where no option says anything. */
  #bitsAskedFor({ mode, isLock }: Opening, created: boolean): number | undefined {
    const { chmod, umask } = this.#options;
    const bits = chmod ?? (created && umask !== undefined ? mode & ~umask : undefined);
    return bits !== undefined && isLock ? forWriters(bits) : bits;
  }

  #apply(
    fs: FileSystem,
    fd: number,
    opening: Opening,
    status: FileStatus,
    { created, way }: Opened & { way: Way },
  ): void {
    const { owner } = this.#options;
    const bits = this.#bitsAskedFor(opening, created);
    const hasOwner = owner === undefined || (status.uid === owner.uid && status.gid === owner.gid);
    const hasBits = bits === undefined || (status.mode & ALL_BITS) === bits;
    if ((!hasOwner || !hasBits) && way !== "made") refuseWhatOthersPutThere(fs, opening.path, status, way);
    if (!hasOwner) fs.fchown(fd, owner.uid, owner.gid);
    if (!hasBits) fs.fchmod(fd, bits);
    if (bits === undefined && opening.isLock) keepFromReaders(fs, fd, status);
  }
}

/** Through a symbolic link only where the name is one, and `flags` allow it. */
function openOld(fs: FileSystem, path: string, flags: number): { fd: number; way: Way } {
  try {
    return { fd: fs.open(path, flags | O_NOFOLLOW), way: "found" };
  } catch (error) {
    if (flags & O_NOFOLLOW || !hasCode(error, "ELOOP")) throw error;
    return { fd: fs.open(path, flags), way: "followed" };
  }
}

/**
 * Else whoever may write to the directory would get the owner or the mode for any file of this user: by a link to it, or
 * by moving it there (CWE-59).
 */
function refuseWhatOthersPutThere(fs: FileSystem, path: string, { links }: FileStatus, way: Way): void {
  if (way === "followed") throw new Error("it is a symbolic link. Name the file that it leads to, or set them by hand");
  if (links > 1) throw new Error(`it has ${links} names. Delete the others, or set them by hand`);
  const directory = writableByOthers(fs, path);
  if (directory === undefined) return;
  throw new Error(
    `it was there before, and others than this user may write to ${directory}. Set them by hand, or take that right away`,
  );
}

/** The directory on the way to `path` where others could have put another file, or another directory, of that name. */
function writableByOthers(fs: FileSystem, path: string): string | undefined {
  const me = effectiveUser();
  if (me === undefined) return undefined; // Windows, where neither owner nor mode is set
  const status = new FileStatus();
  const parent = dirname(resolve(path));
  for (let directory = parent; ; directory = dirname(directory)) {
    fs.status(new FilePath(directory), status);
    const isOurs = status.uid === me || status.uid === ROOT;
    // In a sticky directory others can make entries, and replace none of ours.
    const isOpen =
      (status.mode & (GROUP_WRITES | OTHERS_WRITE)) !== 0 && (directory === parent || !(status.mode & STICKY));
    if (!isOurs || isOpen) return directory;
    if (dirname(directory) === directory) return undefined;
  }
}

/** Reading for those who may write, since who can open a file can lock it, and keep all others waiting. */
function forWriters(mode: number): number {
  const writing = mode & 0o222;
  return writing | (writing << 1);
}

/** A lock file of ours that Python, or an older version, has made for everybody to read. */
function keepFromReaders(fs: FileSystem, fd: number, { mode, uid, links }: FileStatus): void {
  const bits = forWriters(mode);
  if ((mode & ALL_BITS) !== bits && uid === effectiveUser() && links === 1) fs.fchmod(fd, bits);
}

/**
 * Whether a file beside a log is of one who may write that log: of this user, root, the owner of the log or of its
 * directory, or of the group that may write it. What anybody else has put there is not obeyed, and not taken for records.
 */
export function isOursToBelieve(fs: FileSystem, log: string, file: FileStatus): boolean {
  const me = effectiveUser();
  if (me === undefined) return true; // Windows, which tells no owners
  const [directory, active] = [new FileStatus(), new FileStatus()];
  fs.status(new FilePath(dirname(log)), directory);
  const isThere = fs.status(new FilePath(log), active);
  if (isThere && (file.mode & ~active.mode & OTHERS_WRITE) !== 0) return false;
  if ([me, ROOT, directory.uid, ...(isThere ? [active.uid] : [])].includes(file.uid)) return true;
  // Where all can make files, they may get its group with the directory.
  const isGroupProof = (directory.mode & OTHERS_WRITE) === 0;
  return isThere && isGroupProof && (active.mode & GROUP_WRITES) !== 0 && file.gid === active.gid;
}

/** Whether what a user says of a directory may be obeyed: else we would read and delete for him where he may not. */
export function isDirectoryOf(fs: FileSystem, path: string, uid: number | undefined): boolean {
  const me = effectiveUser();
  const status = new FileStatus();
  if (me === undefined || uid === me || uid === ROOT || !fs.status(new FilePath(path), status)) return true;
  return status.uid === uid;
}
