import { LogFileError } from "../errors.js";
import type { Clock } from "../platform/clock.js";

/** Milliseconds: by more than this is nothing late in a process that runs. One that was stopped had no time to write. */
export const LATE = 200;

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
  /** Records from the beginning that have left the queue. */
  #out = 0;
  /** Of those that were dropped while older ones wait: behind which record, and how many. */
  #gaps: { readonly after: number; count: number }[] = [];

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
      let wasLate = false;
      let due = this.#clock.monotonic() + patience;
      const look = () => {
        const isLate = !wasLate && this.#clock.monotonic() - due > LATE;
        if (this.#out === seen && !isLate) {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          const count = isForOne ? 1 : upTo - this.#out - this.#missing(upTo);
          reject(this.#failure(`${count} records could not be written`, "They are kept in memory and tried again."));
          return;
        }
        seen = this.#out; // many records take their time
        wasLate = isLate;
        due = this.#clock.monotonic() + patience;
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

  /** The `count` records behind record `after` were dropped; the oldest that wait, where it is not said. */
  dropped(count: number, after = this.#out): void {
    const isOneOfThem = ({ isForOne, upTo }: Waiter) => isForOne && upTo > after && upTo <= after + count;
    const theirs = this.#waiters.filter(isOneOfThem);
    if (theirs.length > 0) this.#waiters = this.#waiters.filter((waiter) => !isOneOfThem(waiter));
    for (const { settle } of theirs) settle(this.#dropFailure(1));
    for (const waiter of this.#waiters) if (!waiter.isForOne && waiter.upTo > after) waiter.lost += count;
    const last = this.#gaps.at(-1);
    if (last !== undefined && last.after + last.count === after) last.count += count;
    else this.#gaps.push({ after, count });
  }

  /** So many records have left the queue, those that were dropped included; true when more are in order than before. */
  advance(left: number): boolean {
    let out = left - this.#missing(Infinity);
    while (this.#gaps.length > 0 && this.#gaps[0]!.after <= out) out += this.#gaps.shift()!.count;
    const isProgress = out > this.#out;
    if (isProgress) this.#out = out;
    if (this.isWaitedFor) this.#settle();
    return isProgress;
  }

  /** Records up to this one that are in {@link #gaps}. */
  #missing(upTo: number): number {
    return this.#gaps.reduce((sum, { after, count }) => (after < upTo ? sum + count : sum), 0);
  }

  #settle(): void {
    const ready = this.#waiters.filter(({ upTo }) => upTo <= this.#out);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ upTo }) => upTo > this.#out);
    for (const { lost, settle } of ready) settle(lost === 0 ? undefined : this.#dropFailure(lost));
  }

  #dropFailure(count: number): LogFileError {
    return this.#failure(`${count} records were dropped`, "The queue was full.");
  }

  #failure(what: string, why: string): LogFileError {
    return new LogFileError("ERR_CLH_FLUSH", `${what}: they are not in ${this.#path}. ${why}`, { path: this.#path });
  }
}
