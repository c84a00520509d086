import { type Environment, systemEnvironment } from "../../src/environment.js";
import type { Clock } from "../../src/platform/clock.js";
import type { FileSystem } from "../../src/platform/fs.js";

/** A clock that stands still until it is told to go on, or until somebody sleeps. */
export class ManualClock implements Clock {
  time = 0;

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
