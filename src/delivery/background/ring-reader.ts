import { spillId } from "../../log-files/hidden-names.js";
import { sleepWhile } from "../../platform/clock.js";
import type { FileStatus } from "../../platform/file-system.js";
import { Batch, type Journal } from "../../records/batch.js";
import type { Queue } from "../queue-drain.js";
import {
  BYTE_TAIL,
  DROPPED,
  INTENT,
  INTENT_FILE,
  INTENT_OFFSET,
  INTENT_TAIL,
  IS_ASLEEP,
  IS_AWAITED,
  IS_LEFT,
  NOBODY,
  OWNER,
  PROGRESS,
  READER,
  Ring,
  type RingMemory,
  SPILL_ID,
  SPILLED,
  TAIL,
  WAKE,
  WRITER,
} from "./ring.js";

const TO_A_SPILL = -1;

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

  settle(batch: Batch, spilled: number, path?: string): void {
    if (path !== undefined) Atomics.store(this.#ring.control, SPILL_ID, spillId(path));
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

  /** The last that is done with it: another handler may have its memory now. */
  leave(): void {
    Atomics.store(this.#ring.control, IS_LEFT, 1);
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
