import { LogFileError } from "../../base/errors.js";
import type { HandlerJson } from "../../options/handler-json.js";
import { Batch } from "../../records/batch.js";
import type { Spill } from "../../spill/spill-file.js";
import { COUNTS, type Counts } from "../../writer/stats.js";
import { LocalOutlet } from "../batched.js";
import type { Place } from "../delivery.js";
import type { Outlet, OutletObserver, QueuedDeliveryOptions } from "../queued.js";
import { makeRingMemory } from "./ring.js";
import { RingWriter } from "./ring-writer.js";
import { type FarHandler, farHandlerFor } from "./thread.js";

// Milliseconds: how long this thread blocks before it looks again, and what the other one is given, beyond
// `lockTimeout`, to put records into a spill.
const LOOK = 20;
const GRACE = 1000;

/**
 * Delivery `background`: another thread, one for all handlers of this one, has lock and file; records go to it through
 * memory that both see. When it is lost, what it has not written is written from here, and so is all that follows.
 */
export class FarOutlet implements Outlet {
  readonly #options: QueuedDeliveryOptions;
  readonly #observer: OutletObserver;
  #json: HandlerJson;
  #ring: RingWriter | undefined;
  #far: FarHandler | undefined;
  /** Of the handlers that there were, and of the one that there is. */
  #counts = new Float64Array(COUNTS.length);
  #countsNow: Float64Array | undefined;
  /** In place of the other thread, once that is lost. */
  #here: LocalOutlet | undefined;
  /** Of the handler that was closed. */
  #isSwept: Promise<void> | undefined;
  #willWake = false;
  /** The other thread is to tell of its progress. */
  #isAwaiting = false;
  /** It was closed, and lets go of the other thread once that has written everything. */
  #isClosing = false;

  constructor(options: QueuedDeliveryOptions, observer: OutletObserver, json: HandlerJson) {
    this.#options = options;
    this.#observer = observer;
    this.#json = { ...json, delivery: "sync" };
    if (json.rotateWhenIdle === true) this.#open();
  }

