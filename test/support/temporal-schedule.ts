import { Temporal } from "temporal-polyfill";
import type { PeriodName } from "../../src/options/parsers.js";
import type { Schedule } from "../../src/options/resolved-options.js";

/* The boundaries of src/rotation/schedule.ts on the calendar of Temporal: slower to load, and right by other means. */

const DAY = 86_400;

/** What a period is: a fixed time, or days of the calendar; and how much of "2024-05-17T10:20:30" names it. */
interface Period {
  readonly stampLength: number;
  readonly seconds?: number;
  readonly days?: number;
  /** Of the calendar, on which day it ends: 1 is Monday. */
  readonly weekday?: number;
  /** By the clock: which part of it begins anew. */
  readonly unit?: "hour" | "month";
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
  HOURLY: { stampLength: 13, unit: "hour" },
  MONTHLY: { stampLength: 7, unit: "month" },
};

const WHOLE_STAMP = /^(\d{4}-\d\d(?:-\d\d)?)(?:_(\d\d)(?:-(\d\d)(?:-(\d\d))?)?)?$/;

/** The boundaries of one schedule. */
export class TemporalBoundaries {
  readonly #schedule: Schedule;
  readonly #period: Period;
  /** Seconds of an interval that is a fixed time; undefined for one of the calendar. */
  readonly #fixed: number | undefined;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#period = PERIODS[schedule.when as PeriodName];
    const { seconds } = this.#period;
    this.#fixed = seconds === undefined ? undefined : seconds * schedule.interval;
  }

  /** Seconds from `now` to the first rotation of a file begun then: the next boundary, and always after `now`. */
  next(now: number): number {
    const second = Math.floor(now);
    if (this.#fixed !== undefined) return second + this.#fixed;
    if (this.#period.unit !== undefined) return this.#boundaries(second, 1).find((moment) => moment > second)!;
    for (let date = this.#zoned(second).toPlainDate(); ; date = date.add({ days: 1 })) {
      if (!this.#isRotationDay(date) || this.#momentOf(date) <= second) continue;
      return this.#momentOf(date.add({ days: (this.#schedule.interval - 1) * this.#days }));
    }
  }

  /** The name of the period that ends at `boundary`: the wall time at which it began. */
  stamp(boundary: number): string {
    const start = this.#zoned(this.#startOf(boundary)).toPlainDateTime();
    return start
      .toString({ smallestUnit: "second" })
      .slice(0, this.#period.stampLength)
      .replace("T", "_")
      .replaceAll(":", "-");
  }

  /** True for what {@link stamp} makes, of whatever period. */
  isStamp(text: string): boolean {
    return text.length === this.#period.stampLength && this.#parse(text) !== undefined;
  }

  /** Seconds since 1970 at which the period of that name begins, at the earliest, and ends, at the latest. */
  spanOf(stamp: string): { begin: number; end: number } {
    const { timeZone, interval } = this.#schedule;
    const wall = this.#parse(stamp)!;
    if (this.#period.unit !== undefined) {
      let boundary = wall.subtract({ days: 2 }).toZonedDateTime(timeZone).epochMilliseconds / 1000;
      do boundary = this.next(boundary);
      while (this.stamp(boundary) !== stamp);
      return { begin: this.#startOf(boundary), end: boundary };
    }
    if (this.#fixed === undefined) {
      const date = wall.toPlainDate();
      const end = this.#momentOf(date.add({ days: interval * this.#days }));
      return { begin: this.#momentOf(date), end };
    }
    const moment = (disambiguation: "earlier" | "later") =>
      wall.toZonedDateTime(timeZone, { disambiguation }).epochMilliseconds / 1000;
    return {
      begin: Math.floor(moment("earlier")),
      end: Math.ceil(moment("later")) + this.#period.seconds! + this.#fixed,
    };
  }

  /** Of a period of the calendar. */
  get #days(): number {
    return this.#period.days!;
  }

  /** Of the calendar: the boundary that is nearest to so many days before, since days differ in length. */
  #startOf(boundary: number): number {
    if (this.#period.unit !== undefined) return this.#boundaries(boundary, -1).find((moment) => moment < boundary)!;
    if (this.#fixed !== undefined) return boundary - this.#fixed;
    const days = this.#days;
    const target = boundary - this.#schedule.interval * days * DAY;
    const around = this.#zoned(target).toPlainDate();
    return Array.from({ length: 2 * days + 1 }, (_, i) => around.add({ days: i - days }))
      .filter((date) => this.#isRotationDay(date))
      .map((date) => this.#momentOf(date))
      .reduce((best, moment) => (Math.abs(moment - target) < Math.abs(best - target) ? moment : best));
  }

  /** Those around a moment, from there on into the past or the future. */
  #boundaries(moment: number, sign: 1 | -1): number[] {
    const { unit } = this.#period;
    const { atTime = 0 } = this.#schedule;
    const wall = this.#zoned(moment).toPlainDateTime();
    const hour = { minute: 0, second: 0, millisecond: 0 };
    const [begun, step] =
      unit === "hour" ? [wall.with(hour), "hours"] : [wall.with({ day: 1, hour: 0, ...hour }), "months"];
    return Array.from({ length: 52 }, (_, i) => begun.add({ [step as string]: sign * (i - 1) })).map((time) =>
      this.#momentOf(time.toPlainDate(), unit === "hour" ? time.hour * 3600 : atTime),
    );
  }

  #isRotationDay(date: Temporal.PlainDate): boolean {
    const { weekday } = this.#period;
    if (weekday === undefined) return true;
    // The midnight that ends the day is the first moment of the next one.
    return date.dayOfWeek === (this.#schedule.atTime === undefined ? (weekday % 7) + 1 : weekday);
  }

  /** Seconds since 1970 of the time of rotation on that day. */
  #momentOf(date: Temporal.PlainDate, atTime = this.#schedule.atTime ?? 0): number {
    return firstMoment(date.toPlainDateTime().add({ seconds: atTime }), this.#schedule.timeZone);
  }

  #zoned(seconds: number): Temporal.ZonedDateTime {
    const { timeZone } = this.#schedule;
    return Temporal.Instant.fromEpochMilliseconds(seconds * 1000).toZonedDateTimeISO(timeZone);
  }

  #parse(stamp: string): Temporal.PlainDateTime | undefined {
    const match = WHOLE_STAMP.exec(stamp);
    if (match === null) return undefined;
    const [, day = "", hour = "00", minute = "00", second = "00"] = match;
    const date = day.length === 7 ? `${day}-01` : day;
    try {
      return Temporal.PlainDateTime.from(`${date}T${hour}:${minute}:${second}`, { overflow: "reject" });
    } catch (error) {
      if (error instanceof RangeError) return undefined; // "2024-02-30"
      throw error;
    }
  }
}

/** Seconds since 1970 at which a clock first shows a wall time, or passes over it. */
export function firstMoment(wall: Temporal.PlainDateTime, timeZone: string): number {
  const first = wall.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  const isLeftOut = !first.toPlainDateTime().equals(wall);
  const moment = isLeftOut ? first.getTimeZoneTransition("next")! : first;
  return Math.ceil(moment.epochMilliseconds / 1000);
}
