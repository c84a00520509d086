import type { Clock } from "../../src/platform/clock.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import type { FileSystem } from "../../src/platform/file-system.js";

/** A clock that stands still until it is told to go on, or until somebody sleeps. */
export class ManualClock implements Clock {
  time = 0;
  #timers: { at: number; action: () => void }[] = [];

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  sleep(milliseconds: number): void {
    this.time += milliseconds;
  }

  async delay(milliseconds: number): Promise<void> {
    this.time += milliseconds;
    await new Promise(setImmediate);
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer = { at: this.time + milliseconds, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  soon(action: () => void): () => void {
    return this.after(0, action);
  }

  /** Goes on to `time`, with all that was to be done until then. */
  goTo(time: number): void {
    const next = () => this.#timers.filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)[0];
    for (let timer = next(); timer !== undefined; timer = next()) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.time = Math.max(this.time, timer.at);
      timer.action();
    }
    this.time = time;
  }
}

/** The real machine with some calls of the file system, or the clock, replaced. */
export function environmentWith(fs: Partial<FileSystem>, clock: Clock = systemEnvironment().clock): Environment {
  const system = systemEnvironment();
  return { ...system, clock, fs: { ...system.fs, ...fs } };
}

/** An error as the system would give it. */
export function systemError(code: string, syscall = "call"): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made for the test, ${syscall}`), { code, syscall });
}
