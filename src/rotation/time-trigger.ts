import type { RotationReason } from "../events/handler-events.js";
import type { Clock } from "../platform/clock.js";
import type { RolloverTime } from "./rollover-time.js";
import type { Boundaries } from "./schedule.js";
import type { Trigger } from "./trigger.js";

// By how many seconds clocks may differ, or be set, before a boundary is thought to be wrong rather than ahead.
const SKEW = 600;

// A stored time that lies further behind the last record is not the end of its period.
const STALE = 366 * 86_400;

export interface TimeTriggerOptions {
  readonly boundaries: Boundaries;
  readonly clock: Clock;
  readonly shared: RolloverTime;
  /** Seconds since 1970 of the last record in the active file; undefined when there is none. */
  readonly lastRecord: () => number | undefined;
  /** Which file is the active one now; undefined when there is none. */
  readonly identity: () => string | undefined;
  /** Rotation by size, which moves no boundary. */
  readonly size: Trigger;
}

/** Rotation at the end of each period, by whichever process writes first after it; and by size as well. */
export class TimeTrigger implements Trigger {
  readonly #options: TimeTriggerOptions;
  /** End of the period of the active file, seconds since 1970, as far as this process knows: it may be later by now. */
  #due = Number.NaN;
  /** Before this, the clock was set back. */
  #earliest = Number.NaN;
  /** The file in which this process has a record of the period. */
  #file: string | undefined;

  constructor(options: TimeTriggerOptions) {
    this.#options = options;
  }

  /** Seconds since 1970; NaN before the first record. */
  get boundary(): number {
    return this.#due;
  }

  /** The name of the period of the active file; of the current one where another thread writes that file. */
  get period(): string {
    const { boundaries, clock } = this.#options;
    return boundaries.stamp(Number.isNaN(this.#due) ? boundaries.next(clock.now() / 1000) : this.#due);
  }

  due(size: number, nextRecord: number): RotationReason | undefined {
    const now = this.#options.clock.now() / 1000;
    const isWithin = now < this.#due && now >= this.#earliest; // false for NaN
    if (!isWithin) {
      this.#look(now);
      if (now >= this.#due) {
        if (size > 0) return "time";
        this.#begin(now);
      }
    }
    const reason = this.#options.size.due(size, nextRecord);
    if (reason !== undefined) this.#look(now); // the period names the file
    return reason;
  }

  /** Called when a record is about to be appended, to the new file if it was rotated. */
  room(size: number): number {
    this.#file ??= this.#options.identity();
    return this.#options.size.room(size);
  }

  limitTo(maxBytes: number): void {
    this.#options.size.limitTo(maxBytes);
  }

  rotated(reason: RotationReason): void {
    this.#file = undefined;
    if (reason === "time") this.#begin(this.#options.clock.now() / 1000);
  }

  #begin(now: number): void {
    this.#set(this.#options.boundaries.next(now));
    this.#options.shared.write(this.#due);
  }

  /** Asks what the others know. It only grows, so there is no need to ask before the time that we know. */
  #look(now: number): void {
    const { boundaries, shared } = this.#options;
    // Shortly before a boundary, others may have passed it already.
    const latest = Math.max(boundaries.next(now) + SKEW, boundaries.next(now + SKEW));
    const known = this.#due <= latest ? this.#due : undefined;
    const stored = shared.read();
    const isBelievable = stored !== undefined && stored <= latest && stored >= (known ?? this.#oldest(now));
    if (isBelievable && known !== undefined && stored > known && this.#isAnotherLogs()) return;
    const due = isBelievable ? stored : (known ?? this.#endOfLastPeriod(now));
    this.#set(due);
    if (due !== stored && due > now) shared.write(due);
  }

  /** A time that was set though nobody has rotated: by the writers of another log, with which this one shares its lock. */
  #isAnotherLogs(): boolean {
    const { identity, lastRecord } = this.#options;
    // The time as well: where births are not told, a new file may look like the one whose inode it has.
    return this.#file !== undefined && this.#file === identity() && lastRecord()! < this.#due;
  }

  #set(due: number): void {
    if (due !== this.#due) this.#file = undefined;
    this.#due = due;
    this.#earliest = this.#options.boundaries.start(due) - SKEW;
  }

  #oldest(now: number): number {
    return Math.min(this.#options.lastRecord() ?? now, now) - STALE;
  }

  /** Nobody has left a time: what a process before us wrote belongs to the period in which it wrote last. */
  #endOfLastPeriod(now: number): number {
    const { boundaries, lastRecord } = this.#options;
    return boundaries.next(Math.min(lastRecord() ?? now, now));
  }
}
