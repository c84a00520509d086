import { Backoff } from "../base/backoff.js";
import { LogFileError } from "../base/errors.js";
import { sharedState } from "../base/shared-state.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import type { Clock } from "../platform/clock.js";
import { endLeasesOf, Lease } from "./lease.js";
import type { LockFile } from "./lock-file.js";
import {
  FIRST_REMOTE_SLEEP_MS,
  FIRST_SLEEP_MS,
  IMPATIENT_REMOTE_SLEEP_MS,
  LOCK_FILE_TRUST_MS,
  LONGEST_REMOTE_SLEEP_MS,
  LONGEST_SLEEP_AS_NEXT_MS,
  LONGEST_SLEEP_MS,
  REMOTE_PATIENCE_MS,
  SMB_RESTART_GRACE_MS,
  TRIES_WITHOUT_SLEEP,
  WAIT_AS_NEXT_MS,
} from "./lock-timing.js";
import { Turns } from "./turns.js";
import { WaitingLine } from "./waiting-line.js";

// A lock file that is replaced again and again is as good as held by another.
const REPLACEMENTS = 10;

// Codes by which a client refuses a file that it had open before its server went.
const SERVER_WENT = ["ESTALE", "EIO", "EBADF", "EAGAIN", "EHOSTDOWN", "ECONNABORTED", "ENOTCONN"];

/** Locks that this thread holds now, by all copies of this package: a second lock on such a file could only wait for itself. */
const heldHere = sharedState("held locks", 1, (): { readonly path: string }[] => []);

/** The lock that all writers of one log share: one per handler, each with an open of its own. Not reentrant. */
export class FileLock {
  readonly #file: LockFile;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #line: WaitingLine;
  readonly #lease: Lease | undefined;
  #seenCurrent = Number.NEGATIVE_INFINITY;
  #askedAt = 0;
  /** When other hosts have repeated the writes that their server has not answered; undefined when no server went. */
  #safeFrom: number | undefined;
  /** How often the lock was not free at the first try. */
  waits = 0;
  /** With the lock held: it was so since it was last held, and nobody else has had it. */
  isContinued = false;
  /** To be set with the lock held, when what was done can go on without looking: the lock may be kept a little longer. */
  mayBeKept = false;

  /** @param hasLeases the lock is taken again and again, and may be kept in between */
  constructor(file: LockFile, clock: Clock, hasLeases = false) {
    this.#file = file;
    this.#clock = clock;
    this.#turns = new Turns(clock);
    this.#line = new WaitingLine(file, clock);
    const unlock = () => this.#unlock();
    const abandon = () => {
      this.#unlock();
      file.abandon();
      this.close();
    };
    if (hasLeases) this.#lease = new Lease(file.path, clock, unlock, abandon);
  }

  get path(): string {
    return this.#file.path;
  }