  get pending(): number {
    if (this.#here !== undefined) return this.#here.pending;
    return this.#ring === undefined ? 0 : this.#ring.count + this.#ring.spilled;
  }

  get queued(): number {
    return this.#here?.queued ?? this.#ring?.length ?? 0;
  }

  get counts(): Counts {
    const counts = COUNTS.map((name, i) => [name, this.#counts[i]! + (this.#countsNow?.[i] ?? 0)]);
    return Object.fromEntries(counts) as unknown as Counts;
  }

  reserve(longest: number): Place | undefined {
    return (this.#here ?? this.#open()).reserve(longest);
  }

  filled(length: number): void {
    if (this.#here === undefined) this.#ring!.filled(length);
    else this.#here.filled(length);
  }

  hasRoomFor(bytes: number): boolean {
    return this.reserve(bytes) !== undefined || this.#here !== undefined || bytes > this.#options.queueBytes;
  }

  add(batch: Batch): void {
    for (const record of batch.records()) {
      const place = this.reserve(record.length);
      if (place === undefined || this.#here !== undefined) this.#addHere(record);
      else {
        record.copy(place.bytes, place.start);
        this.#ring!.filled(record.length);
      }
    }
  }

  dropOldest(): number | undefined {
    return this.#here === undefined ? this.#ring?.dropOldest() : this.#here.dropOldest();
  }

  markDropped(count: number): void {
    if (this.#here !== undefined) this.#here.markDropped(count);
    else this.#ring?.markDropped(count);
  }

  write(when: "soon" | "now"): void {
    if (this.#here !== undefined) this.#here.write(when);
    else if (when === "now") this.#wake();
    else if (!this.#willWake && this.#ring?.isReaderAsleep) this.#wakeSoon();
    if (!this.#isAwaiting && this.#observer.isAwaited()) this.#awaitProgress();
  }

  writeWithin(milliseconds: number): boolean {
    const { clock } = this.#options;
    if (this.#here !== undefined) return this.#here.writeWithin(milliseconds);
    if (this.#ring === undefined) return true;
    const before = this.#ring.progress;
    let left = milliseconds + GRACE;
    while (this.#ring.count > 0 && left > 0) {
      const start = clock.monotonic();
      const seen = this.#ring.progress;
      this.#wake();
      if (this.#ring.count > 0) this.#ring.sleepUntilProgress(seen, Math.min(left, LOOK));
      // Time in which this process was stopped was none for the other thread either.
      left -= Math.min(clock.monotonic() - start, 2 * LOOK);
    }
    // One that tries in vain is not lost: this thread would do no better.
    if (this.#ring.count > 0 && this.#ring.progress === before) this.#takeOver("it did not write in time");
    this.#observer.onProgress();
    return this.pending === 0;
  }

  adopt(spill: Spill): boolean {
    return this.#here?.adopt(spill) ?? false;
  }

  async swept(): Promise<void> {
    await (this.#far?.swept() ?? this.#isSwept);
  }

  close(): void {
    this.#isClosing = true;
    this.#awaitProgress();
  }

  #letGo(): void {
    this.#isClosing = this.#isAwaiting = false;
    this.#isSwept = this.#far?.swept() ?? this.#isSwept;
    this.#far?.close();
    for (const [i, count] of this.#countsNow?.entries() ?? []) this.#counts[i]! += count;
    this.#countsNow = undefined;
    this.#far = undefined;
    this.#ring = undefined;
  }

  /** The ring, with somebody at its other end. */
  #open(): Pick<Outlet, "reserve"> {
    this.#isClosing = false;
    if (this.#ring !== undefined) return this.#ring;
    const { queueBytes, maxBatchBytes } = this.#options;
    const memory = makeRingMemory(queueBytes, COUNTS.length);
    this.#countsNow = new Float64Array(memory.counts);
    this.#ring = new RingWriter(memory);
    this.#far = farHandlerFor(
      { json: this.#json, memory, maxBatchBytes },
      {
        tell: this.#options.tell,
        onProgress: () => this.#proceed(),
        onLost: (why) => this.#takeOver(why, false),
      },
    );
    this.#json = { ...this.#json, mode: "a" }; // the file is emptied once
    return this.#here ?? this.#ring;
  }

  #wake(): void {
    if (this.#ring?.isReaderAsleep) this.#ring.wake();
  }

  /** Once a turn: to wake a thread takes longer than all the rest. */
  #wakeSoon(): void {
    this.#willWake = true;
    this.#options.clock.soon(() => {
      this.#willWake = false;
      this.#wake();
    });
  }

  #awaitProgress(): void {
    this.#ring?.awaitProgress();
    this.#wake();
    this.#isAwaiting = true;
    // It may have come to an end before it knew.
    if (this.pending === 0) this.#proceed();
  }

  #proceed(): void {
    this.#isAwaiting = false; // who is told may write, and wait again
    this.#observer.onProgress();
    if (this.#isAwaiting) return;
    // Who waits still is told again, also when all has been written since.
    if (this.#observer.isAwaited() || (this.#isClosing && this.pending > 0)) this.#awaitProgress();
    else if (this.#isClosing) this.#letGo();
  }

  /** A record that is larger than the ring, or comes when there is none. */
  #addHere(record: Buffer): void {
    for (let before = Infinity; this.#here === undefined && this.pending > 0 && this.pending < before; ) {
      before = this.pending;
      this.writeWithin(this.#options.lockTimeout);
    }
    if (this.pending > 0) this.#takeOver("it did not write in time");
    const batch = new Batch();
    batch.add(record);
    if (this.#here !== undefined) this.#here.add(batch);
    else if (this.#options.commit(batch, this.#options.lockTimeout) !== "done") {
      this.#takeOver("the disk fails");
      this.#here!.add(batch);
    }
  }

  /** Writes from here on. What a thread that lives is appending now, it may end. */
  #takeOver(why: string, isAlive = true): void {
    const { countAppended, mergeOrphans, path, tell } = this.#options;
    const ring = this.#ring;
    if (this.#here !== undefined || ring === undefined) return;
    for (let left = isAlive ? GRACE : 0; !ring.claim() && left > 0; left -= LOOK)
      ring.sleepUntilProgress(ring.progress, LOOK);
    this.#here = new LocalOutlet(this.#options, this.#observer);
    mergeOrphans();
    const left = ring.takeAll(countAppended);
    this.#here.markDropped(ring.takeDropped());
    this.#letGo();
    this.#here.add(left);
    this.#here.write("now");
    // Last: who is told may log that, and these records are older.
    const message = `The thread that writes ${path} was lost: ${why}. This thread writes from now on.`;
    tell("error", new LogFileError("ERR_CLH_THREAD", message, { path }));
  }
}
