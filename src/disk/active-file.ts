import { LogFileError } from "../base/errors.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import type { Clock } from "../platform/clock.js";
import { FilePath, FileStatus, O_APPEND, O_RDWR, O_WRONLY } from "../platform/file-system.js";
import { writeFully } from "../platform/write-fully.js";
import type { Encoder } from "../records/encoder.js";
import type { Header } from "../records/header.js";
import type { Mount } from "./mount.js";
import type { Permissions } from "./permissions.js";

const NEW_LOG_FILE_MODE = 0o666;

// Milliseconds; only ever waited after a crash.
const MOMENT = 5;

// The length of a file whose end we did not write, or not wholly.
const UNKNOWN = -1;

/** Who wants to know what becomes of the file. Called with the lock held. */
export interface ActiveFileObserver {
  /**
   * A file was opened, since none was, or since the path leads to another one now.
   * @param isAnother false when it is the one that was open before
   */
  onOpened(path: string, isAnother: boolean): void;
  /** A record that somebody could not finish was ended. */
  onHealed(path: string): void;
  /** A file that was begun, or found, is without its header. */
  onHeaderFailed(error: LogFileError): void;
}

/** Another host, which also believes to hold the lock of the log, has the file open. */
export class HeldElsewhere extends Error {}

/** The file being written. Everything but {@link close} and {@link letGo} is called with the lock held. */
export class ActiveFile {
  readonly #path: FilePath;
  readonly #mount: Mount;
  readonly #clock: Clock;
  readonly #permissions: Permissions;
  readonly #encoder: Encoder;
  readonly #observer: ActiveFileObserver;
  readonly #opened = new FileStatus();
  readonly #openedBefore = new FileStatus();
  readonly #there = new FileStatus();
  #fd = -1;
  #canRead = true;
  /** Other hosts write the file too, so that it is open only while the lock is held. */
  isShared = false;
  readonly #tail: Buffer;
  /** Where our last append ended. */
  #end = UNKNOWN;
  #size = 0;
  /** Where our last append began, after a byte order mark. */
  #start = 0;
  /** Where the first record begins behind a header; 0 where there is none. */
  #headLength = 0;
  /** The one that is yet to be written to the end. */
  #header: Header | undefined;

  constructor(
    path: string,
    mount: Mount,
    clock: Clock,
    permissions: Permissions,
    encoder: Encoder,
    observer: ActiveFileObserver,
  ) {
    this.#path = new FilePath(path);
    this.#mount = mount;
    this.#clock = clock;
    this.#permissions = permissions;
    this.#encoder = encoder;
    this.#observer = observer;
    this.#tail = Buffer.alloc(Math.max(...[...encoder.endings, encoder.byteOrderMark].map(({ length }) => length)));
  }

  get path(): string {
    return this.#path.text;
  }

  /** Which file it is. */
  get identity(): FileStatus {
    return this.#opened;
  }

  /** Where the next record will be. */
  get offset(): number {
    return this.#size === 0 ? this.#encoder.byteOrderMark.length : this.#size;
  }

  /** Bytes on disk, as of the last {@link refresh} or {@link append}. */
  get size(): number {
    return this.#size;
  }

  /** The same without a header, of which a file is not worth a rotation. */
  get recordBytes(): number {
    return this.#size - this.#headLength;
  }

