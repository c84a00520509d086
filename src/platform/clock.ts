import { setTimeout as setTimeoutPromise } from "node:timers/promises";

/** The only place that asks for the time or sleeps; tests pass their own. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Blocks the calling thread for `milliseconds`, which may be a fraction. */
  sleep(milliseconds: number): void;
  /** Waits with the event loop free. */
  delay(milliseconds: number): Promise<void>;
  /**
   * Does `action` after `milliseconds`. Returns how to give up.
   * @param keepsAlive false: unless the process ends before
   */
  after(milliseconds: number, action: () => void, keepsAlive?: boolean): () => void;
  /** Does `action` at the end of this turn of the event loop. Returns how to give up. */
  soon(action: () => void): () => void;
}

// Timers cannot be set further ahead (2^31 - 1 ms); one that is late is asked again by whoever set it.
const LONGEST_TIMER = 2 ** 31 - 1;

const nobodyWakesThis = new Int32Array(new SharedArrayBuffer(4));

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds) => {
    Atomics.wait(nobodyWakesThis, 0, 0, milliseconds);
  },
  delay: (milliseconds) => setTimeoutPromise(milliseconds),
  after(milliseconds, action, keepsAlive = false) {
    const timer = setTimeout(action, Math.min(Math.max(milliseconds, 1), LONGEST_TIMER));
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  soon(action) {
    const immediate = setImmediate(action);
    return () => clearImmediate(immediate);
  },
};

/** Blocks the calling thread while that place of a shared memory is `seen`, for at most so many milliseconds. */
export function sleepWhile(memory: Int32Array, place: number, seen: number, milliseconds: number): void {
  Atomics.wait(memory, place, seen, milliseconds);
}

/** Minutes by which the local time of this process is ahead of UTC now. */
export function utcOffset(): number {
  return -new Date().getTimezoneOffset();
}
