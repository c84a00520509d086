import { sleepWhile } from "../platform/clock.js";

/*
 * What the thread that logs and the thread that releases have in common: 32-bit words in shared memory. The states and who
 * may change them are in docs/concepts/lease.md.
 */

/** The lock is not kept. */
const FREE = 0;
/** The lock is kept, and nothing is being done under it: either thread may take it over. */
const IDLE = 1;
/** The thread that logs works under the lock. */
const BUSY = 2;
/** The other thread is releasing the lock. */
const GIVING = 3;

/** Locks that may be kept at once; others are released at once. */
export const SLOTS = 64;

// Words of the whole.
const BELL = 0;
const ASLEEP = 1;
const LOOKS = 2;
// Words of each slot, behind those.
const FIRST = 4;
const WORDS = 4;
const STATE = 0;
const FD = 1;
const NUMBER = 2;

/** Milliseconds between two looks: a lease that is seen at two of them is released. */
const LOOK_MS = 1;

/** Looks without a lease, after which the thread sleeps until there is one. */
const VAIN_LOOKS = 4;

/** The half of the thread that logs. */
export class LeaseMemory {
  readonly shared = new SharedArrayBuffer((FIRST + SLOTS * WORDS) * Int32Array.BYTES_PER_ELEMENT);
  readonly #words = new Int32Array(this.shared);

  /** Looks of the other thread so far; 0 until it has started. */
  get looks(): number {
    return Atomics.load(this.#words, LOOKS);
  }

  /** Waits until the other thread has started, for at most so many milliseconds. */
  waitForStart(milliseconds: number): void {
    sleepWhile(this.#words, LOOKS, 0, milliseconds);
  }

  get isAsleep(): boolean {
    return Atomics.load(this.#words, ASLEEP) === 1;
  }

  /** BUSY -> IDLE, as a new lease: the lock is kept from now on. */
  begin(slot: number, fd: number): void {
    const at = FIRST + slot * WORDS;
    Atomics.store(this.#words, at + FD, fd);
    Atomics.add(this.#words, at + NUMBER, 1);
    Atomics.store(this.#words, at + STATE, IDLE);
    if (Atomics.exchange(this.#words, ASLEEP, 0) === 0) return;
    Atomics.add(this.#words, BELL, 1);
    Atomics.notify(this.#words, BELL);
  }

  /** BUSY -> IDLE. */
  keep(slot: number): void {
    Atomics.store(this.#words, FIRST + slot * WORDS, IDLE);
  }

  /** IDLE -> BUSY; false when the other thread was first. */
  resume(slot: number): boolean {
    return Atomics.compareExchange(this.#words, FIRST + slot * WORDS, IDLE, BUSY) === IDLE;
  }

  /** BUSY -> FREE. */
  end(slot: number): void {
    Atomics.store(this.#words, FIRST + slot * WORDS, FREE);
  }

  /** Waits until the other thread has released the lock; false when it does not, within so many milliseconds. */
  waitWhileGiving(slot: number, milliseconds: number): boolean {
    const at = FIRST + slot * WORDS;
    sleepWhile(this.#words, at, GIVING, milliseconds);
    return Atomics.load(this.#words, at) !== GIVING;
  }
}

/** The half of the thread that releases: never returns. */
export function release(shared: SharedArrayBuffer, unlock: (fd: number) => void): never {
  const words = new Int32Array(shared);
  const seen = new Int32Array(SLOTS);
  const look = () => {
    let isAny = false;
    for (let slot = 0, at = FIRST; slot < SLOTS; slot++, at += WORDS) {
      const state = Atomics.load(words, at + STATE);
      if (state === FREE) continue;
      isAny = true;
      const number = Atomics.load(words, at + NUMBER);
      if (number !== seen[slot]) seen[slot] = number;
      else if (Atomics.compareExchange(words, at + STATE, IDLE, GIVING) === IDLE) {
        unlock(Atomics.load(words, at + FD));
        Atomics.store(words, at + STATE, FREE);
        Atomics.notify(words, at + STATE);
      }
    }
    Atomics.add(words, LOOKS, 1);
    return isAny;
  };
  look();
  Atomics.notify(words, LOOKS);
  for (let vain = 0; ; ) {
    vain = look() ? 0 : vain + 1;
    const bell = Atomics.load(words, BELL);
    if (vain < VAIN_LOOKS) {
      sleepWhile(words, BELL, bell, LOOK_MS);
      continue;
    }
    Atomics.store(words, ASLEEP, 1);
    if (!look()) sleepWhile(words, BELL, bell, Number.POSITIVE_INFINITY);
    Atomics.store(words, ASLEEP, 0);
    vain = 0;
  }
}
