import type { Mount } from "../disk/mount.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { Batch, type Journal } from "../records/batch.js";
import type { CountAppended } from "./appended-records.js";
import { openLocked } from "./locked-file.js";
import { FRAMES, newHeader, readFrames, readHeader, type SpillHeader, toFrames, writeHeader } from "./spill-format.js";

/*
 * Records that wait on disk while another process keeps the lock. A spill belongs to the process that holds a lock on
 * it: to its writer, then to whoever takes it over. Its header says how far it is merged into the log, and, while a
 * part is being appended there, where: so that who takes over from a merger that was killed knows what is done already.
 */

// Bytes merged under one holding of the lock, so that other writers get their turn.
const BATCH_BYTES = 64 * 1024;

export class Spill implements Journal {
  readonly path: string;
  readonly #mount: Mount;
  readonly #fd: number;
  #header = newHeader();
  #end = FRAMES;
  /** What is being merged. Kept until it is, since the lock may not be free. */
  #batch = new Batch();
  /** Where each record of it ends in it, and in this file. */
  #ends: { readonly inBatch: number; readonly inFile: number }[] = [];

  private constructor(path: string, mount: Mount, fd: number) {
    this.path = path;
    this.#mount = mount;
    this.#fd = fd;
  }

  /**
   * Makes one, which belongs to this process until it ends.
   * @param fd of a new file, which is closed by this
   * @returns undefined when somebody took the empty file for one of a dead process before it was locked: make another
   */
  static create(path: string, mount: Mount, fd: number): Spill | undefined {
    const spill = new Spill(path, mount, fd);
    try {
      mount.guard(fd, path);
      if (mount.locks.tryLock(fd, true) && spill.#isAtItsPath()) {
        writeHeader(mount.fs, fd, spill.#header);
        return spill;
      }
    } catch (error) {
      mount.close(fd);
      throw error;
    }
    mount.close(fd);
    return undefined;
  }

  /**
   * Takes over one whose process has ended, and settles what its last merger may have left open; undefined when the
   * process lives. Called with the lock of the log held: one that is locked then has nothing to settle.
   */
  static adopt(path: string, mount: Mount, countAppended: CountAppended): Spill | undefined {
    return openLocked(path, mount, (fd) => {
      const spill = new Spill(path, mount, fd);
      return spill.#load(countAppended) ? spill : undefined;
    });
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#end;
  }

  get isMerged(): boolean {
    return this.#header.merged >= this.#end;
  }

  /** Adds records, all or none. */
  append(batch: Batch): void {
    const bytes = toFrames(batch.records());
    try {
      this.#mount.fs.writeAt(this.#fd, bytes, this.#end);
      this.#share();
    } catch (error) {
      this.#mount.fs.truncate(this.#fd, this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  /** The next records to merge, undefined when they cannot be read. As they are written, it is noted here how far. */
  next(): Batch | undefined {
    if (!this.#batch.isDone) return this.#batch;
    const batch = new Batch();
    this.#ends = [];
    for (const { record, end } of readFrames(this.#mount.fs, this.#fd, this.#header.merged, this.#end)) {
      batch.add(record);
      this.#ends.push({ inBatch: batch.end, inFile: end });
      if (batch.end >= BATCH_BYTES) break;
    }
    batch.journal = this;
    this.#batch = batch;
    return batch.isDone ? undefined : batch;
  }

  /** Called with the lock of the log held. */
  begin(file: FileStatus, offset: number, end: number): void {
    this.#note({ intent: this.#ends.find(({ inBatch }) => inBatch === end)!.inFile, file, offset });
  }

  /** Called with the lock of the log held. */
  end(written: number): void {
    const last = this.#ends.findLast(({ inBatch }) => inBatch <= written);
    this.#note({ merged: last?.inFile ?? this.#header.merged, intent: 0 });
  }

  /** Of one that was taken over: what comes after its last whole record was cut off, and no write has returned for it. */
  findEnd(): void {
    let last = this.#header.merged;
    for (const { end } of readFrames(this.#mount.fs, this.#fd, last, this.#end)) last = end;
    this.#end = last;
  }

  /** Gives it up: what is not merged is left for others. */
  close(): void {
    this.#mount.close(this.#fd);
  }

  remove(): void {
    try {
      this.#mount.fs.unlink(this.path);
    } finally {
      this.#mount.closeParked(this.path);
      this.close();
    }
  }

  /** False when the file is not there any more, or is no spill. */
  #load(countAppended: CountAppended): boolean {
    const opened = new FileStatus();
    if (!this.#isAtItsPath(opened)) return false;
    const header = readHeader(this.#mount.fs, this.#fd);
    if (header === undefined) return false;
    this.#header = header;
    this.#end = Math.max(opened.size, FRAMES);
    this.#settleIntent(countAppended);
    return true;
  }

  /** Asked with its lock held: before, a merger may have removed the file. */
  #isAtItsPath(opened = new FileStatus()): boolean {
    const there = new FileStatus();
    this.#mount.fs.statusOfOpen(this.#fd, opened);
    return this.#mount.fs.status(new FilePath(this.path), there) && there.isSameFile(opened);
  }

  /** How much of what a merger was about to append is in the log? */
  #settleIntent(countAppended: CountAppended): void {
    const { merged, intent, file, offset } = this.#header;
    if (intent === 0) return;
    const frames = [...readFrames(this.#mount.fs, this.#fd, merged, Math.min(intent, this.#end))];
    const records = frames.map(({ record }) => record);
    const done = countAppended(file, offset, records);
    this.#note({ merged: frames[done - 1]?.end ?? merged, intent: 0 });
  }

  #note(change: Partial<SpillHeader>): void {
    Object.assign(this.#header, change);
    writeHeader(this.#mount.fs, this.#fd, this.#header);
    this.#share();
  }

  /** Other hosts must see it before this one appends to the log, or dies: they go on with what the server has. */
  #share(): void {
    if (this.#mount.isRemote) this.#mount.fs.fdatasync(this.#fd);
  }
}
