import { type Clock, nextTurn } from "../platform/clock.js";

/** After so long a turn others have theirs: a loop of promises that are kept at once lets in no timer, I/O or signal. */
const LONGEST_TURN_MS = 10;

/** How long this turn of the event loop has lasted, since a promise was first waited for in it. */
export class Turn {
  readonly #clock: Clock;
  #since: number | undefined;
  #next: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settles as `work` does: at once while the turn is short, and else in the next one. */
  async after(work: Promise<void>): Promise<void> {
    try {
      await work;
    } finally {
      await this.#letOthersIn();
    }
  }

  async #letOthersIn(): Promise<void> {
    const now = this.#clock.monotonic();
    if (this.#since === undefined) {
      this.#since = now;
      this.#clock.soon(() => {
        this.#since = this.#next = undefined;
      });
    } else if (now - this.#since > LONGEST_TURN_MS) {
      this.#next ??= nextTurn();
      await this.#next;
    }
  }
}
