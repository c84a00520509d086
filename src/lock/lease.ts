import { isMainThread, Worker } from "node:worker_threads";
import { sharedState } from "../base/shared-state.js";
import type { Clock } from "../platform/clock.js";
import { flushAtExit, forget } from "../platform/exit-hooks.js";
import { WorkerChannel } from "../platform/worker-channel.js";
import { LeaseMemory, SLOTS } from "./lease-memory.js";
import {
  BREATH_MS,
  FAST_RECORDS,
  FAST_WITHIN_MS,
  GIVING_WITHIN_MS,
  LEASE_MS,
  LEASES_BETWEEN_BREATHS,
  NEXT_RECORD_WITHIN_MS,
  SIGN_OF_LIFE_MS,
  START_WITHIN_MS,
} from "./lock-timing.js";

/** One for all copies of this package in the process: the thread that releases, and who keeps a lock. */
class Leases {
  readonly memory = new LeaseMemory();
  readonly kept = new Set<{ readonly path: string; end(): void }>();
  readonly #freeSlots = Array.from({ length: SLOTS }, (_, i) => i);
  #channel: WorkerChannel<SharedArrayBuffer, "started"> | undefined;
  // A thread that is ended while it loads a native addon ends the whole process (napi_throw, in Node 20).
  readonly #starting = { flushSync: () => this.memory.waitForStart(START_WITHIN_MS) };
  /** Undefined until it was tried to start the thread. */
  #isStarted: boolean | undefined;
  #looks = 0;
  #looksSince = 0;

  /** Starts the thread that releases, unless it was tried before. */
  start(): void {
    // Deno and Bun have not been tried; and what ends a worker thread may leave its files open, and locked.
    const isNode = !("deno" in process.versions || "bun" in process.versions);
    if (this.#isStarted !== undefined || !isNode || !isMainThread) return;
    this.#isStarted = true;
    this.#channel = new WorkerChannel<SharedArrayBuffer, "started">(
      (options) => new Worker(new URL("./lease-worker.js", import.meta.url), options),
      "clh-lease",
      {
        onMessage: () => forget(this.#starting),
        onLost: () => {
          this.#isStarted = false;
          forget(this.#starting);
        },
      },
    );
    try {
      this.#channel.post(this.memory.shared);
      flushAtExit(this.#starting);
    } catch {
      this.#isStarted = false; // whatever the code: no thread is to be had, and no lock is kept
    }
  }

  /** True while the thread that releases shows signs of life. */
  isWatched(now: number): boolean {
    if (this.#isStarted !== true) return false;
    const { looks, isAsleep } = this.memory;
    if (looks !== this.#looks || isAsleep) {
      this.#looks = looks;
      this.#looksSince = now;
    }
    return looks > 0 && now - this.#looksSince < SIGN_OF_LIFE_MS;
  }

  takeSlot(): number | undefined {
    return this.#freeSlots.pop();
  }

  giveSlot(slot: number): void {
    this.#freeSlots.push(slot);
  }
}

const leases = sharedState("leases", 1, () => new Leases());

/**
 * Keeps the lock from one record to the next, for a millisecond at most and not beyond the turn of the event loop: a
 * record in between needs neither lock nor look. See docs/concepts/lease.md.
 */
export class Lease {
  readonly path: string;
  readonly #unlock: () => void;
  readonly #abandon: () => void;
  readonly #clock: Clock;
  #slot: number | undefined;
  #isKept = false;
  #began = 0;
  #count = 0;
  #isEndPlanned = false;
  #records = 0;
  #recordsSince = Number.NEGATIVE_INFINITY;
  #lastRelease = Number.NEGATIVE_INFINITY;

  /**
   * @param unlock releases the lock
   * @param abandon releases the lock, and never uses that open of its file again
   */
  constructor(path: string, clock: Clock, unlock: () => void, abandon: () => void) {
    this.path = path;
    this.#clock = clock;
    this.#unlock = unlock;
    this.#abandon = abandon;
  }

  /** True when the lock was kept, and is held now. */
  resume(): boolean {
    if (!this.#isKept || !this.#takeBack()) return false;
    if (this.#clock.monotonic() - this.#began < LEASE_MS) return true;
    this.#release();
    if (++this.#count % LEASES_BETWEEN_BREATHS === 0) this.#clock.sleep(BREATH_MS);
    return false;
  }

  /** Keeps the lock, which is held; false when it is to be released. */
  keep(fd: number): boolean {
    if (this.#isKept) {
      leases.memory.keep(this.#slot!);
      return true;
    }
    const now = this.#clock.monotonic();
    const isSoon = now - this.#lastRelease < NEXT_RECORD_WITHIN_MS;
    this.#lastRelease = now;
    if (!isSoon) return false;
    this.#startIfFast(now);
    if (!leases.isWatched(now)) return false;
    this.#slot ??= leases.takeSlot();
    if (this.#slot === undefined) return false;
    this.#isKept = true;
    this.#began = now;
    leases.kept.add(this);
    leases.memory.begin(this.#slot, fd);
    this.#endSoon();
    return true;
  }

  /** The lock is held, and is about to be released. */
  ended(): void {
    if (!this.#isKept) return;
    this.#isKept = false;
    leases.kept.delete(this);
    leases.memory.end(this.#slot!);
    this.#lastRelease = this.#clock.monotonic();
  }

  /** Releases the lock if it is kept. */
  end(): void {
    if (this.#isKept && this.#takeBack()) this.#release();
  }

  /** Ends the lease, and gives back what it has. */
  close(): void {
    this.end();
    if (this.#slot === undefined) return;
    leases.memory.end(this.#slot); // also when it is closed by a namer, with the lock held
    leases.giveSlot(this.#slot);
    this.#slot = undefined;
  }

  /** False when the other thread has released the lock. */
  #takeBack(): boolean {
    if (leases.memory.resume(this.#slot!)) return true;
    this.#isKept = false;
    leases.kept.delete(this);
    if (leases.memory.waitWhileGiving(this.#slot!, GIVING_WITHIN_MS)) return false;
    this.#slot = undefined; // and so is the slot
    this.#abandon();
    return false;
  }

  #release(): void {
    this.ended();
    this.#unlock();
  }

  #endSoon(): void {
    if (this.#isEndPlanned) return;
    this.#isEndPlanned = true;
    this.#clock.soon(() => {
      this.#isEndPlanned = false;
      this.end();
    });
  }

  /** Where records come fast, it is worth a thread. */
  #startIfFast(now: number): void {
    if (++this.#records < FAST_RECORDS) return;
    // At the end of this turn, so never when the process ends.
    if (now - this.#recordsSince < FAST_WITHIN_MS) this.#clock.soon(() => leases.start());
    this.#records = 0;
    this.#recordsSince = now;
  }
}

/** Releases what this thread keeps of a lock that another on it waits for. True when there was something. */
export function endLeasesOf(path: string): boolean {
  const found = [...leases.kept].filter((lease) => lease.path === path);
  for (const lease of found) lease.end();
  return found.length > 0;
}
