import { basename, dirname, join, parse as parsePath } from "node:path";
import { getSystemErrorMap } from "node:util";
import { hasCode } from "../base/system-errors.js";
import { Mount } from "../disk/mount.js";
import type { Environment } from "../platform/environment.js";
import {
  FilePath,
  FileStatus,
  type FileSystem,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  R_OK,
  W_OK,
} from "../platform/file-system.js";
import { effectiveUser } from "../platform/identity.js";
import type { LockBackend } from "../platform/lock-backend.js";
import { stillLook } from "../reading/files/snapshot.js";
import { type Kept, RehearsedFile } from "./rehearsed-file.js";

// No file on a disk has such an inode, and no process such a descriptor.
const FIRST_INODE = 2 ** 52;
const FIRST_DESCRIPTOR = 2 ** 30;
// The type of a file in its `mode`, the same on every system.
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const ACCESS_MODES = O_WRONLY | O_RDWR;

/** A file, a directory or a link as it stands at a path. */
interface Entry {
  /** Where that is on the disk; undefined of what is not there. */
  readonly path: string | undefined;
  /** A symbolic link itself, not what it leads to. */
  readonly link: FileStatus;
  /** What is read and written under that name; of a symbolic link undefined until somebody follows it. */
  file: RehearsedFile | undefined;
}

interface Descriptor {
  readonly file: RehearsedFile;
  readonly flags: number;
  /** Of the file on the disk; -1 where nothing is read from there. */
  readonly fd: number;
  position: number;
}

/**
 * A machine on which all happens as on the real one, and nothing of it reaches the disk: names, statuses and contents are
 * kept here once they change. Files are read without touching their times where this user may do that, and their locks
 * are only tried: who holds one keeps it, and nobody waits for us.
 */
export class Rehearsal {
  readonly environment: Environment;
  readonly #real: Environment;
  readonly #fs: FileSystem;
  /** What differs from the disk, or was seen in {@link begin}; undefined of a name that is gone. */
  readonly #entries = new Map<string, Entry | undefined>();
  readonly #frozen = new Set<string>();
  /** A file is one by all its names. */
  readonly #files = new Map<string, RehearsedFile>();
  readonly #descriptors = new Map<number, Descriptor>();
  /** Which descriptor has locked a file. */
  readonly #locks = new Map<RehearsedFile, number>();
  readonly #kept: Kept = { bytes: 0 };
  #made = 0;
  /** Bytes on the disk that would be free. */
  #freed = 0;

