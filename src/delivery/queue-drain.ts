import { Backoff } from "../base/backoff.js";
import {
  FIRST_QUEUE_RETRY_MS,
  LONGEST_QUEUE_RETRY_MS,
  NO_WAIT_MS,
  WAIT_AFTER_TIMEOUT_MS,
} from "../lock/lock-timing.js";
import type { Batch, CommitResult } from "../records/batch.js";
import { type DeliveryWriter, FIRST_RETRY_MS, LONGEST_RETRY_MS, TIMED_OUT } from "./delivery.js";
import { Spilled } from "./spill-queue.js";

/** Records that wait to be written, oldest first. */
export interface Queue {
  /** Records. */
  readonly count: number;
  /** The oldest ones, as many as are written under one lock; undefined when there are none. {@link settle} follows. */
  take(): Batch | undefined;
  /** The batch that was taken is to be put into a spill; false when it must not be, since it was taken over by others. */
  mayPutAside(): boolean;
  /**
   * What is written of the batch that was taken is forgotten, the rest is taken again next time.
   * @param spilled records in front of it that are in a spill
   * @param path of that spill
   */
  settle(batch: Batch, spilled: number, path?: string): void;
  /** Records that were dropped, and have no marker yet. */
  readonly dropped: number;
  /** There is a marker for so many of them now. */
  marked(count: number): void;
}

export interface DrainObserver {
  /** Called after each attempt to write. */
  readonly onProgress: () => void;
  /** How many records a spill had that the disk does not give back. */
  readonly onLost: (count: number) => void;
}

type DrainResult = ReturnType<Spilled["merge"]>;

/**
 * Brings what waits in a queue into the file, in order. The lock is only tried, and when it is not free tried again
 * later, with the event loop free; when `lockTimeout` has passed, records go into a spill.
 */
export class Drain {
  readonly #writer: DeliveryWriter;
  readonly #queue: Queue;
  readonly #spilled: Spilled;
  readonly #onProgress: () => void;
  /** When the lock was first found taken. */
  #busySince: number | undefined;
  readonly #busyRetries = new Backoff(FIRST_QUEUE_RETRY_MS, LONGEST_QUEUE_RETRY_MS);
  readonly #failureRetries = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
  #cancel: (() => void) | undefined;
  /** Records of a spill that the disk did not give back, and that have no marker yet. */
  #lost = 0;
  #isRunning = false;
  /** The last attempt failed; the next one is due later. */
  isStuck = false;

  constructor(writer: DeliveryWriter, queue: Queue, { onProgress, onLost }: DrainObserver) {
    this.#writer = writer;
    this.#queue = queue;
    this.#spilled = new Spilled(writer, (count) => {
      this.#lost += count;
      onLost(count);
    });
    this.#onProgress = onProgress;
  }

  /** Records that are not in the file yet. */
  get pending(): number {
    return this.#spilled.count + this.#queue.count;
  }

  get spilled(): number {
    return this.#spilled.count;
  }

  /** Records of a thread that was lost, older than all that are in the queue. */
  inherit(path: string, count: number): void {
    this.#spilled.inherit(path, count);
  }

  /**
   * Writes now what can be written; true when nothing is left.
   * @param wait for the lock, for each batch, in milliseconds
   */
  run(wait = NO_WAIT_MS): boolean {
    if (this.#isRunning) return false; // a listener of an event of ours writes: the one that runs takes it along
    this.#isRunning = true;
    let result: DrainResult;
    try {
      result = this.#write(this.#isOutOfPatience ? Math.max(wait, WAIT_AFTER_TIMEOUT_MS) : wait);
    } finally {
      this.#isRunning = false;
    }
    this.#plan(result);
    this.#onProgress();
    return result === "done" && this.pending === 0;
  }

  /** Runs in a while, unless the process ends before. */
  later(milliseconds: number): void {
    this.#cancel ??= this.#writer.clock.after(milliseconds, () => {
      this.#cancel = undefined;
      this.run();
    });
  }

  #write(wait: number): DrainResult {
    let result: DrainResult = this.#spilled.merge(wait);
    while (result === "done") {
      const batch = this.#queue.take();
      if (batch === undefined) return this.#writeMarker(wait);
      try {
        result = this.#writeMarker(wait);
        if (result === "done") result = this.#writer.commit(batch, wait);
      } finally {
        this.#queue.settle(batch, 0);
      }
    }
    if (result === "lock timeout" && wait !== NO_WAIT_MS) this.#timeOut();
    return result;
  }

  #writeMarker(wait: number): CommitResult {
    const { dropped } = this.#queue;
    const count = this.#lost + dropped;
    if (count === 0) return "done";
    const result = this.#writer.commit(this.#writer.markerOf(count), wait);
    if (result !== "done") return result;
    this.#lost = 0;
    this.#queue.marked(dropped);
    return result;
  }

  #timeOut(): void {
    const { onLockTimeout } = this.#writer.options;
    if (onLockTimeout === "spill") this.#putAside();
    this.#writer.noteLockTimeout(TIMED_OUT[onLockTimeout]);
  }

  #putAside(): void {
    for (let batch = this.#queue.take(); batch !== undefined; batch = this.#queue.take()) {
      const isPut = this.#queue.mayPutAside() && this.#spilled.put(batch);
      if (isPut) batch.advanceTo(batch.end);
      this.#queue.settle(batch, this.#spilled.count, this.#spilled.path);
      if (!isPut) return;
    }
  }

  get #isOutOfPatience(): boolean {
    const { clock, options } = this.#writer;
    return this.#busySince !== undefined && clock.monotonic() - this.#busySince >= options.lockTimeout;
  }

  /** When to try again, if at all. */
  #plan(result: DrainResult): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.isStuck = result !== "done";
    if (result !== "lock timeout") this.#busySince = undefined;
    if (result === "done") {
      this.#busyRetries.reset();
      this.#failureRetries.reset();
      return;
    }
    if (result === "unfinished") {
      this.later(0);
      return;
    }
    const isBusy = result === "lock timeout";
    if (isBusy) this.#busySince ??= this.#writer.clock.monotonic();
    this.later((isBusy ? this.#busyRetries : this.#failureRetries).next());
  }
}