  /**
   * Makes sure that what is open is what the path names now, whoever renamed, removed or truncated it, and that the
   * next record starts on a line of its own.
   */
  refresh(): void {
    this.#closeIfGone();
    if (this.#fd === -1) {
      const isAnother = this.#open() || !this.#opened.isSameFile(this.#openedBefore);
      if (isAnother) this.#headLength = UNKNOWN;
      this.#observer.onOpened(this.path, isAnother);
    }
    this.#size = this.#there.size;
    // Also of a file that others have emptied.
    if (this.#headLength === UNKNOWN || this.#size < Math.max(1, this.#headLength)) this.#begin();
    if (this.#size !== this.#end && !this.#endsWhole() && this.#isTorn()) this.#heal();
  }

  /** True while it is open and ends where our last append ended, if nobody else has had the lock since. */
  get isKnown(): boolean {
    return this.#fd !== -1 && this.#size === this.#end;
  }

  /** How many bytes of the last {@link append} are in the file, also if it threw. */
  get appended(): number {
    return Math.max(0, this.#size - this.#start);
  }

  /** Appends `bytes` from `start` to `end`. Whatever this throws, the next {@link refresh} mends what it left. */
  append(bytes: Buffer, start: number, end: number): void {
    const mark = this.#size === 0 ? this.#encoder.byteOrderMark : undefined;
    this.#start = this.#size + (mark?.length ?? 0);
    if (mark === undefined || mark.length === 0) this.#write(bytes, start, end);
    else this.#write(Buffer.concat([mark, bytes.subarray(start, end)]), 0, mark.length + end - start);
  }

  /** Waits until what was appended is on the disk: with the times of the file (`full`), or without them. */
  sync(how: "data" | "full"): void {
    if (how === "full") this.#mount.fs.fsync(this.#fd);
    else this.#mount.fs.fdatasync(this.#fd);
  }

  /**
   * Sees that the file, if there is one, has no records: deletes it, so that who reads the old one has it whole; or
   * truncates it, as upstream does, where it may be written and not deleted (a bind mount, a directory of somebody else).
   * @returns a warning when it is not deleted
   * @throws {LogFileError} `ERR_CLH_OPEN`
   */
  empty(): LogFileError | undefined {
    this.close();
    try {
      this.#mount.fs.unlink(this.path);
      return undefined;
    } catch (cause) {
      if (hasCode(cause, "ENOENT")) return undefined;
      // Whatever the code: to empty the file is no condition of writing to it.
      const message = `Cannot delete ${this.path} to begin afresh, as mode "w" asks: ${reason(cause)}. ${this.#truncate()}`;
      return new LogFileError("ERR_CLH_PERMISSION", message, { cause, path: this.path });
    } finally {
      this.close();
    }
  }

  /** Says what became of the content. */
  #truncate(): string {
    this.#open();
    try {
      this.#mount.fs.truncate(this.#fd, 0);
      return "It was truncated instead, which who reads it may take for a new file.";
    } catch (error) {
      return `Nor can it be truncated: ${reason(error)}. New records follow the old ones.`;
    }
  }

  /** Closes the file when it is not at its path any more; true when one is open. Needs no lock, and throws nothing. */
  letGo(): boolean {
    try {
      this.#closeIfGone();
    } catch {
      // whatever the code: nobody waits for this, and the next record tells what is wrong
    }
    return this.#fd !== -1;
  }

  /** Safe to call at any time. */
  close(): void {
    if (this.#fd === -1) return;
    const fd = this.#fd;
    this.#fd = -1;
    this.#end = UNKNOWN;
    this.#mount.fs.close(fd);
  }

  #closeIfGone(): void {
    if (this.#fd === -1) return;
    let isStillThere = false;
    try {
      isStillThere = this.#mount.fs.status(this.#path, this.#there) && this.#there.isSameFile(this.#opened);
    } catch {
      // Whatever the code: opening it anew will tell. On Windows, a deleted file is gone only when it has been closed.
    }
    if (!isStillThere) this.close();
  }

  /** True when the file was made. */
  #open(): boolean {
    try {
      this.#openedBefore.copyFrom(this.#opened);
      const { fd, created } = this.#openReadable();
      this.#fd = fd;
      if (this.isShared && !this.#mount.claim(fd, this.#opened)) throw new HeldElsewhere();
      this.#there.copyFrom(this.#opened);
      return created;
    } catch (cause) {
      this.close();
      if (cause instanceof HeldElsewhere) throw cause;
      const message = `Cannot open ${this.path}: ${reason(cause)}. ${advice(cause)}Records are kept in memory and tried again.`;
      throw new LogFileError("ERR_CLH_OPEN", message, { cause, path: this.path });
    }
  }

  /** Gives a file its header, or what is missing of one that a killed writer could not finish; and knows where the records begin. */
  #begin(): void {
    this.#headLength = 0;
    if (!this.#encoder.hasHeader) return;
    try {
      this.#header ??= this.#encoder.header();
    } catch (cause) {
      this.#observer.onHeaderFailed(this.#noHeader(cause));
      return;
    }
    const { length, missing } = this.#found(this.#header);
    this.#headLength = UNKNOWN; // until it is whole
    if (missing.length > 0) {
      const isHealed = this.#size > 0;
      this.#write(missing, 0, missing.length);
      if (isHealed) this.#observer.onHealed(this.path);
    }
    this.#header = undefined; // a function makes another one for the next file
    this.#headLength = length + missing.length;
  }

  /** The part of the header that the file has, and the rest. */
  #found(header: Header): { length: number; missing: Buffer } {
    const { bytes, longest } = header;
    const nothing = Buffer.alloc(0);
    if (!this.#canRead && this.#size > 0) return { length: Math.min(this.#size, bytes.length), missing: nothing };
    const head = Buffer.alloc(Math.min(this.#size, longest));
    if (head.length > 0) this.#mount.fs.read(this.#fd, head, 0, head.length, 0);
    const found = header.find(head);
    if (found === undefined || found.missing.length === 0) return found ?? { length: 0, missing: nothing };
    const unit = this.#encoder.endings[1].length; // else all that follows would be half a character off
    const isCutOff = found.length === this.#size && (found.length + found.missing.length) % unit === 0;
    return isCutOff ? found : { length: 0, missing: nothing };
  }

  #noHeader(cause: unknown): LogFileError {
    const { path } = this;
    const message = `Cannot give ${path} the header that the option \`header\` makes: ${reason(cause)}. The file has none; the next file is tried again.`;
    return new LogFileError("ERR_CLH_OPTION", message, { cause, path, option: "header" });
  }

  /** Reading is wanted for the tail alone: a user who may only write can still log. */
  #openReadable(): { fd: number; created: boolean } {
    const open = (access: number) => {
      const opening = { path: this.path, flags: access | O_APPEND, mode: NEW_LOG_FILE_MODE };
      return this.#permissions.open(this.#mount.fs, opening, this.#opened);
    };
    try {
      this.#canRead = true;
      return open(O_RDWR);
    } catch (error) {
      const isRefused = hasCode(error, "EACCES", "EPERM") && (error as NodeJS.ErrnoException).syscall === "open";
      if (!isRefused) throw error; // what fails after the file was opened says nothing of reading
      this.#canRead = false;
      return open(O_WRONLY);
    }
  }

  /** Asked when others wrote last, or when we could not write all: is the last record there a whole one? */
  #endsWhole(): boolean {
    const { endings, byteOrderMark } = this.#encoder;
    if (!this.#canRead || this.#size === 0 || this.#size === byteOrderMark.length) return true;
    const length = Math.min(this.#tail.length, this.#size);
    this.#mount.fs.read(this.#fd, this.#tail, 0, length, this.#size - length);
    return endings.some((ending) => this.#tail.subarray(length - ending.length, length).equals(ending));
  }

  /**
   * A tail that is not whole may also be a record that somebody without our lock is just writing (a page at a time, as
   * the kernel does): is it the same in a moment?
   */
  #isTorn(): boolean {
    for (let before = UNKNOWN; this.#size !== before; ) {
      before = this.#size;
      this.#clock.sleep(MOMENT);
      this.#mount.fs.statusOfOpen(this.#fd, this.#there);
      this.#size = this.#there.size;
      if (this.#endsWhole()) return false;
    }
    return true;
  }

  /** Ends a record that was cut off. Never truncates: log shippers read a shrinking file as a new one. */
  #heal(): void {
    const missing = this.#encoder.completionOf(this.#tail.subarray(0, this.#size), this.#size);
    this.#write(missing, 0, missing.length);
    this.#observer.onHealed(this.path);
  }

  #write(bytes: Buffer, start: number, end: number): void {
    this.#end = UNKNOWN;
    try {
      writeFully(start, end, (at, length) => {
        const written = this.#mount.fs.write(this.#fd, bytes, at, length);
        this.#size += written;
        return written;
      });
    } catch (cause) {
      const message = `Cannot write to ${this.path}: ${reason(cause)}. ${advice(cause)}Records are kept in memory and tried again.`;
      throw new LogFileError("ERR_CLH_WRITE", message, { cause, path: this.path });
    }
    this.#end = this.#size;
  }
}