  constructor(real: Environment) {
    this.#real = real;
    this.#fs = real.fs;
    this.environment = {
      ...real,
      isRehearsed: true,
      fs: this.#fileSystem(),
      lockBackend: this.#tried(real.lockBackend),
      ...(real.smbLocks && { smbLocks: this.#tried(real.smbLocks) }),
    };
  }

  /**
   * From now on, the files of a log are as they are at this moment, whatever others do to them, as is all else beside it.
   * Called before anything is done, once for each log.
   * @param archive where its backups are, if not beside it
   */
  begin(log: string, lockPath: string, archive: string = dirname(log)): void {
    const directories = new Set([dirname(log), dirname(lockPath), archive].filter((path) => this.#fs.exists(path)));
    const { name: stem } = parsePath(log);
    const look = () => {
      this.#files.clear();
      for (const directory of directories) this.#freeze(directory);
      const files = [...this.#entries].filter(([path]) => basename(path).includes(stem));
      return files.map(([path, entry]) => `${path} ${entry!.link.identity}`).join("\n");
    };
    stillLook(this.#real, log, lockPath, look, (before, now) => before === now);
  }

  #freeze(directory: string): void {
    for (const path of this.#entries.keys()) if (dirname(path) === directory) this.#entries.delete(path);
    this.#frozen.add(directory);
    for (const name of this.#fs.readdir(directory)) {
      const path = join(directory, name);
      const entry = this.#lookOnDisk(path);
      if (entry !== undefined) this.#entries.set(path, entry);
    }
  }

  #fileSystem(): FileSystem {
    const ofOpen = (fd: number) => this.#descriptors.get(fd)!;
    const nothing = () => {};
    return {
      ...this.#fs,
      open: (path, flags) => this.#open(path, flags),
      close: (fd) => this.#close(fd),
      write: (fd, bytes, offset, length) => {
        const descriptor = ofOpen(fd);
        const { file, flags, position } = descriptor;
        const at = flags & O_APPEND ? file.status.size : position;
        const isReadAgain = (flags & O_APPEND) !== 0 || (flags & ACCESS_MODES) === O_RDWR;
        file.write(bytes.subarray(offset, offset + length), at, isReadAgain, this.#now);
        descriptor.position = at + length;
        return length;
      },
      writeAt: (fd, bytes, position) => ofOpen(fd).file.write(bytes, position, true, this.#now),
      truncate: (fd, length) => ofOpen(fd).file.truncate(length, this.#now),
      read: (fd, bytes, offset, length, position) =>
        ofOpen(fd).file.read(this.#fs, ofOpen(fd).fd, bytes, offset, length, position),
      status: (path, into) => this.#status(path, into),
      statusWithTime: (path, into) => this.#status(path, into),
      linkStatus: (path, into) => {
        const entry = this.#look(path.text);
        if (entry !== undefined) into.copyFrom(entry.link.isSymbolicLink ? entry.link : entry.file!.status);
        return entry !== undefined;
      },
      statusOfOpen: (fd, into) => into.copyFrom(ofOpen(fd).file.status),
      exists: (path) => this.#exists(path),
      rename: (from, to) => this.#rename(from, to),
      renameNew: (from, to) => {
        if (this.#look(to) !== undefined) throw refusal("EEXIST", "rename", from, to);
        this.#rename(from, to);
      },
      unlink: (path) => {
        const entry = this.#need(path, "unlink");
        this.#checkChangeable(path, "unlink");
        this.#entries.set(path, undefined);
        if (entry.link.isSymbolicLink) return;
        const { status } = entry.file!;
        status.alter({ links: status.links - 1 });
        if (status.links === 0 && entry.path !== undefined) this.#freed += status.size;
      },
      space: (path) => {
        const { total, free } = this.#fs.space(this.#directoryOnDisk(join(path, "x")));
        const made = [...this.#entries.values()].filter((entry) => entry !== undefined && entry.path === undefined);
        return {
          total,
          free: made.reduce((left, entry) => left - (entry!.file?.status.size ?? 0), free + this.#freed),
        };
      },
      mkdir: (path) => this.#makeDirectory(path),
      readdir: (path) => this.#readDirectory(path),
      fchmod: (fd, mode) => {
        const { status } = ofOpen(fd).file;
        status.alter({ mode: (status.mode & ~0o7777) | mode });
      },
      fchown: (fd, uid, gid) => {
        const { status } = ofOpen(fd).file;
        if (uid !== status.uid && effectiveUser() !== 0) throw refusal("EPERM", "fchown");
        status.alter({ uid, gid });
      },
      futimes: (fd, _, modifiedAt) => ofOpen(fd).file.status.alter({ modifiedAt }),
      fsync: nothing,
      fdatasync: nothing,
    };
  }

  get #now(): number {
    return this.#real.clock.now() / 1000;
  }

  #look(path: string): Entry | undefined {
    if (this.#entries.has(path)) return this.#entries.get(path);
    return this.#frozen.has(dirname(path)) ? undefined : this.#lookOnDisk(path);
  }

  #lookOnDisk(path: string): Entry | undefined {
    const link = new FileStatus();
    if (!this.#fs.linkStatus(new FilePath(path), link)) return undefined;
    return { path, link, file: link.isSymbolicLink ? undefined : this.#fileOf(link, path) };
  }

  #fileOf(status: FileStatus, path: string): RehearsedFile {
    const known = this.#files.get(status.identity);
    if (known !== undefined) return known;
    const file = new RehearsedFile(status, path, this.#kept, this.#frozen.has(dirname(path)));
    this.#files.set(status.identity, file);
    return file;
  }

  /** Undefined of a link that leads to nothing. Throws as the system does when it leads in a circle. */
  #follow(entry: Entry): RehearsedFile | undefined {
    const status = new FileStatus();
    if (entry.file === undefined && this.#fs.statusWithTime(new FilePath(entry.path!), status))
      entry.file = this.#fileOf(status, entry.path!);
    return entry.file;
  }

  #need(path: string, syscall: string): Entry {
    const entry = this.#look(path);
    if (entry === undefined) throw refusal("ENOENT", syscall, path);
    return entry;
  }

  #status(path: FilePath, into: FileStatus): boolean {
    const entry = this.#look(path.text);
    const file = entry && this.#follow(entry);
    if (file !== undefined) into.copyFrom(file.status);
    return file !== undefined;
  }

  #exists(path: string): boolean {
    const entry = this.#look(path);
    return entry !== undefined && (entry.file !== undefined || this.#fs.exists(entry.path!));
  }

  #open(path: string, flags: number): number {
    const entry = this.#look(path);
    if (entry !== undefined && flags & O_CREAT && flags & O_EXCL) throw refusal("EEXIST", "open", path);
    if (entry?.link.isSymbolicLink && flags & O_NOFOLLOW) throw refusal("ELOOP", "open", path);
    const found = entry && this.#follow(entry);
    if (found === undefined && !(flags & O_CREAT)) throw refusal("ENOENT", "open", path);
    const file = found ?? this.#make(path, REGULAR | 0o644);
    const fd = this.#openOnDisk(file, flags);
    const descriptor = FIRST_DESCRIPTOR + ++this.#made;
    this.#descriptors.set(descriptor, { file, flags, fd, position: 0 });
    return descriptor;
  }

  /** For reading, whatever was asked for; throws as that would. */
  #openOnDisk({ path, status }: RehearsedFile, flags: number): number {
    if (path === undefined || !status.isFile) return -1;
    const access = flags & ACCESS_MODES;
    const mode = (access === O_WRONLY ? 0 : R_OK) | (access === O_RDONLY ? 0 : W_OK);
    asOf("open", () => this.#fs.access(path, mode));
    if (access === O_WRONLY) return -1;
    const fd = this.#openQuietly(path, O_RDONLY | O_NONBLOCK);
    const there = new FileStatus();
    this.#fs.statusOfOpen(fd, there);
    if (there.isSameFile(status)) return fd;
    this.#closeOnDisk(fd, path, "read");
    throw refusal("ENOENT", "open", path); // others have renamed it since we looked
  }

  /** Only the owner of a file, and root, may read it without a trace (open(2)). */
  #openQuietly(path: string, flags: number): number {
    try {
      return this.#fs.open(path, flags | O_NOATIME);
    } catch (error) {
      if (!hasCode(error, "EPERM")) throw error;
      return this.#fs.open(path, flags);
    }
  }

  #close(descriptor: number): void {
    const { fd, file } = this.#descriptors.get(descriptor)!;
    this.#unlock(descriptor);
    this.#descriptors.delete(descriptor);
    if (fd !== -1) this.#closeOnDisk(fd, file.path!, "read");
  }

  #closeOnDisk(fd: number, path: string, use: "lock" | "read"): void {
    new Mount(this.#real, path).closeInPassing(fd, path, use);
  }

  #make(path: string, mode: number): RehearsedFile {
    const directory = dirname(path);
    if (!this.#exists(directory)) throw refusal("ENOENT", "open", path);
    this.#checkChangeable(path, "open");
    const status = new FileStatus();
    this.#status(new FilePath(directory), status); // on the same device
    const uid = effectiveUser() ?? status.uid;
    status.alter({ inode: FIRST_INODE + ++this.#made, links: 1, mode, uid, size: 0, modifiedAt: this.#now });
    const file = new RehearsedFile(status, undefined, this.#kept, true);
    this.#entries.set(path, { path: undefined, link: status, file });
    return file;
  }

  /** Throws where the directory of a name may not be written by this user. */
  #checkChangeable(path: string, syscall: string): void {
    asOf(syscall, () => this.#fs.access(this.#directoryOnDisk(path), W_OK));
  }

  /** The nearest one that is there: what was made in it may be changed. */
  #directoryOnDisk(path: string): string {
    const directory = dirname(path);
    const entry = this.#look(directory);
    return entry?.path ?? (directory === path ? path : this.#directoryOnDisk(directory));
  }

  #rename(from: string, to: string): void {
    const entry = this.#need(from, "rename");
    for (const path of [from, to]) this.#checkChangeable(path, "rename");
    if (!this.#exists(dirname(to))) throw refusal("ENOENT", "rename", from, to);
    this.#entries.set(from, undefined);
    this.#entries.set(to, entry);
  }

  #makeDirectory(path: string): void {
    if (this.#exists(path)) return;
    this.#makeDirectory(dirname(path));
    this.#make(path, DIRECTORY | 0o755);
    this.#frozen.add(path);
  }

  #readDirectory(path: string): string[] {
    const isWithin = (name: string) => dirname(name) === path;
    const onDisk = this.#frozen.has(path) ? [] : this.#fs.readdir(path).map((name) => join(path, name));
    const known = [...this.#entries.keys()].filter(isWithin);
    const all = new Set([...onDisk, ...known]);
    return [...all]
      .filter((name) => this.#look(name) !== undefined)
      .map((name) => name.slice(join(path, "x").length - 1));
  }

  /** A lock that is kept here alone. That of the disk is taken only to see that nobody has it. */
  #tried(backend: LockBackend): LockBackend {
    return {
      tryLock: (descriptor, isRead) => {
        const { file } = this.#descriptors.get(descriptor)!;
        const isOurs = (this.#locks.get(file) ?? descriptor) === descriptor;
        if (!isOurs || (file.path !== undefined && !this.#isFree(file.path, backend, isRead))) return false;
        this.#locks.set(file, descriptor);
        return true;
      },
      unlock: (descriptor) => this.#unlock(descriptor),
    };
  }

  #isFree(path: string, backend: LockBackend, isRead: boolean | undefined): boolean {
    const fd = this.#fs.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    try {
      const isFree = backend.tryLock(fd, isRead);
      if (isFree) backend.unlock(fd);
      return isFree;
    } finally {
      this.#closeOnDisk(fd, path, "lock");
    }
  }

  #unlock(descriptor: number): void {
    const { file } = this.#descriptors.get(descriptor)!;
    if (this.#locks.get(file) === descriptor) this.#locks.delete(file);
  }
}

/** With the error of the call that would have failed for the same reason. */
function asOf(syscall: string, ask: () => void): void {
  try {
    ask();
  } catch (error) {
    throw Object.assign(error as NodeJS.ErrnoException, { syscall });
  }
}

function refusal(code: string, syscall: string, path?: string, dest?: string): NodeJS.ErrnoException {
  const [, text = ""] = [...getSystemErrorMap().values()].find(([name]) => name === code) ?? [];
  const names = [path, dest].filter((name) => name !== undefined).map((name) => ` '${name}'`);
  return Object.assign(new Error(`${code}: ${text}, ${syscall}${names.join(" ->")}`), { code, syscall, path, dest });
}
