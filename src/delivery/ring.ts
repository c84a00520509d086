import { Batch, type Journal } from "../batch.js";
import { sleepWhile } from "../platform/clock.js";
import { FileStatus } from "../platform/fs.js";
import type { Queue } from "../source.js";
import type { Place } from "./delivery.js";
import type { CountAppended } from "./intent.js";

/*
 * Records that cross from the thread that logs to the one that writes, through memory that both see: their bytes one
 * after another in a ring, their lengths in another one. One side only writes, the other only reads. What the reader has
 * begun to append to which file is noted here too, so that who comes after a reader that was lost knows what is done.
 */

/** What both threads share; crosses between them by structured clone. */
export interface RingMemory {
  readonly control: SharedArrayBuffer;
  readonly lengths: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
  /** Of the handler in the other thread: see `Counts`. */
  readonly counts: SharedArrayBuffer;
}

// Places in `control`, 32 bits each. Numbers of records count on and on, and wrap around.
/** Records that were put in, and taken out. */
const HEAD = 0;
const TAIL = 1;
/** Where in `bytes` the oldest record may begin: before it all is free. */
const BYTE_TAIL = 2;
/** Who changes the tail now. */
const OWNER = 3;
/** The reader waits to be woken; changes when it is. */
const IS_ASLEEP = 4;
const WAKE = 5;
/** Changes with each attempt of the reader to write. */
const PROGRESS = 6;
/** The writer wants to be told of progress. */
const IS_AWAITED = 7;
/** Records that the writer has dropped, and that have no marker yet. */
const DROPPED = 8;
/** Records in the spill of the reader. */
const SPILLED = 9;
/** Records that are being appended (or put into a spill), from which tail on, and where: inode and device, offset in two halves. */
const INTENT = 10;
const INTENT_TAIL = 11;
const INTENT_FILE = 12;
const INTENT_OFFSET = 16;
const CONTROL_BYTES = 128;

const NOBODY = 0;
const READER = 1;
const WRITER = 2;

const TO_A_SPILL = -1;

// For how many bytes there is room for one more record.
const BYTES_PER_RECORD = 32;
const FEWEST_RECORDS = 1024;

export function makeRingMemory(bytes: number, counts: number): RingMemory {
  const records = 2 ** Math.ceil(Math.log2(Math.max(FEWEST_RECORDS, bytes / BYTES_PER_RECORD)));
  return {
    control: new SharedArrayBuffer(CONTROL_BYTES),
    lengths: new SharedArrayBuffer(records * 4),
    bytes: new SharedArrayBuffer(bytes),
    counts: new SharedArrayBuffer(counts * 8),
  };
}

class Ring {
  readonly control: Int32Array;
  readonly controlBytes: Buffer;
  readonly lengths: Int32Array;
  readonly bytes: Buffer;
  readonly mask: number;

  constructor({ control, lengths, bytes }: RingMemory) {
    this.control = new Int32Array(control);
    this.controlBytes = Buffer.from(control);
    this.lengths = new Int32Array(lengths);
    this.bytes = Buffer.from(bytes);
    this.mask = this.lengths.length - 1;
  }

  load(place: number): number {
    return Atomics.load(this.control, place);
  }

  /** Records in it. */
  get count(): number {
    return (this.load(HEAD) - this.load(TAIL)) | 0;
  }

  /** Where the record of this number is; a negative length says that it is at the start, the end having no room. */
  startOf(record: number, after: number): number {
    return this.lengths[record & this.mask]! < 0 ? 0 : after;
  }

  lengthOf(record: number): number {
    return Math.abs(this.lengths[record & this.mask]!);
  }

