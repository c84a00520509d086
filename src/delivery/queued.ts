import type { QueueLimits } from "../options/resolved-options.js";
import { flushAtExit, forget } from "../platform/exit-hooks.js";
import type { Batch } from "../records/batch.js";
import type { Delivery, Place, QueueOwner } from "./delivery.js";
import { Acknowledgements, LATE } from "./flush-waiters.js";

// Milliseconds between two looks whether a full queue has room again.
const LOOK = 10;

// Bytes that the smallest record counts for: to keep its length takes room as well.
const SMALLEST = 32;

/** The queue itself, and what takes records from it to the file: in this thread or in another. */
export interface Outlet {
  /** Records that are not in the file yet. */
  readonly pending: number;
  /** Of these, records that are in a spill, and so outlive the process. */
  readonly spilled: number;
  /** Bytes that wait in memory. */
  readonly queued: number;
  /** Where a record of at most so many bytes may be put; the limits of the queue are held already. */
  reserve(longest: number): Place | undefined;
  filled(length: number): void;
  hasRoomFor(bytes: number): boolean;
  add(batch: Batch): void;
  /**
   * Forgets the oldest record in memory, whose marker is its own affair: how many are behind it there. Undefined when it
   * cannot be had.
   */
  dropOldest(): number | undefined;
  /** So many others were dropped: a marker in front of those that wait is to say so. */
  markDropped(count: number): void;
  /** Sees to it that records are written, soon or at once. */
  write(when: "soon" | "now"): void;
  /** Writes, blocking for at most so many milliseconds; true when nothing is pending. */
  writeWithin(milliseconds: number): boolean;
  close(): void;
}

/** What an outlet tells. */
export interface OutletObserver {
  /** After each attempt to write. */
  readonly onProgress: () => void;
  /** So many records in front of all that wait were given up. */
  readonly onLost: (count: number) => void;
  /** True while somebody waits for progress. */
  readonly isAwaited: () => boolean;
}

/**
 * A delivery with a queue: its limits, what becomes of a record for which it has no room, and who is told when what is
 * written.
 */
export class QueuedDelivery implements Delivery {
  readonly #writer: QueueOwner;
  readonly #limits: Pick<QueueLimits, "queueBytes" | "overflow">;
  readonly #acknowledgements: Acknowledgements;
  readonly #outlet: Outlet;
  /** Records that were taken over. */
  #in = 0;
  /** Records that were dropped, and have no marker yet behind those that wait. */
  #droppedNewest = 0;
  #droppedSinceFlush = 0;
  /** Records that were dropped, and of which nobody was told yet. */
  #untold = 0;
  #cancelTelling: (() => void) | undefined;
  /** A full queue was waited for in vain: not again until it has room. */
  #isGivenUp = false;
  #isLastDropped = false;
  #isListedForExit = false;
  /** Bytes for which there is room in the first half of the queue: until they are used, nothing is to be asked. */
  #credit = 0;
  needsDrain = false;
  #letGo: (() => void) | undefined;

