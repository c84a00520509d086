import { advice, hasCode, LogFileError, reason } from "../base/errors.js";
import type { Clock } from "../platform/clock.js";
import type { LockBackend } from "../platform/lock-backend.js";
import type { LockFile } from "./lock-file.js";

// A holder needs microseconds, so a waiter first asks again at once; then it sleeps, longer each time, since every
// waiter that wakes up in vain takes its time from the holder. Measured with 2, 4 and 8 processes: 0.90 to 0.99 of the
// records per second of one process; 50 tries and 0.02 to 1 ms of sleep had 0.82 to 0.85.
const TRIES_WITHOUT_SLEEP = 10;
const FIRST_SLEEP = 0.2;
const LONGEST_SLEEP = 8;
const FIRST_DELAY = 1;
const LONGEST_DELAY = 20;

// How long a lock file that was seen to be the one at its path is believed to be so, in milliseconds. It spares the
// second stat of a writer that logs without pause; a rotation always asks. See docs/concepts/locking.md.
const TRUST = 1;

// A lock file that is replaced again and again is as good as held by another.
const REPLACEMENTS = 10;

/** Locks that this thread holds now: a second lock on such a file could only wait for itself. */
const heldHere: FileLock[] = [];

/** The lock that all writers of one log share: one per handler, each with an open of its own. Not reentrant. */
export class FileLock {
  readonly #file: LockFile;
  readonly #backend: LockBackend;
  readonly #clock: Clock;
  #seenCurrent = Number.NEGATIVE_INFINITY;
  /** How often the lock was not free at the first try. */
  waits = 0;

  constructor(file: LockFile, backend: LockBackend, clock: Clock) {
    this.#file = file;
    this.#backend = backend;
    this.#clock = clock;
  }

  get path(): string {
    return this.#file.path;
  }

  /**
   * Takes the lock, blocking this thread for at most `wait` milliseconds; false when others kept it.
   * @throws {LogFileError} `ERR_CLH_LOCK` when the lock file cannot be opened or locked at all.
   */
  acquire(wait: number): boolean {
    if (this.tryAcquire()) return true;
    this.waits++;
    if (wait <= 0 || this.isHeldByThisThread) return false;
    const deadline = this.#clock.monotonic() + wait;
    if (this.#tryOften()) return true;
    for (let sleep = FIRST_SLEEP; ; sleep = Math.min(sleep * 2, LONGEST_SLEEP)) {
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) return false;
      this.#clock.sleep(Math.min(sleep, left));
      // One that has waited long asks in earnest: a writer without pause leaves the lock free a third of the time.
      if (sleep < LONGEST_SLEEP ? this.tryAcquire() : this.#tryOften()) return true;
    }
  }

  /** As {@link acquire}, with the event loop free while it waits. */
  async acquireAsync(wait: number): Promise<boolean> {
    const deadline = this.#clock.monotonic() + wait;
    for (let delay = FIRST_DELAY; !this.tryAcquire(); delay = Math.min(delay * 2, LONGEST_DELAY)) {
      this.waits++;
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) return false;
      await this.#clock.delay(Math.min(delay, left));
    }
    return true;
  }

  /**
   * Takes the lock if it is free.
   * @throws {LogFileError} `ERR_CLH_LOCK` when the lock file cannot be opened or locked at all.
   */
  tryAcquire(): boolean {
    try {
      for (let times = 0; times < REPLACEMENTS; times++) {
        const locked = this.#tryLock();
        if (this.#isCurrent()) {
          if (locked) heldHere.push(this);
          return locked;
        }
        this.close(); // and with it the lock on a file that is no longer the lock file
      }
      return false;
    } catch (cause) {
      this.close();
      const message = `Cannot lock ${this.path}: ${reason(cause)}. ${advice(cause)}What waits for it is kept, and tried again.`;
      throw new LogFileError("ERR_CLH_LOCK", message, { cause, path: this.path });
    }
  }

  /** With the lock held: is it still the lock that everybody else would take? Asks the disk. */
  isStillShared(): boolean {
    this.#seenCurrent = Number.NEGATIVE_INFINITY;
    return this.#isCurrent();
  }

  /** Never throws: a lock that cannot be released is closed, which releases it. */
  release(): void {
    if (heldHere.at(-1) === this) heldHere.pop();
    else heldHere.splice(heldHere.lastIndexOf(this), 1);
    try {
      this.#backend.unlock(this.#file.fd);
    } catch {
      this.close(); // whatever the code: the file system may be gone under us
    }
  }

  close(): void {
    this.#seenCurrent = Number.NEGATIVE_INFINITY;
    this.#file.close();
  }

  #tryLock(): boolean {
    try {
      return this.#backend.tryLock(this.#file.open());
    } catch (error) {
      // The server of a network file system does not know this open any more: it was started again, or another host has
      // deleted the file. A fresh one may do; if not, that is the failure.
      if (!hasCode(error, "ESTALE", "EIO")) throw error;
      this.close();
      return this.#backend.tryLock(this.#file.open());
    }
  }

  #tryOften(): boolean {
    for (let tries = 0; tries < TRIES_WITHOUT_SLEEP; tries++) if (this.tryAcquire()) return true;
    return false;
  }

  #isCurrent(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#seenCurrent < TRUST) return true;
    if (!this.#file.isCurrent()) return false;
    this.#seenCurrent = now;
    return true;
  }

  /** By another handler of the same log: a namer or rotator of that one is under way. */
  get isHeldByThisThread(): boolean {
    return heldHere.some((lock) => lock.path === this.path);
  }
}

/**
 * Runs `body` with the lock held; false when the lock could not be had within `wait` milliseconds. The only place
 * where the lock of a log is taken. What runs inside says so, does nothing slow, and never awaits.
 */
export function withLock(lock: FileLock, wait: number, body: () => void): boolean {
  if (!lock.acquire(wait)) return false;
  try {
    body();
  } finally {
    lock.release();
  }
  return true;
}
