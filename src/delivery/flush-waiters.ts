import { LogFileError } from "../base/errors.js";
import type { Clock } from "../platform/clock.js";
import { onAbort } from "./abort.js";

/** Milliseconds: by more than this is nothing late in a process that runs. One that was stopped had no time to write. */
export const LATE = 200;

interface Waiter {
  /** Records from the beginning. */
  readonly upTo: number;
  lost: number;
  isSettled: boolean;
  /** Has an effect once. */
  readonly settle: (error?: LogFileError) => void;
}

/** In the order of the records that they wait for; those at both ends are not settled. There may be many. */
class Waiters {
  readonly #all: Waiter[] = [];
  #first = 0;

  get areSome(): boolean {
    return this.#first < this.#all.length;
  }

  add(waiter: Waiter): void {
    this.#all.push(waiter);
  }

  /** Takes the first, when it waits for no record behind this one. */
  next(upTo: number): Waiter | undefined {
    const waiter = this.#all[this.#first];
    if (waiter === undefined || waiter.upTo > upTo) return undefined;
    this.#first++;
    this.tidy();
    return waiter;
  }

  /** Those that wait for a record behind this one. */
  *behind(record: number): Iterable<Waiter> {
    let low = this.#first;
    for (let high = this.#all.length; low < high; ) {
      const middle = Math.floor((low + high) / 2);
      if (this.#all[middle]!.upTo > record) high = middle;
      else low = middle + 1;
    }
    for (; low < this.#all.length; low++) yield this.#all[low]!;
  }

  /** To be called when some were settled. */
  tidy(): void {
    while (this.#all[this.#first]?.isSettled) this.#first++;
    while (this.areSome && this.#all.at(-1)!.isSettled) this.#all.pop();
    if (this.#first * 2 < this.#all.length) return;
    this.#all.splice(0, this.#first);
    this.#first = 0;
  }
}

/** Promises that are kept when so many records have left the queue, in order. */
export class Acknowledgements {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #proceed: () => void;
  /** Who waits for one record, whatever becomes of others. */
  readonly #ones = new Waiters();
  /** Who waits for all up to one. */
  readonly #alls = new Waiters();
  /** Records from the beginning that have left the queue. */
  #out = 0;
  /** Of those that were dropped while older ones wait: behind which record, and how many. */
  #gaps: { readonly after: number; count: number }[] = [];

  /** @param proceed looks at what has left the queue, and calls {@link advance} */
  constructor(clock: Clock, path: string, proceed: () => void) {
    this.#clock = clock;
    this.#path = path;
    this.#proceed = proceed;
  }

  get isWaitedFor(): boolean {
    return this.#ones.areSome || this.#alls.areSome;
  }

  /**
   * Resolves when record `upTo`, counted from 1, and all before it are in the file. The process is kept alive.
   * @param isForOne do not reject because of earlier records
   * @param lost records that the caller knows not to be in the file
   * @param patience milliseconds
   * @throws {LogFileError} `ERR_CLH_FLUSH` when none was written for so long, or some of them were dropped
   * @throws the reason of `signal` when that is aborted before
   */
  wait(upTo: number, isForOne: boolean, lost: number, patience: number, signal?: AbortSignal): Promise<void> {
    const waiters = isForOne ? this.#ones : this.#alls;
    return new Promise((resolve, reject) => {
      let seen = this.#out;
      let wasLate = false;
      let due = this.#clock.monotonic() + patience;
      const look = () => {
        this.#proceed(); // a thread that was busy has heard of nothing
        if (waiter.isSettled) return;
        const isLate = !wasLate && this.#clock.monotonic() - due > LATE;
        if (this.#out === seen && !isLate) {
          const count = isForOne ? 1 : upTo - this.#out - this.#missing(upTo);
          waiter.settle(
            this.#failure(`${count} records could not be written`, "They are kept in memory and tried again."),
          );
          waiters.tidy();
          return;
        }
        seen = this.#out; // many records take their time
        wasLate = isLate;
        due = this.#clock.monotonic() + patience;
        cancel = this.#clock.after(patience, look, true);
      };
      let cancel = this.#clock.after(patience, look, true);
      let forget = () => {};
      const end = (tell: () => void) => {
        waiter.isSettled = true;
        cancel();
        forget();
        tell();
      };
      const waiter: Waiter = {
        upTo,
        lost,
        isSettled: false,
        settle: (error) => end(error === undefined ? resolve : () => reject(error)),
      };
      waiters.add(waiter);
      this.#settle();
      if (waiter.isSettled) return;
      forget = onAbort(signal, () => {
        end(() => reject(signal!.reason));
        waiters.tidy();
      });
    });
  }

  /** The `count` records behind record `after` were dropped; the oldest that wait, where it is not said. */
  dropped(count: number, after = this.#out): void {
    for (const waiter of this.#ones.behind(after)) {
      if (waiter.upTo > after + count) break;
      waiter.settle(this.#dropFailure(1));
    }
    this.#ones.tidy();
    for (const waiter of this.#alls.behind(after)) waiter.lost += count;
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
    for (const waiters of [this.#ones, this.#alls]) {
      for (let waiter = waiters.next(this.#out); waiter !== undefined; waiter = waiters.next(this.#out)) {
        waiter.settle(waiter.lost === 0 ? undefined : this.#dropFailure(waiter.lost));
      }
    }
  }

  #dropFailure(count: number): LogFileError {
    return this.#failure(`${count} records were dropped`, "The queue was full.");
  }

  #failure(what: string, why: string): LogFileError {
    return new LogFileError("ERR_CLH_FLUSH", `${what}: they are not in ${this.#path}. ${why}`, { path: this.#path });
  }
}
