import { Backoff } from "../base/backoff.js";
import { LogFileError } from "../base/errors.js";
import { FIRST_FLUSH_RETRY_MS, LONGEST_FLUSH_RETRY_MS, WAIT_AFTER_TIMEOUT_MS } from "../lock/lock-timing.js";
import { flushAtExit, forget } from "../platform/exit-hooks.js";
import { Batch } from "../records/batch.js";
import { delay } from "./abort.js";
import { type Delivery, type DeliveryWriter, FIRST_RETRY_MS, LONGEST_RETRY_MS, TIMED_OUT } from "./delivery.js";
import { Spilled } from "./spill-queue.js";

type WriteResult = ReturnType<Spilled["merge"]>;

/**
 * Delivery `sync`: the record is in the file when push returns true. What cannot be written waits in memory, first in,
 * first out, and is tried again at later writes and by a timer that keeps no process alive.
 */
export class SyncDelivery implements Delivery {
  readonly #writer: DeliveryWriter;
  readonly #spilled: Spilled;
  readonly #kept = new Batch();
  /** Records that were dropped, and have no marker yet. */
  #dropped = 0;
  #droppedSinceFlush = 0;
  #isLastDropped = false;
  #wait: number;
  #retryAt = 0;
  readonly #retries = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
  #cancelRetry: (() => void) | undefined;

