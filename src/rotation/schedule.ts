import { stampOf, wallTimeOf } from "../log-files/stamps.js";
import { isCron, type PeriodName } from "../options/parsers.js";
import type { Schedule } from "../options/resolved-options.js";
import { type Span, TimeZone } from "../platform/time-zones.js";
import { cronTimes } from "./cron.js";
import { firstOfMonth, HOURLY, monthly, type WallTimes } from "./wall-times.js";

/*
 * When a log is rotated by time, and what the periods between are called. Pure arithmetic on whole seconds since 1970.
 * The rules are those of Python's TimedRotatingFileHandler, on a calendar instead of on seconds: a wall time that occurs
 * twice is its first occurrence, one that a clock change leaves out is the moment after the gap.
 */

const DAY = 86_400;
const THURSDAY = 3; // the first day of 1970; Monday is 0

/**
 * What a period is: a fixed time, days of the calendar, or from one wall time to the next; and how much of
 * "2024-05-17T10:20:30" names it.
 */
interface Period {
  readonly stampLength: number;
  readonly seconds?: number;
  readonly days?: number;
  /** Of the calendar, on which day it ends: 1 is Monday. */
  readonly weekday?: number;
  readonly wallTimes?: (atTime: number) => WallTimes;
}

const PERIODS: Readonly<Record<PeriodName, Period>> = {
  S: { stampLength: 19, seconds: 1 },
  M: { stampLength: 16, seconds: 60 },
  H: { stampLength: 13, seconds: 3600 },
  D: { stampLength: 10, seconds: DAY },
  MIDNIGHT: { stampLength: 10, days: 1 },
  W0: { stampLength: 10, days: 7, weekday: 1 },
  W1: { stampLength: 10, days: 7, weekday: 2 },
  W2: { stampLength: 10, days: 7, weekday: 3 },
  W3: { stampLength: 10, days: 7, weekday: 4 },
  W4: { stampLength: 10, days: 7, weekday: 5 },
  W5: { stampLength: 10, days: 7, weekday: 6 },
  W6: { stampLength: 10, days: 7, weekday: 7 },
  HOURLY: { stampLength: 13, wallTimes: () => HOURLY },
  MONTHLY: { stampLength: 7, wallTimes: monthly },
};

/** How long the name of a period is, of a log that is rotated `when`. */
export function stampLength(when: Schedule["when"]): number {
  return periodOf(when).stampLength;
}

function periodOf(when: Schedule["when"]): Period {
  if (!isCron(when)) return PERIODS[when];
  const hasSeconds = when.split(" ").length === 6;
  return { stampLength: hasSeconds ? 19 : 16, wallTimes: () => cronTimes(when) };
}

