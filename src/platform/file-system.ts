import * as nodeFs from "node:fs";
import * as os from "node:os";
import { basename, dirname, join } from "node:path";
import { hasCode, systemError } from "../base/system-errors.js";
import type { Libc } from "./system-calls.js";
import { writeFully } from "./write-fully.js";

/** A path, kept also in the form that C wants, so that asking for its status copies nothing. */
export class FilePath {
  readonly text: string;
  readonly bytes: Buffer;

  constructor(text: string) {
    this.text = text;
    this.bytes = Buffer.from(`${text}\0`);
  }
}

// Places in `struct statx`, in 32-bit words (linux/stat.h).
const LINKS = 4;
const UID = 5;
const GID = 6;
const MODE = 7;
const INODE = 8;
const SIZE = 10;
const BIRTH = 20;
const MTIME = 28;
const DEVICE = 34;
const ALTERABLE = Object.entries({ links: LINKS, mode: MODE, uid: UID, gid: GID }) as ["links" | "mode", number][];

/** What the disk says of a file. Reused from call to call: its memory is the `struct statx` that Linux fills. */
export class FileStatus {
  readonly words: Uint32Array = new Uint32Array(64);

  /** Bytes. */
  get size(): number {
    return this.words[SIZE]! + this.words[SIZE + 1]! * 2 ** 32;
  }

  /** Type and permission bits, as in `fs.Stats`. */
  get mode(): number {
    return this.words[MODE]! & 0xffff;
  }

  /** Seconds since 1970. */
  get modifiedAt(): number {
    return this.words[MTIME]! + (this.words[MTIME + 1]! | 0) * 2 ** 32 + this.words[MTIME + 2]! / 1e9;
  }

  /** Names that the file has. */
  get links(): number {
    return this.words[LINKS]!;
  }

  get uid(): number {
    return this.words[UID]!;
  }

  get gid(): number {
    return this.words[GID]!;
  }

  get isFile(): boolean {
    return (this.mode & nodeFs.constants.S_IFMT) === nodeFs.constants.S_IFREG;
  }

  get isDirectory(): boolean {
    return (this.mode & nodeFs.constants.S_IFMT) === nodeFs.constants.S_IFDIR;
  }

  /** Inode, and device as its major and minor number. */
  get place(): { inode: number; major: number; minor: number } {
    const { words: w } = this;
    return { inode: w[INODE]! + w[INODE + 1]! * 2 ** 32, major: w[DEVICE]!, minor: w[DEVICE + 1]! };
  }

  get isSymbolicLink(): boolean {
    return (this.mode & nodeFs.constants.S_IFMT) === nodeFs.constants.S_IFLNK;
  }

  /** True when both are one file on disk, whatever it is called now. */
  isSameFile(other: FileStatus): boolean {
    const a = this.words;
    const b = other.words;
    return (
      a[INODE] === b[INODE] &&
      a[INODE + 1] === b[INODE + 1] &&
      a[DEVICE] === b[DEVICE] &&
      a[DEVICE + 1] === b[DEVICE + 1]
    );
  }

  /** Tells a file from a later one that was given the same inode, where the system tells when files were born. */
  get identity(): string {
    return [INODE, INODE + 1, DEVICE, DEVICE + 1, BIRTH, BIRTH + 1, BIRTH + 2]
      .map((word) => this.words[word])
      .join("-");
  }

  /** Which file it is, in sixteen bytes. */
  writeIdentity(into: Buffer, at: number): void {
    for (const [i, word] of [INODE, INODE + 1, DEVICE, DEVICE + 1].entries()) {
      into.writeUInt32LE(this.words[word]!, at + 4 * i);
    }
  }

  readIdentity(from: Buffer, at: number): void {
    for (const [i, word] of [INODE, INODE + 1, DEVICE, DEVICE + 1].entries()) {
      this.words[word] = from.readUInt32LE(at + 4 * i);
    }
  }