  constructor(
    writer: QueueOwner,
    limits: Pick<QueueLimits, "queueBytes" | "overflow">,
    outletFor: (observer: OutletObserver) => Outlet,
  ) {
    this.#writer = writer;
    this.#limits = limits;
    this.#acknowledgements = new Acknowledgements(writer.clock, writer.options.filename, () => this.#proceed());
    this.#outlet = outletFor({
      onProgress: () => this.#proceed(),
      onLost: (count) => this.#lose(count),
      isAwaited: () => this.needsDrain || this.#acknowledgements.isWaitedFor,
    });
  }

  get pending(): number {
    return this.#outlet.pending;
  }

  push(batch: Batch): boolean {
    this.keep(batch);
    this.#askForPause();
    return !this.needsDrain;
  }

  reserve(longest: number): Place | undefined {
    return longest <= this.#credit || this.#hasRoomFor(longest) ? this.#outlet.reserve(longest) : undefined;
  }

  filled(length: number): boolean {
    this.#outlet.filled(length);
    this.#in++;
    this.#isLastDropped = false;
    this.#listForExit();
    this.#outlet.write("soon");
    this.#credit -= Math.max(length, SMALLEST);
    if (this.#credit <= 0) this.#askForPause();
    return !this.needsDrain;
  }

  keep(batch: Batch): void {
    this.#isLastDropped = !this.#makeRoomFor(batch);
    if (this.#isLastDropped) {
      this.#noteMissing(batch.count);
      this.#credit = 0;
      this.#noteDropped(batch.count);
      return;
    }
    this.#in += batch.count;
    this.#listForExit();
    this.#outlet.add(batch);
    this.#credit -= batch.length;
    this.#outlet.write("soon");
  }

  written(signal?: AbortSignal): Promise<void> {
    return this.#wait(true, this.#isLastDropped ? 1 : 0, signal);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    const lost = this.#droppedSinceFlush;
    this.#droppedSinceFlush = 0;
    try {
      await this.#wait(false, lost, signal);
    } catch (error) {
      if (signal?.aborted) this.#droppedSinceFlush += lost; // the next one tells of them
      throw error;
    }
  }

  flushSync(): boolean {
    this.#tellDrops();
    // As long as records are written; the marker for those that were dropped follows the others.
    for (let written = -1; this.pending > 0 && this.#in - this.pending > written; ) {
      written = this.#in - this.pending;
      this.#outlet.writeWithin(this.#writer.options.lockTimeout);
    }
    if (this.pending > 0) return false;
    this.#unlist(); // also when another thread has written all, and told nobody
    return true;
  }

  /** When the process ends: what is in a spill is merged by the next. */
  afterAll(): void {
    const lost = this.pending - this.#outlet.spilled;
    if (lost > 0) this.#writer.noteLoss(lost);
  }

  close(): void {
    this.#outlet.close();
  }

  /** Records in front of all that wait were given up. */
  #lose(count: number): void {
    this.#acknowledgements.advance(this.#in - this.pending - count);
    this.#acknowledgements.dropped(count);
    this.#noteDropped(count);
  }

  /** True when more records have left the queue. */
  #advance(): boolean {
    return this.#acknowledgements.advance(this.#in - this.pending);
  }

  /** After each attempt to write. */
  #proceed(): void {
    if (this.#droppedNewest > 0 && this.#mark()) this.#outlet.write("soon");
    const isProgress = this.#advance();
    if (this.pending === 0) this.#unlist();
    if (!this.needsDrain) return;
    if (this.#outlet.queued * 4 <= this.#limits.queueBytes) {
      this.needsDrain = false;
      this.#letGo?.();
      this.#writer.events.tell("drain");
    } else if (isProgress) this.#hold();
  }

  #wait(isForOne: boolean, lost: number, signal: AbortSignal | undefined): Promise<void> {
    const { lockTimeout } = this.#writer.options;
    const promise = this.#acknowledgements.wait(this.#in, isForOne, lost, lockTimeout, signal);
    this.#outlet.write("now");
    return promise;
  }

  #askForPause(): void {
    if (this.needsDrain || this.#outlet.queued * 2 <= this.#limits.queueBytes) return;
    this.needsDrain = true;
    this.#hold();
    this.#outlet.write("soon"); // now somebody waits for it
  }

  /** Keeps the process alive for who has paused, as long as there is progress within `lockTimeout`. */
  #hold(): void {
    this.#letGo?.();
    this.#letGo = this.#writer.clock.after(this.#writer.options.lockTimeout, () => {}, true);
  }

  #hasRoomFor(longest: number): boolean {
    if (this.#droppedNewest > 0) return false;
    const { queued } = this.#outlet;
    this.#credit = this.#limits.queueBytes / 2 - queued;
    return queued + longest <= this.#limits.queueBytes;
  }

  #makeRoomFor({ length }: Batch): boolean {
    if (this.#droppedNewest > 0 && !this.#mark()) return false;
    if (this.#fits(length)) return true;
    switch (this.#limits.overflow) {
      case "drop-newest":
        return false;
      case "drop-oldest":
        while (!this.#fits(length)) if (!this.#dropOldest()) return false;
        return true;
      case "block":
        return this.#block(length);
    }
  }

  #dropOldest(): boolean {
    const behind = this.#outlet.dropOldest();
    if (behind === undefined) return false;
    this.#acknowledgements.dropped(1, this.#in - behind - 1);
    this.#advance();
    this.#noteDropped(1);
    return true;
  }

  #fits(bytes: number): boolean {
    return (
      this.#outlet.queued === 0 ||
      (this.#outlet.queued + bytes <= this.#limits.queueBytes && this.#outlet.hasRoomFor(bytes))
    );
  }

  /** Waits until there is room, for `lockTimeout` at most, and not again until there was. */
  #block(bytes: number): boolean {
    const { clock } = this.#writer;
    const { lockTimeout } = this.#writer.options;
    if (this.#isGivenUp) return false;
    let wasLate = false;
    for (let left = lockTimeout; left > 0; ) {
      const due = clock.monotonic() + left;
      this.#outlet.writeWithin(left);
      if (this.#fits(bytes)) return true;
      clock.sleep(Math.min(LOOK, left));
      left = due - clock.monotonic();
      if (left < -LATE && !wasLate) {
        wasLate = true;
        left = lockTimeout;
      }
    }
    this.#isGivenUp = true;
    return false;
  }

  /** Behind those that wait. Where the oldest are dropped, a marker there would be dropped itself: it goes in front. */
  #noteMissing(count: number): void {
    if (this.#limits.overflow === "drop-oldest") this.#outlet.markDropped(count);
    else this.#droppedNewest += count;
  }

  #noteDropped(count: number): void {
    this.#droppedSinceFlush += count;
    this.#untold += count;
    this.#cancelTelling ??= this.#writer.clock.soon(() => this.#tellDrops());
  }

  /** Once a turn, not once a record. */
  #tellDrops(): void {
    this.#cancelTelling?.();
    this.#cancelTelling = undefined;
    const count = this.#untold;
    this.#untold = 0;
    if (count > 0) this.#writer.noteDrop(count);
  }

  /** Puts the marker for dropped records behind those that wait, once half of the queue is free; true when that was done. */
  #mark(): boolean {
    if (this.#outlet.queued * 2 > this.#limits.queueBytes) return false;
    const marker = this.#writer.markerOf(this.#droppedNewest);
    this.#droppedNewest = 0;
    this.#isGivenUp = false;
    this.#in += marker.count;
    this.#outlet.add(marker);
    return true;
  }

  #listForExit(): void {
    if (this.#isListedForExit) return;
    this.#isListedForExit = true;
    flushAtExit(this);
  }

  #unlist(): void {
    this.#isListedForExit = false;
    forget(this);
  }
}
