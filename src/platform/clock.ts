import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import { setImmediate as immediately, setTimeout as wait } from "node:timers/promises";

// As they were when this file was loaded: test runners put others in their place, which stand still. The date alone is
// the application's own, which its tests may have set.
const real = {
  monotonic: performance.now.bind(performance),
  setTimeout,
  clearTimeout,
  setImmediate,
  clearImmediate,
  wait,
  immediately,
  enqueue: queueMicrotask,
};

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
const MAX_TIMER_MS = 2 ** 31 - 1;

const nobodyWakesThis = new Int32Array(new SharedArrayBuffer(4));

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: real.monotonic,
  sleep: (milliseconds) => {
    Atomics.wait(nobodyWakesThis, 0, 0, milliseconds);
  },
  delay: (milliseconds) => real.wait(milliseconds),
  after(milliseconds, action, keepsAlive = false) {
    const timer = real.setTimeout(action, Math.min(Math.max(milliseconds, 1), MAX_TIMER_MS));
    if (!keepsAlive) timer.unref();
    return () => real.clearTimeout(timer);
  },
  soon(action) {
    const immediate = real.setImmediate(action);
    return () => real.clearImmediate(immediate);
  },
};

/** Resolves in the next turn of the event loop. */
export async function nextTurn(): Promise<void> {
  await real.immediately();
}

/** Does `action` when what runs now has come to its end, before anything else of the event loop. */
export function beforeOthers(action: () => void): void {
  real.enqueue(action);
}

/** Blocks the calling thread while that place of a shared memory is `seen`, for at most so many milliseconds. */
export function sleepWhile(memory: Int32Array, place: number, seen: number, milliseconds: number): void {
  Atomics.wait(memory, place, seen, milliseconds);
}

/** Minutes by which the local time of this process is ahead of UTC now. */
export function utcOffset(): number {
  return -new Date().getTimezoneOffset();
}
