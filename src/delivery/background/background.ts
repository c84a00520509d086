import { LogFileError } from "../../base/errors.js";
import { BACKGROUND_GRACE_MS } from "../../lock/lock-timing.js";
import { spillPath } from "../../log-files/hidden-names.js";
import type { QueueLimits, ResolvedOptions } from "../../options/resolved-options.js";
import { endSettling, settleBeforeExit } from "../../platform/exit-hooks.js";
import { Batch } from "../../records/batch.js";
import type { LogWriter } from "../../writer/log-writer.js";
import { COUNTS, type Counts } from "../../writer/stats.js";
import type { RemoteWriter } from "../../writer/writer-role.js";
import { LocalOutlet } from "../batched.js";
import type { Place } from "../delivery.js";
import type { Outlet, OutletObserver } from "../queued.js";
import { type RingMemory, retireRingMemory, takeRingMemory } from "./ring.js";
import { RingWriter } from "./ring-writer.js";
import { type FarHandler, farHandlerFor } from "./thread.js";

// How long this thread blocks before it looks again.
const LOOK_MS = 20;

/**
 * Delivery `background`: another thread, one for all handlers of this one, has lock and file; records go to it through
 * memory that both see. When it is lost, what it has not written is written from here, and so is all that follows.
 */
export class FarOutlet implements Outlet, RemoteWriter {
  readonly #writer: LogWriter;
  readonly #limits: QueueLimits;
  readonly #observer: OutletObserver;
  /** For the writer of the other thread. */
  #options: ResolvedOptions;
  #memory: RingMemory | undefined;
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
  /** How many records there had been when the process last had nothing more to do. */
  #settled = -1;

  constructor(writer: LogWriter, limits: QueueLimits, observer: OutletObserver) {
    this.#writer = writer;
    this.#limits = limits;
    this.#observer = observer;
    this.#options = { ...writer.options, onArchived: undefined }; // a function cannot cross
    writer.remote = this;
    if (this.#options.rotateWhenIdle) this.#open();
  }

  get pending(): number {
    if (this.#here !== undefined) return this.#here.pending;
    return this.#ring === undefined ? 0 : this.#ring.count + this.#ring.spilled;
  }

  get spilled(): number {
    return this.#here?.spilled ?? this.#ring?.spilled ?? 0;
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
    return this.reserve(bytes) !== undefined || this.#here !== undefined || bytes > this.#limits.queueBytes;
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
    const { clock } = this.#writer;
    if (this.#here !== undefined) return this.#here.writeWithin(milliseconds);
    if (this.#ring === undefined) return true;
    const before = this.#ring.progress;
    let left = milliseconds + BACKGROUND_GRACE_MS;
    while (this.#ring.count > 0 && left > 0) {
      const start = clock.monotonic();
      const seen = this.#ring.progress;
      this.#wake();
      if (this.#ring.count > 0) this.#ring.sleepUntilProgress(seen, Math.min(left, LOOK_MS));
      // Time in which this process was stopped was none for the other thread either.
      left -= Math.min(clock.monotonic() - start, 2 * LOOK_MS);
    }
    // One that tries in vain is not lost: this thread would do no better.
    if (this.#ring.count > 0 && this.#ring.progress === before) this.#takeOver("it did not write in time");
    this.#observer.onProgress();
    return this.pending === 0;
  }

  async whenSwept(): Promise<void> {
    await (this.#far?.swept() ?? this.#isSwept);
  }

  close(): void {
    this.#isClosing = true;
    this.#awaitProgress();
  }

  /** Lets a process that ends by itself stay until the thread has written and compressed, as with the other deliveries. */
  settle(): void {
    if (this.#ring === undefined || this.#ring.written === this.#settled) return;
    this.#settled = this.#ring.written;
    this.#wake();
    void this.#far?.swept();
  }

  #letGo(): void {
    endSettling(this);
    this.#settled = -1;
    this.#isClosing = this.#isAwaiting = false;
    this.#isSwept = this.#far?.swept().then(() => this.#writer.rotation.noteBackups(true)) ?? this.#isSwept;
    this.#far?.close();
    for (const [i, count] of this.#countsNow?.entries() ?? []) this.#counts[i]! += count;
    this.#countsNow = undefined;
    if (this.#here === undefined) retireRingMemory(this.#memory!);
    this.#far = undefined;
    this.#ring = undefined;
  }

  /** The ring, with somebody at its other end. */
  #open(): Pick<Outlet, "reserve"> {
    this.#isClosing = false;
    if (this.#ring !== undefined) return this.#ring;
    const memory = takeRingMemory(this.#limits.queueBytes, COUNTS.length);
    this.#memory = memory;
    this.#countsNow = new Float64Array(memory.counts);
    this.#ring = new RingWriter(memory);
    this.#far = farHandlerFor(
      { options: this.#options, memory, maxBatchBytes: this.#limits.maxBatchBytes },
      {
        tell: (name, ...payload) => {
          this.#writer.events.tell(name, ...payload);
          if (name === "rotated" || name === "compressed") this.#writer.rotation.noteBackups();
        },
        onProgress: () => this.#proceed(),
        onLost: (why) => this.#takeOver(why, false),
      },
    );
    this.#options = { ...this.#options, mode: "a" }; // the file is emptied once
    settleBeforeExit(this);
    this.#writer.rotation.noteBackups();
    return this.#here ?? this.#ring;
  }

  #wake(): void {
    if (this.#ring?.isReaderAsleep) this.#ring.wake();
  }

  /** Once a turn: to wake a thread takes longer than all the rest. */
  #wakeSoon(): void {
    this.#willWake = true;
    this.#writer.clock.soon(() => {
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
      this.writeWithin(this.#writer.options.lockTimeout);
    }
    if (this.pending > 0) this.#takeOver("it did not write in time");
    const batch = new Batch();
    batch.add(record);
    if (this.#here !== undefined) this.#here.add(batch);
    else if (this.#writer.commit(batch, this.#writer.options.lockTimeout) !== "done") {
      this.#takeOver("the disk fails");
      this.#here!.add(batch);
    }
  }

  /** Writes from here on. What a thread that lives is appending now, it may end. */
  #takeOver(why: string, isAlive = true): void {
    const path = this.#options.filename;
    const ring = this.#ring;
    if (this.#here !== undefined || ring === undefined) return;
    for (let left = isAlive ? BACKGROUND_GRACE_MS : 0; !ring.claim() && left > 0; left -= LOOK_MS)
      ring.sleepUntilProgress(ring.progress, LOOK_MS);
    if (isAlive) this.#far?.terminate(); // else it would keep its spill, and the lock on that
    this.#here = new LocalOutlet(this.#writer, this.#limits, this.#observer);
    if (ring.spilled > 0) this.#here.inherit(spillPath(path, process.pid, ring.spillId), ring.spilled);
    this.#writer.takeOver();
    const left = ring.takeAll((...asked) => this.#writer.countAppended(...asked));
    this.#here.markDropped(ring.takeDropped());
    this.#letGo();
    this.#here.add(left);
    this.#here.write("now");
    // Last: who is told may log that, and these records are older.
    const message = `The thread that writes ${path} was lost: ${why}. This thread writes from now on.`;
    this.#writer.events.tell("error", new LogFileError("ERR_CLH_THREAD", message, { path }));
  }
}
