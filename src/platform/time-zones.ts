import { isError } from "../base/system-errors.js";
import { utcOffset } from "./clock.js";

/*
 * Seconds throughout. A wall time is the moment at which a clock on UTC shows what a clock on that wall shows. Of zones,
 * Intl is asked: Temporal, which Node has from 26 on, would have to be loaded for it, and takes 20 ms.
 */

const DAY_SECONDS = 86_400;
const OFFSET = /^([+-])([01]\d|2[0-3]):?([0-5]\d)$/;
// Every zone has its mean solar time until then, and Intl counts years from 1 in two eras.
const FIRST_CHANGE = Date.UTC(1800, 0) / 1000;

/** Moments, seconds since 1970. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** The clocks of a zone: an IANA name, or an offset such as "+05:30". */
export class TimeZone {
  readonly #fixed: number | undefined;
  readonly #clock: Intl.DateTimeFormat | undefined;

  /** @throws {RangeError} for a zone that there is not */
  constructor(name: string) {
    const [isOffset, sign, hours, minutes] = OFFSET.exec(name) ?? [];
    if (name === "UTC") this.#fixed = 0;
    else if (isOffset) this.#fixed = Number(`${sign}1`) * (Number(hours) * 3600 + Number(minutes) * 60);
    else this.#clock = clockOf(name);
  }

  /** By how much clocks are ahead of UTC. */
  offsetAt(moment: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    const second = Math.max(Math.floor(moment), FIRST_CHANGE);
    const shown: Record<string, number> = {};
    for (const { type, value } of this.#clock!.formatToParts(second * 1000)) shown[type] = Number(value);
    const { year, month, day, hour, minute, second: seconds } = shown;
    return Date.UTC(year!, month! - 1, day, hour, minute, seconds) / 1000 - second;
  }

  /** The wall time at a moment. */
  wallAt(moment: number): number {
    return moment + this.offsetAt(moment);
  }

  /** The moment at which clocks first show a wall time; where they leave it out, the first one after the gap. */
  firstAt(wall: number): number {
    const { begin, end } = this.momentsOf(wall);
    if (this.wallAt(begin) === wall) return begin;
    const before = this.offsetAt(begin);
    let low = begin;
    let high = end;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }

  /** The moments at which a wall time may be meant: the first and the last one, by the offsets on both sides of it. */
  momentsOf(wall: number): Span {
    const moments = [this.offsetAt(wall - DAY_SECONDS), this.offsetAt(wall + DAY_SECONDS)].map(
      (offset) => wall - offset,
    );
    const shown = moments.filter((moment) => this.wallAt(moment) === wall);
    const [one, other] = shown.length === 1 ? [shown[0]!, shown[0]!] : (moments as [number, number]);
    return { begin: Math.min(one, other), end: Math.max(one, other) };
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = "numeric";
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });
}

/** The zone of this process, as `Date` has it: an IANA name, or an offset where the system has no name for it. */
export function localTimeZone(): string {
  const name: string | undefined = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (name !== undefined && isTimeZone(name)) return name;
  const minutes = utcOffset(); // TZ=UTC+3, TZ=:/etc/localtime
  const digits = (value: number) => String(Math.abs(Math.trunc(value))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${digits(minutes / 60)}:${digits(minutes % 60)}`;
}

export function isTimeZone(name: string): boolean {
  try {
    new TimeZone(name);
    return true;
  } catch (error) {
    if (isError(error, "RangeError")) return false;
    throw error;
  }
}
