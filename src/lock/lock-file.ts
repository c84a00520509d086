import { basename, dirname, join } from "node:path";
import type { Permissions } from "../disk/permissions.js";
import { FilePath, FileStatus, type FileSystem, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";

// Reading is added for those who may write the file, and for nobody else.
const NEW_LOCK_FILE_MODE = 0o622;

/**
 * Where the lock file of a log is: hidden beside it or in `directory`, named as upstream names it (`getLockFilename`):
 * "logs/app.log" -> "logs/.__app.lock".
 */
export function lockFilePath(logFile: string, directory: string = dirname(logFile)): string {
  return join(directory, `.__${basename(logFile).replace(/\.log$/, "")}.lock`);
}

// A rollover time has ten digits, of at most four bytes each.
const LONGEST_CONTENT = 256;

/**
 * The file that is locked in place of the log: opened without following a symbolic link, never deleted, and not to be
 * opened by who may not write the log. Its content is the timed handler's.
 */
export class LockFile {
  readonly #path: FilePath;
  readonly #fs: FileSystem;
  readonly #permissions: Permissions;
  readonly #opened = new FileStatus();
  readonly #there = new FileStatus();
  #fd = -1;

  constructor(path: string, fs: FileSystem, permissions: Permissions) {
    this.#path = new FilePath(path);
    this.#fs = fs;
    this.#permissions = permissions;
  }

  get path(): string {
    return this.#path.text;
  }

  /** The open descriptor, or -1. */
  get fd(): number {
    return this.#fd;
  }

  /** Opens the file if it is not open, making it and its directory if need be; returns the descriptor. */
  open(): number {
    if (this.#fd !== -1) return this.#fd;
    const opening = { path: this.path, flags: O_RDWR | O_NOFOLLOW, mode: NEW_LOCK_FILE_MODE, isLock: true };
    this.#fd = this.#permissions.open(this.#fs, opening, this.#opened).fd;
    return this.#fd;
  }

  /** True while the path still leads to the file that is open here. */
  isCurrent(): boolean {
    return this.#fs.linkStatus(this.#path, this.#there) && this.#there.isSameFile(this.#opened);
  }

  /** Called with the lock held. */
  read(): Buffer {
    const bytes = Buffer.alloc(LONGEST_CONTENT);
    return bytes.subarray(0, this.#fs.read(this.#fd, bytes, 0, bytes.length, 0));
  }

  /** Replaces the content. Called with the lock held. */
  write(bytes: Buffer): void {
    this.#fs.writeAt(this.#fd, bytes, 0);
    this.#fs.truncate(this.#fd, bytes.length);
  }

  close(): void {
    if (this.#fd === -1) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#fs.close(fd);
  }
}