  /** Takes out the next `count` records. Called by the owner. */
  release(count: number): void {
    if (count <= 0) return; // somebody has taken over, and taken them out
    let tail = this.load(TAIL);
    let at = this.load(BYTE_TAIL);
    for (const end = (tail + count) | 0; tail !== end; tail = (tail + 1) | 0) {
      at = this.startOf(tail, at) + this.lengthOf(tail);
    }
    // In this order, and loaded in the other one: who comes between them sees less room than there is, never none.
    Atomics.store(this.control, TAIL, tail);
    Atomics.store(this.control, BYTE_TAIL, at);
  }

  wake(): void {
    Atomics.store(this.control, IS_ASLEEP, 0);
    Atomics.add(this.control, WAKE, 1);
    Atomics.notify(this.control, WAKE);
  }

  /** The tail is nobody's, if it was `owner`'s. */
  letGo(owner: number): void {
    Atomics.compareExchange(this.control, OWNER, owner, NOBODY);
    Atomics.notify(this.control, OWNER);
  }
}

/** The side of the thread that logs. */
export class RingWriter {
  readonly #ring: Ring;
  readonly #place: { bytes: Buffer; start: number };
  #head = 0;
  #end = 0;
  #isAtStart = false;
  /** Up to where bytes behind {@link #end} were free when that was last asked, and for how many records. */
  #room = 0;
  #slots = 0;

  constructor(memory: RingMemory) {
    this.#ring = new Ring(memory);
    this.#place = { bytes: this.#ring.bytes, start: 0 };
  }

  get count(): number {
    return this.#ring.count;
  }

  /**
   * Bytes, those at the end that had no room for the next record included. Where records are so small that their lengths
   * fill their ring first, as many as these make it seem.
   */
  get length(): number {
    const used = this.#end - this.#ring.load(BYTE_TAIL);
    const { count } = this;
    if (count === 0) return 0;
    const { bytes, lengths } = this.#ring;
    return Math.max(used > 0 ? used : used + bytes.length, (count * bytes.length) / lengths.length);
  }

  /** Records that the reader has put into its spill. */
  get spilled(): number {
    return this.#ring.load(SPILLED);
  }

