import { crc32 } from "node:zlib";
import { hasCode } from "../base/errors.js";
import { FilePath, FileStatus, type FileSystem, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import type { LockBackend } from "../platform/lock-backend.js";
import { Batch, type Journal } from "../records/batch.js";
import type { CountAppended } from "./appended-records.js";

/*
 * Records that wait on disk while another process keeps the lock. A spill belongs to the process that holds a lock on
 * it: to its writer, then to whoever takes it over. Its header says how far it is merged into the log, and, while a
 * part is being appended there, where: so that who takes over from a merger that was killed knows what is done already.
 *
 *   0  magic     8  merged up to     16  intent: up to (0 = none)     24  inode, device     40  offset in that file
 *   64 records, each: length, CRC-32, bytes
 */

const MAGIC = Buffer.from("CLHSPIL1");
const MERGED = 8;
const INTENT = 16;
const FILE = 24;
const OFFSET = 40;
const HEADER = 64;
const FRAME = 8;

// So much is merged under one holding of the lock.
const AT_ONCE = 1024 ** 2;

export interface SpillEnvironment {
  readonly fs: FileSystem;
  readonly lockBackend: LockBackend;
}

export class Spill implements Journal {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #header = Buffer.alloc(HEADER);
  #end = HEADER;
  /** What is being merged. Kept until it is, since the lock may not be free. */
  #batch = new Batch();
  /** Where each record of it ends in it, and in this file. */
  #batchEnds: number[] = [];
  #frameEnds: number[] = [];

  private constructor(path: string, fs: FileSystem, fd: number) {
    this.path = path;
    this.#fs = fs;
    this.#fd = fd;
  }

  /**
   * Makes one, which belongs to this process until it ends.
   * @param fd of a new file, which is closed by this
   */
  static create(path: string, { fs, lockBackend }: SpillEnvironment, fd: number): Spill {
    const spill = new Spill(path, fs, fd);
    try {
      if (!lockBackend.tryLock(fd, true)) throw new Error("it is locked by somebody else");
      MAGIC.copy(spill.#header);
      spill.#header.writeDoubleLE(HEADER, MERGED);
      fs.writeAt(fd, spill.#header, 0);
    } catch (error) {
      fs.close(fd);
      throw error;
    }
    return spill;
  }

  /**
   * Takes over one whose process has ended, and settles what its last merger may have left open; undefined when the
   * process lives. Called with the lock of the log held: one that is locked then has nothing to settle.
   */
  static adopt(path: string, { fs, lockBackend }: SpillEnvironment, countAppended: CountAppended): Spill | undefined {
    let fd: number;
    try {
      fd = fs.open(path, O_RDWR | O_NOFOLLOW);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
    const spill = new Spill(path, fs, fd);
    try {
      if (lockBackend.tryLock(fd, true) && spill.#load(countAppended)) return spill;
    } catch (error) {
      fs.close(fd);
      throw error;
    }
    fs.close(fd);
    return undefined;
  }

  get isMerged(): boolean {
    return this.#merged >= this.#end;
  }

  /** Adds records, all or none. */
  append(batch: Batch): void {
    const frames = [...batch.records()].flatMap((record) => {
      const frame = Buffer.alloc(FRAME);
      frame.writeUInt32LE(record.length, 0);
      frame.writeUInt32LE(crc32(record), 4);
      return [frame, record];
    });
    const bytes = Buffer.concat(frames);
    try {
      this.#fs.writeAt(this.#fd, bytes, this.#end);
    } catch (error) {
      this.#fs.truncate(this.#fd, this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  /** The next records to merge, undefined when they cannot be read. As they are written, it is noted here how far. */
  next(): Batch | undefined {
    if (!this.#batch.isDone) return this.#batch;
    const batch = new Batch();
    this.#batchEnds = [];
    this.#frameEnds = [];
    for (let at = this.#merged, bytes = 0; at < this.#end && bytes < AT_ONCE; ) {
      const record = this.#read(at);
      if (record === undefined) break;
      at += FRAME + record.length;
      bytes += record.length;
      batch.add(record);
      this.#batchEnds.push(bytes);
      this.#frameEnds.push(at);
    }
    batch.journal = this;
    this.#batch = batch;
    return batch.isDone ? undefined : batch;
  }

  /** Called with the lock of the log held. */
  begin(file: FileStatus, offset: number, end: number): void {
    this.#header.writeDoubleLE(this.#frameEnds[this.#batchEnds.indexOf(end)]!, INTENT);
    file.writeIdentity(this.#header, FILE);
    this.#header.writeDoubleLE(offset, OFFSET);
    this.#fs.writeAt(this.#fd, this.#header, 0);
  }

  /** Called with the lock of the log held. */
  end(written: number): void {
    const last = this.#batchEnds.findLastIndex((end) => end <= written);
    if (last >= 0) this.#header.writeDoubleLE(this.#frameEnds[last]!, MERGED);
    this.#header.writeDoubleLE(0, INTENT);
    this.#fs.writeAt(this.#fd, this.#header, 0);
  }

  /** Of one that was taken over: what comes after its last whole record was cut off, and no write has returned for it. */
  findEnd(): void {
    let end = this.#merged;
    for (const { length } of this.#records(this.#end)) end += FRAME + length;
    this.#end = end;
  }

  /** Gives it up: what is not merged is left for others. */
  close(): void {
    this.#fs.close(this.#fd);
  }

  remove(): void {
    try {
      this.#fs.unlink(this.path);
    } finally {
      this.close();
    }
  }

  get #merged(): number {
    return this.#header.readDoubleLE(MERGED);
  }

  /** False when the file is not there any more, or is no spill. */
  #load(countAppended: CountAppended): boolean {
    const opened = new FileStatus();
    const there = new FileStatus();
    this.#fs.statusOfOpen(this.#fd, opened);
    if (!this.#fs.status(new FilePath(this.path), there) || !there.isSameFile(opened)) return false;
    const length = this.#fs.read(this.#fd, this.#header, 0, HEADER, 0);
    if (length === 0)
      this.#header.writeDoubleLE(HEADER, MERGED); // killed before anything was in it
    else if (length < HEADER || !this.#header.subarray(0, MAGIC.length).equals(MAGIC)) return false;
    this.#end = Math.max(opened.size, HEADER);
    this.#settleIntent(countAppended);
    return true;
  }

  /** How much of what a merger was about to append is in the log? */
  #settleIntent(countAppended: CountAppended): void {
    const to = this.#header.readDoubleLE(INTENT);
    if (to === 0) return;
    const file = new FileStatus();
    file.readIdentity(this.#header, FILE);
    const records = [...this.#records(to)];
    const done = countAppended(file, this.#header.readDoubleLE(OFFSET), records);
    const bytes = records.slice(0, done).reduce((sum, { length }) => sum + FRAME + length, 0);
    this.#header.writeDoubleLE(this.#merged + bytes, MERGED);
    this.#header.writeDoubleLE(0, INTENT);
    this.#fs.writeAt(this.#fd, this.#header, 0);
  }

  /** Those that are not merged and begin before `end`. */
  *#records(end: number): Generator<Buffer> {
    for (let at = this.#merged; at < end; ) {
      const record = this.#read(at);
      if (record === undefined) return;
      yield record;
      at += FRAME + record.length;
    }
  }

  #read(at: number): Buffer | undefined {
    const frame = Buffer.alloc(FRAME);
    if (at + FRAME > this.#end || this.#fs.read(this.#fd, frame, 0, FRAME, at) < FRAME) return undefined;
    const length = frame.readUInt32LE(0);
    if (at + FRAME + length > this.#end) return undefined;
    const record = Buffer.alloc(length);
    if (this.#fs.read(this.#fd, record, 0, length, at + FRAME) < length) return undefined;
    return crc32(record) === frame.readUInt32LE(4) ? record : undefined;
  }
}