/** The boundaries of one schedule. Days are counted from the first of 1970. */
export class Boundaries {
  readonly #schedule: Schedule;
  readonly #period: Period;
  /** Seconds of an interval that is a fixed time; undefined for one of the calendar. */
  readonly #fixed: number | undefined;
  readonly #wallTimes: WallTimes | undefined;
  readonly #zone: TimeZone;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#period = periodOf(schedule.when);
    this.#zone = new TimeZone(schedule.timeZone);
    const { seconds, wallTimes } = this.#period;
    this.#wallTimes = wallTimes?.(schedule.atTime ?? 0);
    this.#fixed = seconds === undefined ? undefined : seconds * schedule.interval;
  }

  /** Seconds from `now` to the first rotation of a file begun then: the next boundary, and always after `now`. */
  next(now: number): number {
    const second = Math.floor(now);
    if (this.#fixed !== undefined) return second + this.#fixed;
    if (this.#wallTimes !== undefined) return this.#nextWall(this.#wallTimes, second);
    for (let day = this.#dayOf(second); ; day++) {
      if (!this.#isRotationDay(day) || this.#momentOf(day) <= second) continue;
      return this.#momentOf(day + (this.#schedule.interval - 1) * this.#days);
    }
  }

  /** When the period began that ends at `boundary`. */
  start(boundary: number): number {
    if (this.#fixed !== undefined) return boundary - this.#fixed;
    return this.#wallTimes === undefined ? this.#startOf(boundary) : this.#lastWall(this.#wallTimes, boundary);
  }

  /** The name of the period that ends at `boundary`: the wall time at which it began. */
  stamp(boundary: number): string {
    const wall = this.#zone.wallAt(this.start(boundary));
    return stampOf(new Date(wall * 1000), this.#period.stampLength);
  }

  /** True for what {@link stamp} makes, of whatever period. */
  isStamp(text: string): boolean {
    return text.length === this.#period.stampLength && wallTimeOf(text) !== undefined;
  }

  /** Seconds since 1970 at which the period of that name begins, at the earliest, and ends, at the latest. */
  spanOf(stamp: string): Span {
    const wall = wallTimeOf(stamp)!;
    if (this.#wallTimes !== undefined) return this.#wallSpan(this.#wallTimes, wall);
    if (this.#fixed === undefined) {
      const day = Math.floor(wall / DAY);
      return { begin: this.#momentOf(day), end: this.#momentOf(day + this.#schedule.interval * this.#days) };
    }
    const { begin, end } = this.#zone.momentsOf(wall);
    return { begin, end: end + this.#period.seconds! + this.#fixed };
  }

  /** Of a period of the calendar. */
  get #days(): number {
    return this.#period.days!;
  }

  /** Of the calendar: the boundary that is nearest to so many days before, since days differ in length. */
  #startOf(boundary: number): number {
    const days = this.#days;
    const target = boundary - this.#schedule.interval * days * DAY;
    const around = this.#dayOf(target);
    return Array.from({ length: 2 * days + 1 }, (_, i) => around + i - days)
      .filter((day) => this.#isRotationDay(day))
      .map((day) => this.#momentOf(day))
      .reduce((best, moment) => (Math.abs(moment - target) < Math.abs(best - target) ? moment : best));
  }

  /** Of a clock that was set back, the first one that it has not shown before. */
  #nextWall(times: WallTimes, second: number): number {
    for (let wall = times.after(this.#zone.wallAt(second)); ; wall = times.after(wall)) {
      const moment = this.#zone.firstAt(wall);
      if (moment > second) return moment;
    }
  }

  #lastWall(times: WallTimes, boundary: number): number {
    for (let wall = times.before(this.#zone.wallAt(boundary) + 1); ; wall = times.before(wall)) {
      const moment = this.#zone.firstAt(wall);
      if (moment < boundary) return moment;
    }
  }

  /** Of a period that begins at `wall`, or later within what its name leaves out. */
  #wallSpan(times: WallTimes, wall: number): Span {
    const end = wall + unitOf(this.#period.stampLength, wall);
    const first = times.after(wall - 1);
    // Behind a gap, it begins at a time that is none of these.
    return { begin: this.#zone.firstAt(first < end ? first : wall), end: this.#zone.firstAt(times.after(end - 1)) };
  }

  #isRotationDay(day: number): boolean {
    const { weekday } = this.#period;
    if (weekday === undefined) return true;
    // The midnight that ends the day is the first moment of the next one.
    const wanted = this.#schedule.atTime === undefined ? weekday : weekday - 1;
    return (((day + THURSDAY - wanted) % 7) + 7) % 7 === 0;
  }

  /** Seconds since 1970 of the time of rotation on that day. */
  #momentOf(day: number): number {
    return this.#zone.firstAt(day * DAY + (this.#schedule.atTime ?? 0));
  }

  #dayOf(moment: number): number {
    return Math.floor(this.#zone.wallAt(moment) / DAY);
  }
}

/** Seconds from a wall time to the next one that has another stamp. */
function unitOf(stampLength: number, wall: number): number {
  if (stampLength === 7) return firstOfMonth(wall, 1) - wall;
  return { 10: DAY, 13: 3600, 16: 60 }[stampLength] ?? 1;
}
