import type { QueueLimits } from "../options/resolved-options.js";
import type { Batch } from "../records/batch.js";
import type { DeliveryWriter, Place } from "./delivery.js";
import { MemoryQueue } from "./memory-queue.js";
import { Drain } from "./queue-drain.js";
import type { Outlet, OutletObserver } from "./queued.js";

// Milliseconds: records that come so soon after a flush are collected over several turns, for so long at most.
const SOON_MS = 1;
const LONGEST_COLLECTION_MS = 2;

/**
 * Delivery `batched`: records wait in memory until the end of this turn of the event loop, or of `flushInterval`, or
 * until they are many, and are then written under one lock. While turn after turn logs, several turns are one write.
 */
export class LocalOutlet implements Outlet {
  readonly #writer: DeliveryWriter;
  readonly #limits: QueueLimits;
  readonly #queue: MemoryQueue;
  readonly #drain: Drain;
  readonly #isAwaited: () => boolean;
  #cancelFlush: (() => void) | undefined;
  /** The next flush is that of the interval. */
  #isInterval = false;
  #flushedAt = Number.NEGATIVE_INFINITY;

  constructor(writer: DeliveryWriter, limits: QueueLimits, { onProgress, onLost, isAwaited }: OutletObserver) {
    this.#writer = writer;
    this.#limits = limits;
    this.#isAwaited = isAwaited;
    this.#queue = new MemoryQueue(limits.maxBatchBytes);
    this.#drain = new Drain(writer, this.#queue, { onProgress, onLost });
  }

  get pending(): number {
    return this.#drain.pending;
  }

  /** See {@link Drain.inherit}. */
  inherit(path: string, count: number): void {
    this.#drain.inherit(path, count);
  }

  get spilled(): number {
    return this.#drain.spilled;
  }

  get queued(): number {
    return this.#queue.length;
  }

  reserve(longest: number): Place | undefined {
    return this.#queue.reserve(longest);
  }

  filled(length: number): void {
    this.#queue.filled(length);
  }

  hasRoomFor(): boolean {
    return true; // but for the limit that all queues have
  }

  add(batch: Batch): void {
    const isFull = this.#queue.add(batch);
    if (isFull) this.#drain.run();
  }

  dropOldest(): number | undefined {
    return this.#queue.drop() ? this.#queue.count : undefined;
  }

  markDropped(count: number): void {
    this.#queue.dropped += count;
  }

  write(when: "soon" | "now"): void {
    const isHurried = this.#isInterval && this.#isAwaited(); // for whoever waits, no interval is to pass
    if (when === "soon" && this.#cancelFlush !== undefined && !isHurried) return;
    if (this.#drain.isStuck || this.pending === 0) return;
    if (when === "now") this.#drain.run();
    else this.#flushSoon();
  }

  writeWithin(milliseconds: number): boolean {
    return this.#drain.run(milliseconds);
  }

  close(): void {}

  #flushSoon(): void {
    const { clock } = this.#writer;
    const { flushInterval } = this.#limits;
    this.#cancelFlush?.();
    this.#isInterval = flushInterval > 0 && !this.#isAwaited();
    if (!this.#isInterval) this.#collect(clock.monotonic(), this.#queue.length);
    else this.#cancelFlush = clock.after(flushInterval, () => this.#flush());
  }

  /**
   * Waits for the end of this turn, and of the next one as long as each brings more.
   * @param since when the first of these records came
   * @param before bytes that the queue had at the end of the turn before
   */
  #collect(since: number, before: number): void {
    const { clock } = this.#writer;
    this.#cancelFlush = clock.soon(() => {
      const { length } = this.#queue;
      const isBusy = length > before && since - this.#flushedAt < SOON_MS;
      const isInTime = clock.monotonic() - since < LONGEST_COLLECTION_MS;
      if (isBusy && isInTime && !this.#isAwaited()) this.#collect(since, length);
      else this.#flush();
    });
  }

  #flush(): void {
    this.#cancelFlush = undefined;
    this.#drain.run();
    this.#flushedAt = this.#writer.clock.monotonic();
  }
}
