import { Batch } from "../batch.js";
import { LogFileError } from "../errors.js";
import type { OnLockTimeout } from "../options.js";
import type { Clock } from "../platform/clock.js";
import type { Spill } from "./spill.js";

/** How records get from a handler to its file. */
export interface Delivery {
  /** Takes over the records of `batch`, which is the caller's again on return; true when all of them are in the file. */
  push(batch: Batch): boolean;
  /** As {@link push}, without writing anything yet. */
  keep(batch: Batch): void;
  /** Records that are not in the file yet. */
  readonly pending: number;
  /** Merges what a process that has ended could not; true when all of it is in the file. */
  adopt(spill: Spill): boolean;
  /** Resolves when everything pushed before is in the file; rejects with `ERR_CLH_FLUSH` when it cannot be. */
  flush(): Promise<void>;
  /** Writes what can be written, now; true when nothing is pending. */
  flushSync(): boolean;
}

/** How an attempt to write a batch ended; unless it is `done`, some of its records may be written and some not. */
export type CommitResult = "done" | "lock timeout" | "failed";

export interface SyncDeliveryOptions {
  /**
   * Writes as much of a batch as it can. Reports its failures and does not throw.
   * @param wait for the lock, in milliseconds
   */
  readonly commit: (batch: Batch, wait: number) => CommitResult;
  /** The record that stands in the file for `count` dropped ones. */
  readonly markerOf: (count: number) => Batch;
  readonly onDrop: (count: number) => void;
  readonly clock: Clock;
  readonly onLockTimeout: OnLockTimeout;
  /** Makes a file for records that wait for the lock. */
  readonly createSpill: () => Spill;
  readonly onSpillFailure: (cause: unknown) => void;
  readonly lockTimeout: number;
  readonly retryBufferBytes: number;
  readonly path: string;
}

// A lock that was not had in time once is not waited for again at every record, but for this long.
const WAIT_AFTER_TIMEOUT = 2;
const FIRST_RETRY = 10;
const LONGEST_RETRY = 1000;

/** Everybody who has records left, to be tried once more when the process exits. */
const unfinished = new Set<SyncDelivery>();
let listensForExit = false;

/**
 * Delivery `sync`: the record is in the file when push returns true. What cannot be written waits in memory, first in,
 * first out, and is tried again at later writes and by a timer that keeps no process alive.
 */
export class SyncDelivery implements Delivery {
  readonly #options: SyncDeliveryOptions;
  /** Waits on disk, in front of what waits in memory. */
  #spill: Spill | undefined;
  #spilled = 0;
  readonly #kept = new Batch();
  #dropped = 0;
  #wait: number;
  #retryAt = 0;
  #retryDelay = FIRST_RETRY;
  #cancelRetry: (() => void) | undefined;

  constructor(options: SyncDeliveryOptions) {
    this.#options = options;
    this.#wait = options.lockTimeout;
  }

  get pending(): number {
    return this.#spilled + this.#kept.count;
  }