  /** A name for this file that outlives its renames: its inode and when its content last changed. */
  get fingerprint(): string {
    const w = this.words;
    const hex = (word: number, width = 8) => word.toString(16).padStart(width, "0");
    return `${hex(w[INODE + 1]!, 1)}${hex(w[INODE]!)}-${hex(w[MTIME + 1]!, 1)}${hex(w[MTIME]!)}${hex(w[MTIME + 2]!)}`;
  }

  copyFrom(other: FileStatus): void {
    this.words.set(other.words);
  }

  /** Makes it what it will be after a change that is planned; the last of these in seconds since 1970. */
  alter(change: Partial<Record<"inode" | "links" | "mode" | "uid" | "gid" | "size" | "modifiedAt", number>>): void {
    const w = this.words;
    for (const [name, word] of ALTERABLE) w[word] = change[name] ?? w[word]!;
    if (change.inode !== undefined) put(w, INODE, BigInt(change.inode));
    if (change.size !== undefined) put(w, SIZE, BigInt(change.size));
    if (change.modifiedAt === undefined) return;
    put(w, MTIME, BigInt(Math.floor(change.modifiedAt)));
    w[MTIME + 2] = Math.floor((change.modifiedAt % 1) * 1e9);
  }

  /** Fills this from `node:fs`, where the system has no `statx`. */
  fill(stats: nodeFs.BigIntStats): void {
    const w = this.words;
    w[LINKS] = Number(stats.nlink);
    w[UID] = Number(stats.uid);
    w[GID] = Number(stats.gid);
    w[MODE] = Number(stats.mode);
    put(w, INODE, stats.ino);
    put(w, SIZE, stats.size);
    put(w, MTIME, stats.mtimeNs / 1_000_000_000n);
    w[MTIME + 2] = Number(stats.mtimeNs % 1_000_000_000n);
    put(w, BIRTH, stats.birthtimeNs / 1_000_000_000n);
    w[BIRTH + 2] = Number(stats.birthtimeNs % 1_000_000_000n);
    // As `statx` gives them, so that both say the same of one file (gnu_dev_major(3)).
    w[DEVICE] = Number(((stats.dev >> 8n) & 0xfffn) | ((stats.dev >> 32n) & 0xffff_f000n));
    w[DEVICE + 1] = Number((stats.dev & 0xffn) | ((stats.dev >> 12n) & 0xffff_ff00n));
  }
}

function put(words: Uint32Array, at: number, value: bigint): void {
  words[at] = Number(value & 0xffff_ffffn);
  words[at + 1] = Number((value >> 32n) & 0xffff_ffffn);
}

export interface DiskSpace {
  readonly total: number;
  readonly free: number;
}

/**
 * The file system as this package uses it. Everything on disk goes through one of these, so that tests can make any
 * call fail. All of them throw Node's system errors, with `code` and `syscall`.
 */
