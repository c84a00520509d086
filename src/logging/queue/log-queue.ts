import { LogFileError } from "../../base/errors.js";
import { shareClass } from "../../base/shared-state.js";
import type { WaitOptions } from "../../options/options.js";
import { signalOf } from "../../options/validation.js";
import { nextTurn, systemClock } from "../../platform/clock.js";
import { refuseUnknown } from "../known-options.js";

/** Options of {@link LogQueue}. */
export interface LogQueueOptions {
  /**
   * How many records may wait.
   * @default 10000
   */
  readonly capacity?: number | undefined;
  /**
   * What a log call does that finds the queue full: deliver the records that wait, at once, and lose none; or drop its
   * own, which is counted, and told of by a record of its own when there is room again. While there is nobody to deliver
   * to, a full queue drops in either case; what handlers themselves tell while they are given records is let in.
   * @default "deliver"
   */
  readonly onFull?: "deliver" | "drop" | undefined;
}

const AT_ONCE = 500; // records of one turn of the event loop
const ROUNDS = 8; // of records that are told while others are delivered

/**
 * Records that wait to be delivered, in order: off the log call, in later turns of the event loop. What waits when the
 * process ends is delivered then.
 */
export class LogQueue<Item> {
  static {
    shareClass(LogQueue, "LogQueue");
  }

  /** How many records may wait. */
  readonly capacity: number;
  /** What a log call does that finds the queue full. */
  readonly onFull: "deliver" | "drop";
  /** Whether who takes the items will ask for the file or line of log calls; a listener knows. */
  needsCaller: () => boolean = () => true;
  #items: Item[] = [];
  #next = 0;
  #deliver: ((item: Item) => void) | undefined;
  #isAtOnce = false;
  #isScheduled = false;
  #isDelivering = false;
  #put = 0;
  #dropped = 0;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option */
  constructor(options: LogQueueOptions = {}) {
    refuseUnknown(options, ["capacity", "onFull"]);
    const { capacity = 10_000, onFull = "deliver" } = options;
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw refused("capacity", "a whole number, 1 or more", capacity);
    if (onFull !== "deliver" && onFull !== "drop") throw refused("onFull", '"deliver" or "drop"', onFull);
    this.capacity = capacity;
    this.onFull = onFull;
  }

  /** How many wait. */
  get size(): number {
    return this.#items.length - this.#next;
  }

  /** How many were dropped, since the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds one at the end; false when it was dropped. */
  put(item: Item): boolean {
    const mayDrop = this.onFull === "drop" || this.#deliver === undefined;
    if (this.size >= this.capacity && !mayDrop) this.deliverNow();
    if (this.size >= this.capacity && mayDrop) {
      this.#dropped++;
      return false;
    }
    this.#items.push(item);
    this.#put++;
    if (this.#isAtOnce) this.deliverNow();
    this.#schedule();
    return true;
  }

  /**
   * Says who is given the items from now on; undefined = they wait.
   * @param atOnce when they are put, since the process ends and there will be no later turn
   */
  deliverTo(deliver: ((item: Item) => void) | undefined, atOnce = false): void {
    this.#deliver = deliver;
    this.#isAtOnce = atOnce;
    this.#schedule();
  }

  /** Delivers all that wait, and what is told while that is done. */
  deliverNow(): void {
    for (let round = 0; round < ROUNDS && this.size > 0; round++) this.#deliverSome(this.size);
  }

  /**
   * Resolves when all that has been put before is delivered; at once when there is nobody to deliver to.
   * @param options `signal`: ends the wait, with its reason; what waits is delivered all the same
   */
  async flush(options?: WaitOptions): Promise<void> {
    const signal = signalOf(options);
    const last = this.#put;
    while (this.#deliver !== undefined && this.#put - this.size < last) {
      await nextTurn();
      signal?.throwIfAborted();
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#deliver === undefined || this.size === 0) return;
    this.#isScheduled = true;
    systemClock.soon(() => {
      this.#isScheduled = false;
      try {
        this.#deliverSome(AT_ONCE);
      } finally {
        this.#schedule();
      }
    });
  }

  #deliverSome(count: number): void {
    if (this.#isDelivering) return; // a handler has told something while it was given a record
    this.#isDelivering = true;
    try {
      for (let n = Math.min(count, this.size); n > 0 && this.#deliver !== undefined; n--) this.#deliver(this.#take());
    } finally {
      this.#isDelivering = false;
    }
  }

  #take(): Item {
    const item = this.#items[this.#next++]!;
    if (this.#next === this.#items.length) {
      this.#items = [];
      this.#next = 0;
    } else if (this.#next > AT_ONCE && this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next); // those before are delivered, and shall not stay in memory
      this.#next = 0;
    }
    return item;
  }
}

function refused(option: string, expected: string, value: unknown): LogFileError {
  const message = `Expected the option \`${option}\` to be ${expected}, got ${JSON.stringify(value)}.`;
  return new LogFileError("ERR_CLH_OPTION", message, { option, value });
}
