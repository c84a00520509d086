import { setTimeout } from "node:timers/promises";

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
}

const nobodyWakesThis = new Int32Array(new SharedArrayBuffer(4));

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds) => {
    Atomics.wait(nobodyWakesThis, 0, 0, milliseconds);
  },
  delay: (milliseconds) => setTimeout(milliseconds),
};