export interface FileSystem {
  open(path: string, flags: number, mode?: number): number;
  close(fd: number): void;
  /** Returns how many bytes the system took, which may be fewer. */
  write(fd: number, bytes: Buffer, offset: number, length: number): number;
  /** Writes all of `bytes` at `position`. */
  writeAt(fd: number, bytes: Buffer, position: number): void;
  truncate(fd: number, length: number): void;
  read(fd: number, bytes: Buffer, offset: number, length: number, position: number): number;
  /** Fills `into`, but for its times; false when there is no such file. */
  status(path: FilePath, into: FileStatus): boolean;
  /** Fills all of `into`; false when there is no such file. */
  statusWithTime(path: FilePath, into: FileStatus): boolean;
  /** As statusWithTime, but of a symbolic link itself. */
  linkStatus(path: FilePath, into: FileStatus): boolean;
  statusOfOpen(fd: number, into: FileStatus): void;
  exists(path: string): boolean;
  /** Throws unless this user may do with it what `mode` asks, such as `W_OK`. */
  access(path: string, mode: number): void;
  rename(from: string, to: string): void;
  /** As rename, but throws EEXIST when `to` is there already. */
  renameNew(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes a directory with all those above it that are missing; content when it is there already. */
  mkdir(path: string): void;
  readdir(path: string): string[];
  readlink(path: string): string;
  fchmod(fd: number, mode: number): void;
  fchown(fd: number, uid: number, gid: number): void;
  futimes(fd: number, accessed: number, modified: number): void;
  /** Brings content and status of a file, or the names in a directory, to the disk. */
  fsync(fd: number): void;
  /** As fsync, without what is not needed to read the content: its times. */
  fdatasync(fd: number): void;
  /** The number of the kind of file system that `path` is on, as in statfs(2) of Linux; 0 where that is not known. */
  fileSystemType(path: string): number;
  /** Bytes of the file system that `path` is on, and those of them that this user may still fill. */
  space(path: string): DiskSpace;
  createReadStream: typeof nodeFs.createReadStream;
}

// Windows has no O_NOFOLLOW, nor a flag with this bit: windows.ts does what it asks for.
const NO_SUCH_FLAG = 0x4000_0000;
export const {
  O_RDONLY,
  O_WRONLY,
  O_RDWR,
  O_CREAT,
  O_EXCL,
  O_APPEND,
  O_NOFOLLOW = NO_SUCH_FLAG,
  O_NONBLOCK = 0,
  O_DIRECT = 0,
  O_NOATIME = 0,
  R_OK,
  W_OK,
} = nodeFs.constants;

const AS_BIGINT = { bigint: true, throwIfNoEntry: false } as const;

export const portable: FileSystem = {
  open: nodeFs.openSync,
  close: nodeFs.closeSync,
  write: (fd, bytes, offset, length) => nodeFs.writeSync(fd, bytes, offset, length),
  writeAt(fd, bytes, position) {
    writeFully(0, bytes.length, (at, length) => nodeFs.writeSync(fd, bytes, at, length, position + at));
  },
  truncate: nodeFs.ftruncateSync,
  read: nodeFs.readSync,
  status: (path, into) => fill(into, nodeFs.statSync(path.text, AS_BIGINT)),
  statusWithTime: (path, into) => fill(into, nodeFs.statSync(path.text, AS_BIGINT)),
  linkStatus: (path, into) => fill(into, nodeFs.lstatSync(path.text, AS_BIGINT)),
  statusOfOpen: (fd, into) => into.fill(nodeFs.fstatSync(fd, { bigint: true })),
  exists: nodeFs.existsSync,
  access: nodeFs.accessSync,
  rename: nodeFs.renameSync,
  renameNew(from, to) {
    if (nodeFs.existsSync(to)) throw alreadyThere(from, to);
    nodeFs.renameSync(from, to);
  },
  unlink: nodeFs.unlinkSync,
  mkdir: makeDirectory,
  readdir: (path) => nodeFs.readdirSync(path),
  readlink: (path) => nodeFs.readlinkSync(path),
  fchmod: nodeFs.fchmodSync,
  fchown: nodeFs.fchownSync,
  futimes: nodeFs.futimesSync,
  fsync: nodeFs.fsyncSync,
  fdatasync: nodeFs.fdatasyncSync,
  fileSystemType: (path) => (process.platform === "linux" ? nodeFs.statfsSync(path).type : 0),
  space(path) {
    const { blocks, bavail, bsize } = nodeFs.statfsSync(path);
    return { total: blocks * bsize, free: bavail * bsize };
  },
  createReadStream: nodeFs.createReadStream,
};

function fill(into: FileStatus, stats: nodeFs.BigIntStats | undefined): boolean {
  if (stats === undefined) return false;
  into.fill(stats);
  return true;
}

// Not node:fs with `recursive`: below a directory that refuses new ones with ENOENT, as /proc does, it never returns.
function makeDirectory(path: string): void {
  try {
    nodeFs.mkdirSync(path);
  } catch (error) {
    if (hasCode(error, "EEXIST") && nodeFs.statSync(path).isDirectory()) return;
    if (!hasCode(error, "ENOENT") || dirname(path) === path || nodeFs.existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path));
    makeDirectory(path);
  }
}

