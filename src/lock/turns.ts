import type { Clock } from "../platform/clock.js";
import { LONGEST_REMOTE_SLEEP_MS, REMOTE_CONTENTION_MS, REMOTE_TURN_ALONE_MS, REMOTE_TURN_MS } from "./lock-timing.js";

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * The turns of one writer on a network file system. Nobody sees there who waits, and a writer without pause takes the lock
 * again before a waiter of another host has asked: so it leaves the lock free for as long as a waiter sleeps, now and then.
 */
export class Turns {
  readonly #clock: Clock;
  #began = NEVER;
  #ended = NEVER;
  #contendedAt = NEVER;
  #notBefore = NEVER;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds for which the lock is others' to take; not positive when it may be asked for. */
  get pause(): number {
    return this.#notBefore === NEVER ? 0 : this.#notBefore - this.#clock.monotonic();
  }

  /** The lock was not free. */
  refused(): void {
    this.#contendedAt = this.#clock.monotonic();
    this.#ended = NEVER;
  }

  taken(): void {
    const now = this.#clock.monotonic();
    if (now - this.#ended >= LONGEST_REMOTE_SLEEP_MS) this.#began = now;
  }

  released(): void {
    const now = this.#clock.monotonic();
    const isContended = now - this.#contendedAt < REMOTE_CONTENTION_MS;
    const isOver = now - this.#began >= (isContended ? REMOTE_TURN_MS : REMOTE_TURN_ALONE_MS);
    this.#ended = now;
    this.#notBefore = isOver ? now + LONGEST_REMOTE_SLEEP_MS : NEVER;
  }
}