  /** Where so many bytes are free; {@link filled} follows. */
  reserve(longest: number): Place | undefined {
    if (this.#slots > 0 && longest <= this.#room - this.#end) this.#isAtStart = false;
    else if (!this.#lookFor(longest)) return undefined;
    this.#place.start = this.#isAtStart ? 0 : this.#end;
    return this.#place;
  }

  filled(length: number): void {
    this.#ring.lengths[this.#head & this.#ring.mask] = this.#isAtStart ? -length : length;
    if (this.#isAtStart) this.#room = 0;
    this.#end = this.#place.start + length;
    this.#slots--;
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.#ring.control, HEAD, this.#head);
  }

  /** Finds out what is free now; false when that is less. */
  #lookFor(longest: number): boolean {
    const { bytes, mask, control } = this.#ring;
    const first = Atomics.load(control, BYTE_TAIL);
    const count = (this.#head - Atomics.load(control, TAIL)) | 0;
    this.#slots = mask + 1 - count;
    if (this.#slots === 0) return false;
    const isWrapped = count > 0 && this.#end <= first;
    this.#room = isWrapped ? first : bytes.length;
    this.#isAtStart = longest > this.#room - this.#end;
    return !this.#isAtStart || (!isWrapped && longest <= (count > 0 ? first : bytes.length));
  }

  get isReaderAsleep(): boolean {
    return this.#ring.load(IS_ASLEEP) === 1;
  }

  wake(): void {
    this.#ring.wake();
  }

  /** The reader is to tell when it has made progress, once. */
  awaitProgress(): void {
    Atomics.store(this.#ring.control, IS_AWAITED, 1);
  }

  get progress(): number {
    return this.#ring.load(PROGRESS);
  }

  /** Blocks while the progress is `seen`, for at most so many milliseconds. */
  sleepUntilProgress(seen: number, milliseconds: number): void {
    sleepWhile(this.#ring.control, PROGRESS, seen, milliseconds);
  }

  /** Forgets the oldest record: how many are behind it; undefined when there is none, or the reader is writing it. */
  dropOldest(): number | undefined {
    const { control } = this.#ring;
    if (Atomics.compareExchange(control, OWNER, NOBODY, WRITER) !== NOBODY) return undefined;
    const behind = this.count - 1;
    if (behind >= 0) {
      this.#ring.release(1);
      Atomics.add(control, DROPPED, 1);
    }
    this.#ring.letGo(WRITER);
    return behind < 0 ? undefined : behind;
  }

  /** Keeps the reader from the records for good; true unless it is appending some of them, which it may end still. */
  claim(): boolean {
    Atomics.store(this.#ring.control, OWNER, WRITER);
    return this.#ring.load(INTENT) === 0;
  }

  /** Records were dropped that were never in it. */
  markDropped(count: number): void {
    Atomics.add(this.#ring.control, DROPPED, count);
  }

  /** After {@link claim}: how many were dropped, and have no marker yet. */
  takeDropped(): number {
    return Atomics.exchange(this.#ring.control, DROPPED, 0);
  }

  /** After {@link claim}: all records in it, which are taken out. */
  takeAll(countAppended: CountAppended): Batch {
    this.#settleIntent(countAppended);
    const batch = new Batch();
    for (const record of this.#records(this.count)) batch.add(record);
    this.#ring.release(this.count);
    return batch;
  }

  /** How much of what a reader was about to append, and did not come to note, is in the file? */
  #settleIntent(countAppended: CountAppended): void {
    const { control } = this.#ring;
    const count = this.#ring.load(INTENT);
    if (count <= 0 || this.#ring.load(INTENT_TAIL) !== this.#ring.load(TAIL)) return;
    const offset = (control[INTENT_OFFSET]! >>> 0) + control[INTENT_OFFSET + 1]! * 2 ** 32;
    const file = new FileStatus();
    file.readIdentity(this.#ring.controlBytes, INTENT_FILE * 4);
    this.#ring.release(countAppended(file, offset, this.#records(count)));
    Atomics.store(control, INTENT, 0);
  }

  *#records(count: number): Generator<Buffer> {
    let at = this.#ring.load(BYTE_TAIL);
    for (let i = 0, record = this.#ring.load(TAIL); i < count; i++, record++) {
      const start = this.#ring.startOf(record, at);
      at = start + this.#ring.lengthOf(record);
      yield this.#ring.bytes.subarray(start, at);
    }
  }
}

/** The side of the thread that writes. */
export class RingReader implements Queue, Journal {
  readonly #ring: Ring;
  readonly #batchBytes: number;
  #copy: Buffer;
  /** Of the batch that was taken: where each record ends in it, and how many there were. */
  #ends: number[] = [];
  #firstTail = 0;

  constructor(memory: RingMemory, batchBytes: number) {
    this.#ring = new Ring(memory);
    this.#batchBytes = batchBytes;
    this.#copy = Buffer.allocUnsafeSlow(batchBytes);
  }

  get count(): number {
    return this.#ring.count;
  }

  take(): Batch | undefined {
    const { control, bytes, lengths, mask } = this.#ring;
    for (;;) {
      const owner = Atomics.compareExchange(control, OWNER, NOBODY, READER);
      if (owner !== WRITER) break;
      sleepWhile(control, OWNER, WRITER, 1); // it drops some records, or has taken over from us for good
      if (this.count === 0) return undefined;
    }
    const { count } = this;
    if (count === 0) {
      this.#ring.letGo(READER);
      return undefined;
    }
    this.#firstTail = this.#ring.load(TAIL);
    this.#ends = [];
    let to = 0;
    let at = this.#ring.load(BYTE_TAIL);
    let run = this.#ring.startOf(this.#firstTail, at); // of bytes that lie one after another
    at = run;
    for (let i = 0, record = this.#firstTail; i < count; i++, record++) {
      const stored = lengths[record & mask]!;
      const length = Math.abs(stored);
      if (i > 0 && to + length > this.#batchBytes) break;
      const start = stored < 0 ? 0 : at;
      if (start !== at) {
        bytes.copy(this.#copyWith(to), to - (at - run), run, at);
        run = start;
      }
      at = start + length;
      to += length;
      this.#ends.push(to);
    }
    bytes.copy(this.#copyWith(to), to - (at - run), run, at);
    const batch = new Batch(this.#copy, this.#ends);
    batch.journal = this;
    return batch;
  }

  mayPutAside(): boolean {
    return this.#intend(TO_A_SPILL);
  }

  settle(batch: Batch, spilled: number): void {
    Atomics.store(this.#ring.control, SPILLED, spilled); // before they leave the ring: they are in one of them at least
    this.#releaseTo(this.#ends.length - batch.count);
    Atomics.store(this.#ring.control, INTENT, 0);
    this.#ring.letGo(READER);
  }

  /**
   * Called with the lock of the log held.
   * @throws {Error} when the other thread has claimed the records: it writes them
   */
  begin(file: FileStatus, offset: number, end: number): void {
    const { control } = this.#ring;
    file.writeIdentity(this.#ring.controlBytes, INTENT_FILE * 4);
    control[INTENT_OFFSET] = offset | 0;
    control[INTENT_OFFSET + 1] = Math.floor(offset / 2 ** 32);
    Atomics.store(control, INTENT_TAIL, this.#ring.load(TAIL));
    const done = (this.#ring.load(TAIL) - this.#firstTail) | 0;
    if (!this.#intend(this.#ends.indexOf(end) + 1 - done)) throw new Error("another thread writes these records");
  }

  /**
   * Says what is about to be done, and asks then whether it may be. Who claims the records does so first, and looks then
   * whether it is under way: one of the two sees the other.
   */
  #intend(what: number): boolean {
    const { control } = this.#ring;
    Atomics.store(control, INTENT, what);
    const isOurs = this.#ring.load(OWNER) === READER;
    if (!isOurs) Atomics.store(control, INTENT, 0);
    return isOurs;
  }

  /** Called with the lock of the log held. */
  end(written: number): void {
    this.#releaseTo(this.#ends.findLastIndex((end) => end <= written) + 1);
    Atomics.store(this.#ring.control, INTENT, 0);
  }

  get dropped(): number {
    return this.#ring.load(DROPPED);
  }

  marked(count: number): void {
    Atomics.sub(this.#ring.control, DROPPED, count);
  }

  /** After each attempt to write; true when the writer wants to know. */
  tellProgress(spilled: number): boolean {
    const { control } = this.#ring;
    Atomics.store(control, SPILLED, spilled);
    Atomics.add(control, PROGRESS, 1);
    Atomics.notify(control, PROGRESS);
    return Atomics.exchange(control, IS_AWAITED, 0) === 1;
  }

  wake(): void {
    this.#ring.wake();
  }

  /** Resolves when there are records, or something else is to be done. */
  async sleep(): Promise<void> {
    const { control } = this.#ring;
    const seen = this.#ring.load(WAKE);
    Atomics.store(control, IS_ASLEEP, 1);
    if (this.count === 0 && this.#ring.load(IS_AWAITED) === 0) await Atomics.waitAsync(control, WAKE, seen).value;
    Atomics.store(control, IS_ASLEEP, 0);
  }

  /** @param count records of the batch that was taken */
  #releaseTo(count: number): void {
    this.#ring.release(count - ((this.#ring.load(TAIL) - this.#firstTail) | 0));
  }

  #copyWith(length: number): Buffer {
    if (length > this.#copy.length) {
      const larger = Buffer.allocUnsafeSlow(length);
      this.#copy.copy(larger);
      this.#copy = larger;
    }
    return this.#copy;
  }
}