  push(batch: Batch): boolean {
    const { clock } = this.#options;
    if (!this.#isClear && clock.monotonic() >= this.#retryAt) this.#retry(this.#wait);
    if (!this.#isClear) {
      if (this.#spill !== undefined && this.#kept.isDone) this.#putAside(batch);
      else this.keep(batch);
      return false;
    }
    const result = this.#commit(batch);
    if (result === "done") {
      if (!this.#isClear) this.#retry(this.#wait); // what a namer has logged meanwhile
      return true;
    }
    if (result === "lock timeout") this.#putAside(batch);
    else this.keep(batch);
    this.#postpone(result);
    return false;
  }

  adopt(spill: Spill): boolean {
    return this.#merge(spill, this.#options.lockTimeout) === "done";
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
    if (dropped > 0) onDrop(dropped);
    this.#listenForExit();
  }

  async flush(): Promise<void> {
    const { clock, lockTimeout, path } = this.#options;
    let deadline = clock.monotonic() + lockTimeout;
    let least = this.pending;
    for (let delay = 1; !this.#retry(WAIT_AFTER_TIMEOUT); delay = Math.min(delay * 2, 50)) {
      if (this.pending < least) {
        least = this.pending;
        deadline = clock.monotonic() + lockTimeout; // others write as well, and many records take their time
        delay = 1;
      }
      if (clock.monotonic() >= deadline) {
        const message = `${this.pending} records could not be written to ${path}. They are kept in memory and tried again.`;
        throw new LogFileError("ERR_CLH_FLUSH", message, { path });
      }
      await clock.delay(delay);
    }
  }

  flushSync(): boolean {
    return this.#retry(this.#options.lockTimeout);
  }

  get #isClear(): boolean {
    return this.#kept.isDone && this.#dropped === 0 && this.#spill === undefined;
  }

  /** @throws {LogFileError} `ERR_CLH_LOCK_TIMEOUT` when that is what the user wants */
  #commit(batch: Batch): CommitResult {
    const { commit, onLockTimeout, lockTimeout, path } = this.#options;
    for (;;) {
      const result = commit(batch, this.#wait);
      if (result !== "lock timeout" || onLockTimeout === "spill") return result;
      if (onLockTimeout === "wait") continue;
      const message = `Could not lock ${path} within ${lockTimeout} ms. The record was not written, and is not kept.`;
      throw new LogFileError("ERR_CLH_LOCK_TIMEOUT", message, { path });
    }
  }

  /** Puts records into the spill; into memory when that fails. */
  #putAside(batch: Batch): void {
    const { createSpill, onSpillFailure } = this.#options;
    try {
      this.#spill ??= createSpill();
      this.#spill.append(batch);
      this.#spilled += batch.count;
      this.#listenForExit();
    } catch (error) {
      onSpillFailure(error);
      this.keep(batch);
    }
  }

  #merge(spill: Spill, wait: number): CommitResult {
    while (!spill.isMerged) {
      let batch: Batch | undefined;
      try {
        batch = spill.next();
      } catch (error) {
        this.#options.onSpillFailure(error);
        return "failed";
      }
      if (batch === undefined) return this.#giveUp(spill);
      const { count } = batch;
      const result = this.#options.commit(batch, wait);
      if (spill === this.#spill) this.#spilled -= count - batch.count;
      if (result !== "done") return result;
    }
    if (spill === this.#spill) this.#spill = undefined;
    try {
      spill.remove();
    } catch (error) {
      this.#options.onSpillFailure(error); // all of it is merged, which its header says: whoever finds it removes it
    }
    return "done";
  }

  /** Writes what was kept, and a marker for what was dropped; true when nothing is left. */
  #retry(wait: number): boolean {
    const { commit, markerOf } = this.#options;
    if (this.#isClear) return true;
    let result: CommitResult = this.#spill === undefined ? "done" : this.#merge(this.#spill, wait);
    if (result === "done" && !this.#kept.isDone) result = commit(this.#kept, wait);
    if (result !== "done") {
      this.#postpone(result);
      return false;
    }
    if (this.#dropped > 0) {
      const marker = markerOf(this.#dropped);
      this.#dropped = 0;
      this.keep(marker);
      return this.#retry(wait);
    }
    this.#recover();
    return true;
  }

  /** A spill that the disk does not give back stays where it is. */
  #giveUp(spill: Spill): CommitResult {
    this.#options.onSpillFailure(new Error(`${spill.path} cannot be read`));
    if (spill === this.#spill) {
      this.#spill = undefined;
      this.#options.onDrop(this.#spilled);
      this.#dropped += this.#spilled;
      this.#spilled = 0;
    }
    spill.close();
    return "done";
  }

  #recover(): void {
    unfinished.delete(this);
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

  #listenForExit(): void {
    unfinished.add(this);
    if (listensForExit) return;
    listensForExit = true;
    process.on("exit", () => {
      for (const delivery of unfinished) delivery.flushSync();
    });
  }
}
