import { sleepWhile } from "../../platform/clock.js";
import { FileStatus } from "../../platform/file-system.js";
import { Batch } from "../../records/batch.js";
import type { CountAppended } from "../../spill/appended-records.js";
import type { Place } from "../delivery.js";
import {
  BYTE_TAIL,
  DROPPED,
  HEAD,
  INTENT,
  INTENT_FILE,
  INTENT_OFFSET,
  INTENT_TAIL,
  IS_ASLEEP,
  IS_AWAITED,
  NOBODY,
  OWNER,
  PROGRESS,
  Ring,
  type RingMemory,
  SPILL_ID,
  SPILLED,
  TAIL,
  WRITER,
} from "./ring.js";

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

  /** Records that were ever put into it, modulo 2^32. */
  get written(): number {
    return this.#head;
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

  /** Which spill these are in. */
  get spillId(): number {
    return this.#ring.load(SPILL_ID) >>> 0;
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
