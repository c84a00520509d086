import type { FileStatus } from "../platform/file-system.js";

/**
 * How an attempt to write a batch ended; unless it is `done`, some of its records may be written and some not. `failed`
 * is reported already, or a namer or rotator is under way and flushes.
 */
export type CommitResult = "done" | "lock timeout" | "failed";

/** Wants to know, before and after, what is appended to which file. Called with the lock held. */
export interface Journal {
  /**
   * @param offset where in the file the first byte will be
   * @param end of what will be appended, in the bytes of the batch
   */
  begin(file: FileStatus, offset: number, end: number): void;
  /** @param written so far of the bytes of the batch */
  end(written: number): void;
}

/**
 * Encoded records, each with its terminator, one after another in `bytes`, and how far they have been written.
 * A record is the unit: it goes into one file, whole.
 */
export class Batch {
  #bytes: Buffer;
  /** Where each record ends in `bytes`. */
  readonly #ends: number[];
  /** Index of the first record that is not written yet. */
  #next = 0;
  journal: Journal | undefined;

  constructor(bytes: Buffer = Buffer.alloc(0), ends: number[] = []) {
    this.#bytes = bytes;
    this.#ends = ends;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get isDone(): boolean {
    return this.#next === this.#ends.length;
  }

  /** Records still to be written. */
  get count(): number {
    return this.#ends.length - this.#next;
  }

  /** Bytes still to be written. */
  get length(): number {
    return this.end - this.start;
  }

  /** Where the first record that is not written starts in `bytes`. */
  get start(): number {
    return this.#next === 0 ? 0 : this.#ends[this.#next - 1]!;
  }

  /** Bytes of the first record that is not written; 0 when there is none. */
  get firstLength(): number {
    return this.isDone ? 0 : this.#ends[this.#next]! - this.start;
  }

  /** Bytes of the longest of all records, also of those that are written. */
  get longest(): number {
    return this.#ends.reduce((longest, end, i) => Math.max(longest, end - (i === 0 ? 0 : this.#ends[i - 1]!)), 0);
  }

  /** Where the last record ends in `bytes`. */
  get end(): number {
    return this.#ends.length === 0 ? 0 : this.#ends[this.#ends.length - 1]!;
  }

  /** Makes this the batch of one record, the first `length` bytes of `bytes`, which are not copied. */
  reset(bytes: Buffer, length: number): this {
    this.#bytes = bytes;
    if (this.#ends.length !== 1) this.#ends.length = 1; // setting it is not free
    this.#ends[0] = length;
    this.#next = 0;
    return this;
  }

  /** Makes this the batch of the lines in `bytes`, which are not copied; `lines` is the same, as text if that is ASCII. */
  resetLines(bytes: Buffer, lines: string | Buffer): this {
    this.clear();
    this.#bytes = bytes;
    for (let end = lines.indexOf("\n"); end !== -1; end = lines.indexOf("\n", end + 1)) this.#ends.push(end + 1);
    return this;
  }

  /** Adds a copy of a record. */
  add(record: Uint8Array): void {
    if (this.isDone) this.#forgetAll();
    const start = this.#makeRoom(record.length);
    this.#bytes.set(record, start);
    this.#ends.push(start + record.length);
  }

  /** Makes a record of the `length` bytes that the caller has put behind {@link end}. */
  filled(length: number): void {
    this.#ends.push(this.end + length);
  }

  /** Adds copies of the records of `batch` that are not written yet. */
  addAll(batch: Batch): void {
    const from = batch.start;
    const start = this.#makeRoom(batch.length);
    batch.#bytes.copy(this.#bytes, start, from, batch.end);
    for (let i = batch.#next; i < batch.#ends.length; i++) this.#ends.push(start + batch.#ends[i]! - from);
  }

  /** Forgets all records and keeps the memory. */
  clear(): this {
    this.#ends.length = 0;
    this.#next = 0;
    return this;
  }

  /** Returns where it is. The place of what is written is used again once that is half of all. */
  #makeRoom(length: number): number {
    if (this.end + length > this.#bytes.length && this.start * 2 > this.#bytes.length) this.#forgetWritten();
    const start = this.end;
    if (start + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(start + length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    return start;
  }

  #forgetWritten(): void {
    const { start } = this;
    this.#bytes.copyWithin(0, start, this.end);
    this.#ends.splice(0, this.#next);
    for (let i = 0; i < this.#ends.length; i++) this.#ends[i]! -= start;
    this.#next = 0;
  }

  /** The records that are not written yet; views of `bytes`. */
  *records(): Generator<Buffer> {
    for (let i = this.#next; i < this.#ends.length; i++) {
      yield this.#bytes.subarray(i === 0 ? 0 : this.#ends[i - 1]!, this.#ends[i]!);
    }
  }

  /** Where the longest run of records ends that has at most `room` bytes, but at least one record. */
  endWithin(room: number): number {
    if (this.length <= room) return this.end;
    const limit = this.start + room;
    let last = this.#next;
    while (last + 1 < this.#ends.length && this.#ends[last + 1]! <= limit) last++;
    return this.#ends[last]!;
  }

  /** How many records that are not written yet end at `end`, or before. */
  countTo(end: number): number {
    let last = this.#next;
    while (last < this.#ends.length && this.#ends[last]! <= end) last++;
    return last - this.#next;
  }

  /** Counts the records up to `end` as written; returns how many these were. */
  advanceTo(end: number): number {
    const count = this.countTo(end);
    this.#next += count;
    return count;
  }

  /**
   * As {@link advanceTo}, of a write that ended at `end` and not as it should have. A record that lacks no more than
   * its terminator is written as well: whoever writes next ends it, and written again it would be there twice.
   */
  cutAt(end: number, terminatorLength: number): number {
    const written = this.advanceTo(end);
    const isWhole = !this.isDone && end > this.start && end >= this.start + this.firstLength - terminatorLength;
    return isWhole ? written + this.advanceTo(this.start + this.firstLength) : written;
  }

  #forgetAll(): void {
    this.clear();
    this.#bytes = Buffer.alloc(0);
  }
}
