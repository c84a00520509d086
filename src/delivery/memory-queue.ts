import { Batch } from "../records/batch.js";
import type { Place } from "./delivery.js";
import type { Queue } from "./queue-drain.js";

/** A queue in the memory of one thread. */
export class MemoryQueue implements Queue {
  readonly #chunkBytes: number;
  /** The last one is being filled. */
  readonly #chunks: Batch[] = [];
  dropped = 0;
  #isFirstTaken = false;
  /** One that is empty, to be filled again. */
  #spare: Batch | undefined;
  readonly #place: { bytes: Buffer; start: number } = { bytes: Buffer.alloc(0), start: 0 };
  /** Of all chunks but the first. */
  #otherBytes = 0;
  #otherCount = 0;

  /** @param chunkBytes how much is written under one lock */
  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  get count(): number {
    return this.#otherCount + (this.#chunks[0]?.count ?? 0);
  }

  /** Bytes. */
  get length(): number {
    return this.#otherBytes + (this.#chunks[0]?.length ?? 0);
  }

  /** Adds copies of the records of `batch`; true when a chunk is full. */
  add(batch: Batch): boolean {
    const before = this.#chunks.length;
    let last = this.#chunks.at(-1);
    const isClosed = before === 1 && this.#isFirstTaken;
    if (last === undefined || isClosed || last.end + batch.length > this.#chunkBytes) {
      last = this.#spare ?? new Batch(Buffer.allocUnsafeSlow(this.#chunkBytes));
      this.#spare = undefined;
      this.#chunks.push(last);
    }
    if (this.#chunks.length > 1) {
      this.#otherBytes += batch.length;
      this.#otherCount += batch.count;
    }
    last.addAll(batch);
    return before > 0 && this.#chunks.length > before;
  }

  /** Where a record of at most so many bytes may be put, behind the others; {@link filled} follows. */
  reserve(longest: number): Place | undefined {
    const last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined || (this.#chunks.length === 1 && this.#isFirstTaken)) return undefined;
    if (last.end + longest > this.#chunkBytes) return undefined;
    this.#place.bytes = last.bytes;
    this.#place.start = last.end;
    return this.#place;
  }

  filled(length: number): void {
    this.#chunks[this.#chunks.length - 1]!.filled(length);
    if (this.#chunks.length === 1) return;
    this.#otherBytes += length;
    this.#otherCount++;
  }

  take(): Batch | undefined {
    this.#isFirstTaken = this.#chunks.length > 0;
    return this.#chunks[0];
  }

  settle(batch: Batch): void {
    this.#isFirstTaken = false;
    if (!batch.isDone || this.#chunks[0] !== batch) return;
    this.#chunks.shift();
    if (batch.bytes.length === this.#chunkBytes) this.#spare = batch.clear();
    const first = this.#chunks[0];
    if (first === undefined) return;
    this.#otherBytes -= first.length;
    this.#otherCount -= first.count;
  }

  /** Forgets the oldest record; false when there is none. */
  drop(): boolean {
    const batch = this.take();
    if (batch === undefined) return false;
    batch.advanceTo(batch.start + batch.firstLength);
    this.settle(batch);
    this.dropped++;
    return true;
  }

  mayPutAside(): boolean {
    return true;
  }

  marked(count: number): void {
    this.dropped -= count;
  }
}