function alreadyThere(from: string, to: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`EEXIST: file already exists, rename '${from}' -> '${to}'`), {
    code: "EEXIST",
    syscall: "rename",
    path: from,
    dest: to,
  });
}

/** Looks among the names in the directory, of which the server is asked: a client of NFS remembers that a name was free. */
function renameListed(from: string, to: string): void {
  if (portable.readdir(dirname(to)).includes(basename(to))) throw alreadyThere(from, to);
  portable.rename(from, to);
}

const { EEXIST, EINVAL, ENOSYS } = os.constants.errno;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
// Type, mode, links, owner, inode and size, but no times: on Linux 6.13 and later, asking for the time of the last
// change makes the next write of the file record a finer one, which costs it a microsecond.
const STATX_WITHOUT_TIMES = 0x31f;
const STATX_BASIC_STATS = 0x7ff;
const STATX_BIRTH = 0x800;
const RENAME_NOREPLACE = 1;
const NO_PATH = Buffer.from("\0");

/**
 * The calls of every record and of every backup, made through koffi into kept memory: a quarter of the time of
 * `node:fs`, which builds an object for each. When one fails, `node:fs` makes the same call again and throws its own
 * error; that nothing is there is an answer.
 */
export function linux(libc: Libc, statx: NonNullable<Libc["statx"]>): FileSystem {
  const { renameat2 } = libc;
  const ask = (flags: number, mask: number, again: FileSystem["status"]): FileSystem["status"] => {
    return (path, into) =>
      statx(AT_FDCWD, path.bytes, flags, mask, into.words) === 0 ||
      (libc.errno() !== os.constants.errno.ENOENT && again(path, into));
  };
  return {
    ...portable,
    write(fd, bytes, offset, length) {
      const written = offset === 0 ? libc.write(fd, bytes, length) : -1;
      return written >= 0 ? written : portable.write(fd, bytes, offset, length);
    },
    status: ask(0, STATX_WITHOUT_TIMES, portable.status),
    statusWithTime: ask(0, STATX_BASIC_STATS | STATX_BIRTH, portable.status),
    linkStatus: ask(AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, portable.linkStatus),
    statusOfOpen(fd, into) {
      if (statx(fd, NO_PATH, AT_EMPTY_PATH, STATX_BASIC_STATS, into.words) !== 0) portable.statusOfOpen(fd, into);
    },
    exists: (path) => libc.access(path, nodeFs.constants.F_OK) === 0,
    renameNew(from, to) {
      if (renameat2?.(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) === 0) return;
      const errno = renameat2 === undefined ? ENOSYS : libc.errno();
      if (errno === EEXIST) throw alreadyThere(from, to);
      // The file system (NFS) or the kernel has no such rename. After any other failure, to ask first would not be enough.
      if (errno === ENOSYS || errno === EINVAL) renameListed(from, to);
      else throw Object.assign(systemError(errno, "rename"), { path: from, dest: to });
    },
  };
}

/** What `use` makes of an open file, which is closed then. */
export function closing<Result>(fs: FileSystem, fd: number, use: (fd: number) => Result): Result {
  try {
    return use(fd);
  } finally {
    fs.close(fd);
  }
}

/** The beginning of the program that runs this, in which Linux finds the name of its loader. */
export function startOfProgram(): string {
  const fd = nodeFs.openSync(process.execPath, "r");
  try {
    const bytes = Buffer.alloc(4096);
    return bytes.toString("latin1", 0, nodeFs.readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    nodeFs.closeSync(fd);
  }
}

/** A new directory of its own under `parent`. */
export function makeTemporaryDirectory(parent: string): string {
  return nodeFs.mkdtempSync(join(parent, "clh-"));
}

/** Deletes a directory and all that is in it. SMB may show what was just deleted for a moment (ENOTEMPTY). */
export function removeTree(path: string): void {
  // A process that is being killed may still make files.
  nodeFs.rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
