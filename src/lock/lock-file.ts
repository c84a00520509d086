import { basename, dirname, join } from "node:path";
import { hasCode } from "../base/system-errors.js";
import type { Mount } from "../disk/mount.js";
import type { Opening, Permissions } from "../disk/permissions.js";
import { FilePath, FileStatus, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import type { Places } from "../platform/lock-backend.js";

// Reading is added for those who may write the file, and for nobody else.
const NEW_LOCK_FILE_MODE = 0o622;

/**
 * Where the lock file of a log is: hidden beside it or in `directory`, named as upstream names it (`getLockFilename`):
 * "logs/app.log" -> "logs/.__app.lock".
 */
export function lockFilePath(logFile: string, directory: string = dirname(logFile)): string {
  return join(directory, `.__${basename(logFile).replace(/\.log$/, "")}.lock`);
}

/** `f_type` of statfs(2) (linux/magic.h; OpenZFS, bcachefs). */
const LOCAL_TYPES = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
]);

// A rollover time has ten digits, of at most four bytes each.
const LONGEST_CONTENT = 256;

/**
 * The file that is locked in place of the log: opened without following a symbolic link, never deleted, and not to be
 * opened by who may not write the log. Its content is the timed handler's.
 */
export class LockFile {
  readonly #path: FilePath;
  readonly #mount: Mount;
  readonly #permissions: Permissions;
  readonly #opened = new FileStatus();
  readonly #there = new FileStatus();
  #fd = -1;
  #isLocked = false;

  /** @param mount that `path` is on */
  constructor(path: string, mount: Mount, permissions: Permissions) {
    this.#path = new FilePath(path);
    this.#mount = mount;
    this.#permissions = permissions;
  }

  get path(): string {
    return this.#path.text;
  }

  /** The open descriptor, or -1. */
  get fd(): number {
    return this.#fd;
  }

  /** True where other hosts lock the file as well. */
  get isRemote(): boolean {
    return this.#mount.isRemote;
  }

  /** True where a client repeats writes that were under way when the server went, though the lock is lost (cifs.ko). */
  get mayBeReplayed(): boolean {
    return this.#mount.releasesByClose;
  }

  /** Opens the file if it is not open, making it and its directory if need be; returns the descriptor. */
  open(): number {
    if (this.#fd !== -1) return this.#fd;
    const opening = { path: this.path, flags: O_RDWR | O_NOFOLLOW, mode: NEW_LOCK_FILE_MODE, isLock: true };
    this.#fd = this.#unpark() ?? this.#openGuarded(opening);
    return this.#fd;
  }

  /**
   * Takes the lock if it is free, opening the file if need be.
   * @throws a system error when it cannot be asked for
   */
  tryLock(): boolean {
    this.#isLocked = this.#mount.locks.tryLock(this.open());
    return this.#isLocked;
  }

  unlock(): void {
    this.#mount.locks.unlock(this.#fd);
    this.#isLocked = false;
  }

  /** True while the path still leads to the file that is open here. */
  isCurrent(): boolean {
    return this.#mount.fs.linkStatus(this.#path, this.#there) && this.#there.isSameFile(this.#opened);
  }

  /** Locks on bytes of it, where they are known to be independent of the lock on all of it; not so on NFS, for example. */
  get places(): Places | undefined {
    if (this.isRemote) return undefined;
    try {
      return LOCAL_TYPES.has(this.#mount.fs.fileSystemType(this.path) >>> 0) ? this.#mount.locks.places : undefined;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined; // deleted: it is opened anew
      throw error;
    }
  }

  /** Called with the lock held. */
  read(): Buffer {
    const bytes = Buffer.alloc(LONGEST_CONTENT);
    return bytes.subarray(0, this.#mount.fs.read(this.#fd, bytes, 0, bytes.length, 0));
  }

  /** Replaces the content. Called with the lock held. */
  write(bytes: Buffer): void {
    const { fs } = this.#mount;
    fs.writeAt(this.#fd, bytes, 0);
    fs.truncate(this.#fd, bytes.length);
  }

  /** It is open, and to be closed with the lock held: else that could release the lock of somebody else on this host. */
  get isKeptOpen(): boolean {
    return this.#fd !== -1 && this.#mount.releasesByClose;
  }

  /** Leaves the descriptor open for good: another thread may be about to use it. */
  abandon(): void {
    this.#fd = -1;
  }

  /** Closes the file, and so releases its lock. What must not be closed is kept for the next one that opens it. */
  close(): void {
    if (this.#fd === -1) return;
    const fd = this.#fd;
    const isLocked = this.#isLocked;
    this.#fd = -1;
    this.#isLocked = false;
    if (!this.#mount.releasesByClose) this.#mount.close(fd);
    else if (!isLocked && !this.#canLock(fd)) this.#mount.park(fd, this.path, "lock");
    else {
      this.#mount.closeParked(this.path);
      this.#mount.close(fd);
    }
  }

  #openGuarded(opening: Opening): number {
    const { fd } = this.#permissions.open(this.#mount.fs, opening, this.#opened);
    try {
      this.#mount.guard(fd, this.path);
    } catch (error) {
      this.#mount.close(fd);
      throw error;
    }
    return fd;
  }

  /** A descriptor that could not be closed, if it is still one of the file at the path. */
  #unpark(): number | undefined {
    for (let fd = this.#mount.unpark(this.path, "lock"); fd !== undefined; fd = this.#mount.unpark(this.path, "lock")) {
      this.#mount.fs.statusOfOpen(fd, this.#opened);
      if (this.isCurrent()) return fd;
      this.#mount.close(fd);
    }
    return undefined;
  }

  /** True when no other handler in this process holds the lock. */
  #canLock(fd: number): boolean {
    try {
      return this.#mount.locks.tryLock(fd);
    } catch {
      return true; // whatever the code: the server does not know this open any more, and keeps no lock for it
    }
  }
}
