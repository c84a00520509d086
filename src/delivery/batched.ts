import type { QueueLimits } from "../options/resolved-options.js";
import type { Batch } from "../records/batch.js";
import type { DeliveryWriter, Place } from "./delivery.js";
import { MemoryQueue } from "./memory-queue.js";
import { Drain } from "./queue-drain.js";
import type { Outlet, OutletObserver } from "./queued.js";

/**
 * Delivery `batched`: records wait in memory until the end of this turn of the event loop, or of `flushInterval`, or
 * until they are many, and are then written under one lock.
 */
export class LocalOutlet implements Outlet {
  readonly #writer: DeliveryWriter;
  readonly #limits: QueueLimits;
  readonly #queue: MemoryQueue;
  readonly #drain: Drain;
  #cancelFlush: (() => void) | undefined;

  constructor(writer: DeliveryWriter, limits: QueueLimits, { onProgress, onLost }: OutletObserver) {
    this.#writer = writer;
    this.#limits = limits;
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
    if (when === "soon" && this.#cancelFlush !== undefined) return;
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
    const flush = () => {
      this.#cancelFlush = undefined;
      this.#drain.run();
    };
    this.#cancelFlush = flushInterval === 0 ? clock.soon(flush) : clock.after(flushInterval, flush);
  }
}
