import { LogFileError } from "../base/errors.js";
import { flushAtExit, forget } from "../platform/exit-hooks.js";
import { Batch } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";
import {
  type CommitResult,
  type Delivery,
  type DeliveryOptions,
  FIRST_RETRY,
  LONGEST_RETRY,
  TIDYING,
  TIMED_OUT,
  WAIT_AFTER_TIMEOUT,
} from "./delivery.js";
import { Spilled } from "./spill-queue.js";

export interface SyncDeliveryOptions extends DeliveryOptions {
  readonly retryBufferBytes: number;
}

/**
 * Delivery `sync`: the record is in the file when push returns true. What cannot be written waits in memory, first in,
 * first out, and is tried again at later writes and by a timer that keeps no process alive.
 */
export class SyncDelivery implements Delivery {
  readonly #options: SyncDeliveryOptions;
  readonly #spilled: Spilled;
  readonly #kept = new Batch();
  #dropped = 0;
  #isLastDropped = false;
  #wait: number;
  #retryAt = 0;
  #retryDelay = FIRST_RETRY;
  #cancelRetry: (() => void) | undefined;

  constructor(options: SyncDeliveryOptions) {
    this.#options = options;
    this.#spilled = new Spilled(options, (lost) => {
      options.onDrop(lost);
      this.#dropped += lost;
    });
    this.#wait = options.lockTimeout;
  }

  get pending(): number {
    return this.#spilled.count + this.#kept.count;
  }

  /** Who writes has waited already. */
  get needsDrain(): boolean {
    return false;
  }

  push(batch: Batch): boolean {
    const { news } = this.#options;
    this.#isLastDropped = false;
    news.isHeld = true;
    try {
      return this.#push(batch);
    } finally {
      const isDropped = this.#isLastDropped;
      news.isHeld = false;
      news.catchUp();
      this.#isLastDropped = isDropped; // also when a listener has written
    }
  }

  reserve(): undefined {}

  filled(): boolean {
    throw new Error("nothing was reserved");
  }

  adopt(spill: Spill): boolean {
    return this.#spilled.adopt(spill, Math.min(TIDYING, this.#options.lockTimeout));
  }

  keep(batch: Batch): void {
    const { retryBufferBytes, onDrop } = this.#options;
    let dropped = 0;
    for (const record of batch.records()) {
      // Once a record does not fit, none does until all is written: the marker has its place in the order.
      const fits = this.#kept.length + record.length <= retryBufferBytes || this.#kept.isDone;
      if (fits && this.#dropped + dropped === 0) this.#kept.add(record);
      else dropped++;
    }
    this.#dropped += dropped;
    this.#isLastDropped = dropped > 0;
    if (dropped > 0) onDrop(dropped);
    flushAtExit(this);
  }

  written(): Promise<void> {
    return this.#isLastDropped
      ? Promise.reject(this.#failure("1 record was dropped, and could not be written"))
      : this.flush();
  }

  async flush(): Promise<void> {
    const { clock, lockTimeout } = this.#options;
    let deadline = clock.monotonic() + lockTimeout;
    let least = this.pending;
    for (let delay = 1; !this.#retry(WAIT_AFTER_TIMEOUT); delay = Math.min(delay * 2, 50)) {
      if (this.pending < least) {
        least = this.pending;
        deadline = clock.monotonic() + lockTimeout; // others write as well, and many records take their time
        delay = 1;
      }
      if (clock.monotonic() >= deadline) throw this.#failure(`${this.pending} records could not be written`);
      await clock.delay(delay);
    }
  }

  close(): void {}

  async swept(): Promise<void> {}

  get counts(): undefined {
    return undefined;
  }

  flushSync(): boolean {
    return this.#retry(this.#options.lockTimeout);
  }

  #push(batch: Batch): boolean {
    const { clock, commit, onLockTimeout, onTimedOut, isLockedHere } = this.#options;
    if (!this.#isClear && clock.monotonic() >= this.#retryAt) this.#writeKept(this.#wait);
    if (!this.#isClear) {
      if (!this.#spilled.isEmpty && this.#kept.isDone) this.#putAside(batch);
      else this.keep(batch);
      return false;
    }
    const result = commit(batch, this.#wait);
    if (result === "done") {
      if (!this.#isClear) this.#writeKept(this.#wait); // what a namer has logged meanwhile
      return true;
    }
    const isWaitInVain = onLockTimeout === "wait" && isLockedHere();
    if (result === "lock timeout" && !isWaitInVain) {
      onTimedOut(TIMED_OUT[onLockTimeout], onLockTimeout === "throw");
      if (onLockTimeout === "wait") return this.#waitWith(batch);
      this.#putAside(batch);
    } else this.keep(batch);
    this.#postpone(result);
    return false;
  }

  /** Waits until `batch` can be written, and tells so meanwhile: a listener may write, so that it is kept first. */
  #waitWith(batch: Batch): boolean {
    const { news, lockTimeout } = this.#options;
    for (const record of batch.records()) this.#kept.add(record);
    flushAtExit(this);
    let result: CommitResult;
    do {
      news.isHeld = false;
      news.catchUp();
      news.isHeld = true;
      result = this.#writeKept(lockTimeout);
    } while (result === "lock timeout");
    return result === "done";
  }

  #failure(what: string): LogFileError {
    const { path } = this.#options;
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

  /** As {@link #writeKept}; true when nothing is left. */
  #retry(wait: number): boolean {
    const { news } = this.#options;
    if (this.#isClear) return true;
    if (news.isHeld) return false; // a namer or rotator flushes
    news.isHeld = true;
    try {
      return this.#writeKept(wait) === "done";
    } finally {
      news.isHeld = false;
      news.catchUp();
    }
  }

  /** Writes what was kept, and a marker for what was dropped. */
  #writeKept(wait: number): CommitResult {
    const { commit, markerOf, onTimedOut } = this.#options;
    let result = this.#spilled.merge(wait);
    if (result === "done" && !this.#kept.isDone) result = commit(this.#kept, wait);
    if (result === "lock timeout") onTimedOut("What is kept is tried again.");
    if (result !== "done") {
      this.#postpone(result);
      return result;
    }
    if (this.#dropped > 0) {
      const marker = markerOf(this.#dropped);
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
    this.#wait = this.#options.lockTimeout;
    this.#retryDelay = FIRST_RETRY;
    this.#retryAt = 0;
  }

  #postpone(result: CommitResult): void {
    this.#wait = result === "lock timeout" ? WAIT_AFTER_TIMEOUT : this.#options.lockTimeout;
    this.#retryAt = this.#options.clock.monotonic() + this.#retryDelay;
    this.#cancelRetry ??= this.#options.clock.after(this.#retryDelay, () => {
      this.#cancelRetry = undefined;
      this.#retry(this.#wait);
    });
    this.#retryDelay = Math.min(this.#retryDelay * 2, LONGEST_RETRY);
  }
}