  /**
   * Takes the lock, blocking this thread for at most `wait` milliseconds; false when others kept it, or have their turn.
   * Then our place in the line is kept for the next time.
   * @throws {LogFileError} `ERR_CLH_LOCK` when the lock file cannot be opened or locked at all.
   */
  acquire(wait: number): boolean {
    // With a shorter wait, the lock would never be had in time.
    const isOthersTurn = (wait < 0 || wait > LONGEST_REMOTE_SLEEP_MS) && this.#turns.pause > 0;
    if (!isOthersTurn) {
      if (this.tryAcquire()) return true;
      if (endLeasesOf(this.path) && this.tryAcquire()) return true;
      this.waits++;
    }
    if (this.isHeldByThisThread) return false;
    if (!this.#file.isRemote) return this.#acquireHere(wait);
    return wait > 0 && this.#acquireRemotely(wait, isOthersTurn ? this.#turns.pause : 0);
  }

  #acquireHere(wait: number): boolean {
    const start = this.#clock.monotonic();
    if (wait > 0 && this.#tryOften()) return true;
    const backoff = new Backoff(FIRST_SLEEP_MS, LONGEST_SLEEP_MS);
    for (let sleep = 0; ; ) {
      this.#line.enter();
      // One that has waited long asks in earnest: a writer that is in no line leaves the lock free for moments only.
      const longest = this.#line.isNext ? LONGEST_SLEEP_AS_NEXT_MS : LONGEST_SLEEP_MS;
      if (sleep < longest ? this.tryAcquire() : this.#tryOften()) return true;
      sleep = this.#line.isEntered ? this.#line.pause() : backoff.next();
      const end = start + (this.#line.isNext ? Math.max(wait, WAIT_AS_NEXT_MS) : wait);
      const left = end - this.#clock.monotonic();
      if (left <= 0) break;
      this.#clock.sleep(Math.min(sleep, left));
    }
    this.#line.stepBack();
    return false;
  }

  /** @param pause milliseconds for which the lock is left to others */
  #acquireRemotely(wait: number, pause: number): boolean {
    const deadline = this.#clock.monotonic() + wait;
    if (pause > 0) {
      this.#clock.sleep(pause);
      if (this.tryAcquire()) return true;
    }
    for (const backoff = new Backoff(FIRST_REMOTE_SLEEP_MS, LONGEST_REMOTE_SLEEP_MS); ; ) {
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) return false;
      const impatient = (LONGEST_REMOTE_SLEEP_MS * REMOTE_PATIENCE_MS) / (wait - left);
      const longest = Math.min(backoff.next(), Math.max(impatient, IMPATIENT_REMOTE_SLEEP_MS));
      this.#clock.sleep(Math.min(longest * (0.5 + Math.random() / 2), left));
      if (this.tryAcquire()) return true;
    }
  }

  /**
   * Takes the lock if it is free, and nobody is before us.
   * @throws {LogFileError} `ERR_CLH_LOCK` when the lock file cannot be opened or locked at all.
   */
  tryAcquire(): boolean {
    if (this.#safeFrom !== undefined && this.#clock.monotonic() < this.#safeFrom) return false;
    this.isContinued = this.#lease?.resume() ?? false;
    if (this.isContinued) {
      heldHere.push(this);
      return true;
    }
    try {
      for (let times = 0; times < REPLACEMENTS; times++) {
        const locked = this.#tryLock();
        if (this.#isCurrent()) {
          if (locked) {
            this.#line.leave();
            heldHere.push(this);
          }
          if (this.#file.isRemote) this.#turns[locked ? "taken" : "refused"]();
          return locked;
        }
        this.close(); // and with it the lock on a file that is no longer the lock file
      }
      return false;
    } catch (cause) {
      this.close();
      if (this.#file.mayBeReplayed && hasCode(cause, ...SERVER_WENT))
        this.#safeFrom = this.#clock.monotonic() + SMB_RESTART_GRACE_MS;
      const message = `Cannot lock ${this.path}: ${reason(cause)}. ${advice(cause)}What waits for it is kept, and tried again.`;
      throw new LogFileError("ERR_CLH_LOCK", message, { cause, path: this.path });
    }
  }

  /** On a network file system: milliseconds since the lock was asked for that is held. */
  get age(): number {
    return this.#clock.monotonic() - this.#askedAt;
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
    if (this.#file.isRemote) this.#turns.released();
    const mayBeKept = this.mayBeKept && this.#line.isKept;
    this.mayBeKept = false;
    if (mayBeKept && this.#lease?.keep(this.#file.fd)) return;
    this.#lease?.ended();
    this.#unlock();
  }

  /** Closes the file between two uses, where it need not stay open. */
  rest(): void {
    if (!this.#file.isKeptOpen) this.close();
  }

  /**
   * Closes the file for good. Where that must be done with the lock held, it is waited for, for at most `wait` milliseconds;
   * Python's handlers on this host rely on that, ours do without.
   */
  end(wait: number): void {
    if (this.#file.isKeptOpen && this.#acquireAtEnd(wait)) heldHere.splice(heldHere.lastIndexOf(this), 1);
    this.close();
  }

  close(): void {
    this.#lease?.close();
    this.mayBeKept = false;
    this.#seenCurrent = Number.NEGATIVE_INFINITY;
    this.#line.forget();
    this.#file.close();
  }

  #unlock(): void {
    try {
      this.#file.unlock();
    } catch {
      this.close(); // whatever the code: the file system may be gone under us
    }
  }

  #acquireAtEnd(wait: number): boolean {
    try {
      return this.acquire(wait);
    } catch (error) {
      if (!(error instanceof LogFileError)) throw error; // it cannot be locked, and so cannot be held
      return false;
    }
  }

  #tryLock(): boolean {
    if (this.#file.isRemote) this.#askedAt = this.#clock.monotonic();
    try {
      this.#file.open();
      return this.#line.mayTry() && this.#file.tryLock();
    } catch (error) {
      // The server of a network file system does not know this open any more: it was started again, or another host has
      // deleted the file. A fresh one may do; if not, that is the failure.
      if (this.#file.mayBeReplayed || !hasCode(error, "ESTALE", "EIO")) throw error;
      this.close();
      return this.#file.tryLock();
    }
  }

  #tryOften(): boolean {
    for (let tries = 0; tries < TRIES_WITHOUT_SLEEP; tries++) if (this.tryAcquire()) return true;
    return false;
  }

  #isCurrent(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#seenCurrent < LOCK_FILE_TRUST_MS) return true;
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
