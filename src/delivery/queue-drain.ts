import type { Spill } from "../spill/spill-file.js";
import type { CommitResult, DeliveryOptions } from "./delivery.js";
import { FIRST_RETRY, LONGEST_RETRY, MERE_TRY, TIDYING, TIMED_OUT, WAIT_AFTER_TIMEOUT } from "./delivery.js";
import type { Queue } from "./source.js";
import { Spilled } from "./spill-queue.js";

// Milliseconds between tries of a lock that is not free.
const FIRST_TRY_AGAIN = 1;
const LONGEST_TRY_AGAIN = 8;

export type DrainOptions = Pick<
  DeliveryOptions,
  "commit" | "onTimedOut" | "markerOf" | "createSpill" | "onSpillFailure" | "clock" | "lockTimeout" | "onLockTimeout"
>;

export interface DrainObserver {
  /** Called after each attempt to write. */
  readonly onProgress: () => void;
  /** How many records a spill had that the disk does not give back. */
  readonly onLost: (count: number) => void;
}

/**
 * Brings what waits in a queue into the file, in order. The lock is only tried, and when it is not free tried again
 * later, with the event loop free; when `lockTimeout` has passed, records go into a spill.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #queue: Queue;
  readonly #spilled: Spilled;
  readonly #onProgress: () => void;
  /** When the lock was first found taken. */
  #busySince: number | undefined;
  #delay = 0;
  #cancel: (() => void) | undefined;
  /** Records of a spill that the disk did not give back, and that have no marker yet. */
  #lost = 0;
  #isRunning = false;
  /** The last attempt failed; the next one is due later. */
  isStuck = false;

  constructor(options: DrainOptions, queue: Queue, { onProgress, onLost }: DrainObserver) {
    this.#options = options;
    this.#queue = queue;
    this.#spilled = new Spilled(options, (count) => {
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

  adopt(spill: Spill): boolean {
    return this.#spilled.adopt(spill, Math.min(TIDYING, this.#options.lockTimeout));
  }

  /**
   * Writes now what can be written; true when nothing is left.
   * @param wait for the lock, for each batch, in milliseconds
   */
  run(wait = MERE_TRY): boolean {
    if (this.#isRunning) return false; // a listener of an event of ours writes: the one that runs takes it along
    this.#isRunning = true;
    let result: CommitResult;
    try {
      result = this.#write(this.#isOutOfPatience ? Math.max(wait, WAIT_AFTER_TIMEOUT) : wait);
    } finally {
      this.#isRunning = false;
    }
    this.#plan(result);
    this.#onProgress();
    return result === "done" && this.pending === 0;
  }

  /** Runs in a while, unless the process ends before. */
  later(milliseconds: number): void {
    this.#cancel ??= this.#options.clock.after(milliseconds, () => {
      this.#cancel = undefined;
      this.run();
    });
  }

  #write(wait: number): CommitResult {
    let result = this.#spilled.merge(wait);
    while (result === "done") {
      const batch = this.#queue.take();
      if (batch === undefined) return this.#writeMarker(wait);
      try {
        result = this.#writeMarker(wait);
        if (result === "done") result = this.#options.commit(batch, wait);
      } finally {
        this.#queue.settle(batch, 0);
      }
    }
    if (result === "lock timeout" && wait !== MERE_TRY) this.#timeOut();
    return result;
  }

  #writeMarker(wait: number): CommitResult {
    const { dropped } = this.#queue;
    const count = this.#lost + dropped;
    if (count === 0) return "done";
    const result = this.#options.commit(this.#options.markerOf(count), wait);
    if (result !== "done") return result;
    this.#lost = 0;
    this.#queue.marked(dropped);
    return result;
  }

  #timeOut(): void {
    const { onTimedOut, onLockTimeout } = this.#options;
    if (onLockTimeout === "spill") this.#putAside();
    onTimedOut(TIMED_OUT[onLockTimeout]);
  }

  #putAside(): void {
    for (let batch = this.#queue.take(); batch !== undefined; batch = this.#queue.take()) {
      const isPut = this.#queue.mayPutAside() && this.#spilled.put(batch);
      if (isPut) batch.advanceTo(batch.end);
      this.#queue.settle(batch, this.#spilled.count);
      if (!isPut) return;
    }
  }

  get #isOutOfPatience(): boolean {
    const { clock, lockTimeout } = this.#options;
    return this.#busySince !== undefined && clock.monotonic() - this.#busySince >= lockTimeout;
  }

  /** When to try again, if at all. */
  #plan(result: CommitResult): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.isStuck = result !== "done";
    if (result !== "lock timeout") this.#busySince = undefined;
    if (result === "done") {
      this.#delay = 0;
      return;
    }
    const isBusy = result === "lock timeout";
    if (isBusy) this.#busySince ??= this.#options.clock.monotonic();
    const [first, longest] = isBusy ? [FIRST_TRY_AGAIN, LONGEST_TRY_AGAIN] : [FIRST_RETRY, LONGEST_RETRY];
    this.#delay = Math.min(Math.max(this.#delay * 2, first), longest);
    this.later(this.#delay);
  }
}