  constructor(writer: DeliveryWriter) {
    this.#writer = writer;
    this.#spilled = new Spilled(writer, (lost) => {
      writer.noteDrop(lost);
      this.#dropped += lost;
      this.#droppedSinceFlush += lost;
    });
    this.#wait = writer.options.lockTimeout;
  }

  get pending(): number {
    return this.#spilled.count + this.#kept.count;
  }

  /** Who writes has waited already. */
  get needsDrain(): boolean {
    return false;
  }

  push(batch: Batch): boolean {
    const { events } = this.#writer;
    this.#isLastDropped = false;
    events.isHeld = true;
    try {
      return this.#push(batch);
    } finally {
      const isDropped = this.#isLastDropped;
      events.isHeld = false;
      events.catchUp();
      this.#isLastDropped = isDropped; // also when a listener has written
    }
  }

  reserve(): undefined {}

  filled(): boolean {
    throw new Error("nothing was reserved");
  }

  keep(batch: Batch): void {
    const { retryBufferBytes } = this.#writer.options;
    let dropped = 0;
    for (const record of batch.records()) {
      // Once a record does not fit, none does until all is written: the marker has its place in the order.
      const fits = this.#kept.length + record.length <= retryBufferBytes || this.#kept.isDone;
      if (fits && this.#dropped + dropped === 0) this.#kept.add(record);
      else dropped++;
    }
    this.#dropped += dropped;
    this.#droppedSinceFlush += dropped;
    this.#isLastDropped = dropped > 0;
    if (dropped > 0) this.#writer.noteDrop(dropped);
    flushAtExit(this);
  }

  written(signal?: AbortSignal): Promise<void> {
    return this.#isLastDropped
      ? Promise.reject(this.#failure("1 record was dropped, and could not be written"))
      : this.#flushKept(signal);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    const dropped = this.#droppedSinceFlush;
    this.#droppedSinceFlush = 0;
    try {
      await this.#flushKept(signal);
    } catch (error) {
      if (signal?.aborted) this.#droppedSinceFlush += dropped; // the next one tells of them
      throw error;
    }
    if (dropped > 0) throw this.#failure(`${dropped} records were dropped, and could not be written`);
  }

  /** Resolves when what is kept is in the file. */
  async #flushKept(signal?: AbortSignal): Promise<void> {
    const { clock, options } = this.#writer;
    const retries = new Backoff(FIRST_FLUSH_RETRY_MS, LONGEST_FLUSH_RETRY_MS);
    let deadline = clock.monotonic() + options.lockTimeout;
    let least = this.pending;
    let result = this.#retry(WAIT_AFTER_TIMEOUT_MS);
    for (; result !== "done"; result = this.#retry(WAIT_AFTER_TIMEOUT_MS)) {
      if (this.pending < least || result === "unfinished") {
        least = this.pending;
        deadline = clock.monotonic() + options.lockTimeout; // others write as well, and many records take their time
        retries.reset();
      } else if (clock.monotonic() >= deadline) {
        throw this.#failure(`${this.pending} records could not be written`);
      }
      await delay(clock, retries.next(), signal);
    }
  }

  close(): void {}

  flushSync(): boolean {
    let result: WriteResult;
    do result = this.#retry(this.#writer.options.lockTimeout);
    while (result === "unfinished");
    return result === "done";
  }

  /** When the process ends: what is in a spill is merged by the next. */
  afterAll(): void {
    if (this.#kept.count > 0) this.#writer.noteLoss(this.#kept.count);
  }

  #push(batch: Batch): boolean {
    const { clock } = this.#writer;
    const { onLockTimeout } = this.#writer.options;
    if (!this.#isClear && clock.monotonic() >= this.#retryAt) this.#writeKept(this.#wait);
    if (!this.#isClear) {
      if (!this.#spilled.isEmpty && this.#kept.isDone) this.#putAside(batch);
      else this.keep(batch);
      return false;
    }
    const result = this.#writer.commit(batch, this.#wait);
    if (result === "done") {
      if (!this.#isClear) this.#writeKept(this.#wait); // what a namer has logged meanwhile
      return true;
    }
    const isWaitInVain = onLockTimeout === "wait" && this.#writer.isLockedHere;
    if (result === "lock timeout" && !isWaitInVain) {
      this.#writer.noteLockTimeout(TIMED_OUT[onLockTimeout], onLockTimeout === "throw");
      if (onLockTimeout === "wait") return this.#waitWith(batch);
      this.#putAside(batch);
    } else this.keep(batch);
    this.#postpone(result);
    return false;
  }

  /** Waits until `batch` can be written, and tells so meanwhile: a listener may write, so that it is kept first. */
  #waitWith(batch: Batch): boolean {
    const { events, options } = this.#writer;
    for (const record of batch.records()) this.#kept.add(record);
    flushAtExit(this);
    let result: WriteResult;
    do {
      events.isHeld = false;
      events.catchUp();
      events.isHeld = true;
      result = this.#writeKept(options.lockTimeout);
    } while (result === "lock timeout" || result === "unfinished");
    return result === "done";
  }

  #failure(what: string): LogFileError {
    const path = this.#writer.options.filename;
    return new LogFileError("ERR_CLH_FLUSH", `${what} to ${path}. What is kept in memory is tried again.`, { path });
  }

  get #isClear(): boolean {
    return this.#kept.isDone && this.#dropped === 0 && this.#spilled.isEmpty;
  }

  /** Puts records into the spill; into memory when that fails. */
  #putAside(batch: Batch): void {
    if (this.#spilled.put(batch)) flushAtExit(this);
    else this.keep(batch);
  }

  /** As {@link #writeKept}, unless records are in hand. */
  #retry(wait: number): WriteResult {
    const { events } = this.#writer;
    if (this.#isClear) return "done";
    if (events.isHeld) return "failed"; // a namer or rotator flushes
    events.isHeld = true;
    try {
      return this.#writeKept(wait);
    } finally {
      events.isHeld = false;
      events.catchUp();
    }
  }

  /** Writes what was kept, and a marker for what was dropped. */
  #writeKept(wait: number): WriteResult {
    let result: WriteResult = this.#spilled.merge(wait);
    if (result === "done" && !this.#kept.isDone) result = this.#writer.commit(this.#kept, wait);
    if (result === "lock timeout") this.#writer.noteLockTimeout("What is kept is tried again.");
    if (result !== "done") {
      this.#postpone(result);
      return result;
    }
    if (this.#dropped > 0) {
      const marker = this.#writer.markerOf(this.#dropped);
      this.#dropped = 0;
      this.keep(marker);
      return this.#writeKept(wait);
    }
    this.#recover();
    return result;
  }

  #recover(): void {
    forget(this);
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#wait = this.#writer.options.lockTimeout;
    this.#retries.reset();
    this.#retryAt = 0;
  }

  #postpone(result: WriteResult): void {
    const { clock, options } = this.#writer;
    const delay = result === "unfinished" ? 0 : this.#retries.next();
    this.#wait = result === "lock timeout" ? WAIT_AFTER_TIMEOUT_MS : options.lockTimeout;
    this.#retryAt = clock.monotonic() + delay;
    this.#cancelRetry ??= clock.after(delay, () => {
      this.#cancelRetry = undefined;
      this.#retry(this.#wait);
    });
  }
}
