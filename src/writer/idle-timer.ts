import type { Clock } from "../platform/clock.js";

// Milliseconds within which an idle process closes a file that another has rotated: shippers want it to be gone.
const LETTING_GO = 4000;
const FIRST_LOOK = 1000;

export interface IdleWatchOptions {
  readonly clock: Clock;
  /** Closes the file if it was rotated by others; true while one is open. */
  readonly letGo: () => boolean;
  /** Rotates when that is due; undefined when a process that does not write is not to. */
  readonly rotate: (() => void) | undefined;
  /** When a rotation is due, seconds since 1970; NaN when that is not known yet. */
  readonly boundary: () => number;
}

/** Looks after a process that does not write: it lets go of a rotated file, and rotates in time if asked to. */
export class IdleWatch {
  readonly #options: IdleWatchOptions;
  #cancel: (() => void) | undefined;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, letGo, rotate } = this.#options;
    this.stop();
    this.#cancel = clock.after(rotate === undefined ? LETTING_GO : Math.min(LETTING_GO, this.#untilDue()), () => {
      const isOpen = letGo();
      if (this.#isDue) rotate?.();
      if (isOpen || rotate !== undefined) this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  get #isDue(): boolean {
    return !(this.#options.clock.now() / 1000 < this.#options.boundary()); // true for NaN
  }

  #untilDue(): number {
    return this.#isDue ? FIRST_LOOK : this.#options.boundary() * 1000 - this.#options.clock.now();
  }
}
