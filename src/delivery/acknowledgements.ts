import { LogFileError } from "../errors.js";
import type { Clock } from "../platform/clock.js";

interface Waiter {
  /** Records from the beginning. */
  readonly upTo: number;
  /** True when it waits for the last of these only. */
  readonly isForOne: boolean;
  lost: number;
  readonly settle: (error?: LogFileError) => void;
}

/** Promises that are kept when so many records have left the queue, in order. */
export class Acknowledgements {
  readonly #clock: Clock;
  readonly #path: string;
  #waiters: Waiter[] = [];
  #out = 0;

  constructor(clock: Clock, path: string) {
    this.#clock = clock;
    this.#path = path;
  }

  get isWaitedFor(): boolean {
    return this.#waiters.length > 0;
  }

  /**
   * Resolves when record `upTo`, counted from 1, and all before it are in the file. The process is kept alive.
   * @param isForOne do not reject because of earlier records
   * @param lost records that the caller knows not to be in the file
   * @param patience milliseconds
   * @throws {LogFileError} `ERR_CLH_FLUSH` when none was written for so long, or some of them were dropped
   */
  wait(upTo: number, isForOne: boolean, lost: number, patience: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let seen = this.#out;
      const look = () => {
        if (this.#out === seen) {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          const count = isForOne ? 1 : upTo - this.#out;
          reject(this.#failure(`${count} records could not be written`, "They are kept in memory and tried again."));
          return;
        }
        seen = this.#out; // many records take their time
        cancel = this.#clock.after(patience, look, true);
      };
      let cancel = this.#clock.after(patience, look, true);
      const settle = (error?: LogFileError) => {
        cancel();
        if (error === undefined) resolve();
        else reject(error);
      };
      const waiter: Waiter = { upTo, isForOne, lost, settle };
      this.#waiters.push(waiter);
      this.#settle();
    });
  }

  /** The next `count` records were dropped. */
  dropped(count: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.isForOne ? waiter.upTo <= this.#out + count : waiter.upTo > this.#out) waiter.lost += count;
    }
    this.advance(this.#out + count);
  }

  /** The first `out` records have left the queue; true when these are more than before. */
  advance(out: number): boolean {
    const isProgress = out > this.#out;
    this.#out = out;
    if (this.isWaitedFor) this.#settle();
    return isProgress;
  }

  #settle(): void {
    const ready = this.#waiters.filter(({ upTo }) => upTo <= this.#out);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ upTo }) => upTo > this.#out);
    for (const { lost, settle } of ready) {
      settle(lost === 0 ? undefined : this.#failure(`${lost} records were dropped`, "The queue was full."));
    }
  }

  #failure(what: string, why: string): LogFileError {
    return new LogFileError("ERR_CLH_FLUSH", `${what}: they are not in ${this.#path}. ${why}`, { path: this.#path });
  }
}
