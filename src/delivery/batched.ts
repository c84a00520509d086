import type { Batch } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";
import type { Place } from "./delivery.js";
import { MemoryQueue } from "./memory-queue.js";
import { Drain } from "./queue-drain.js";
import type { Outlet, OutletObserver, QueuedDeliveryOptions } from "./queued.js";

/**
 * Delivery `batched`: records wait in memory until the end of this turn of the event loop, or of `flushInterval`, or
 * until they are many, and are then written under one lock.
 */
export class LocalOutlet implements Outlet {
  readonly #options: QueuedDeliveryOptions;
  readonly #queue: MemoryQueue;
  readonly #drain: Drain;
  #cancelFlush: (() => void) | undefined;
  readonly counts = undefined;

  constructor(options: QueuedDeliveryOptions, { onProgress, onLost }: OutletObserver) {
    this.#options = options;
    this.#queue = new MemoryQueue(options.maxBatchBytes);
    this.#drain = new Drain(options, this.#queue, { onProgress, onLost });
  }

  get pending(): number {
    return this.#drain.pending;
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

  adopt(spill: Spill): boolean {
    return this.#drain.adopt(spill);
  }

  async swept(): Promise<void> {}

  close(): void {}

  #flushSoon(): void {
    const { clock, flushInterval } = this.#options;
    const flush = () => {
      this.#cancelFlush = undefined;
      this.#drain.run();
    };
    this.#cancelFlush = flushInterval === 0 ? clock.soon(flush) : clock.after(flushInterval, flush);
  }
}
