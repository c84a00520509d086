import type { Temporal as TemporalNamespace } from "temporal-polyfill";
import { isError } from "../base/errors.js";
import { utcOffset } from "./clock.js";
import { lazyPackages } from "./lazy-packages.js";

type Temporal = typeof TemporalNamespace;

let loaded: Temporal | undefined;

/** The calendar of the runtime (Node 26), else the polyfill: loaded for who rotates by time, since it takes 20 ms. */
export function loadTemporal(): Temporal {
  loaded ??= (globalThis as { Temporal?: Temporal }).Temporal ?? lazyPackages().temporal().Temporal;
  return loaded;
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
    loadTemporal().Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch (error) {
    if (isError(error, "RangeError")) return false;
    throw error;
  }
}
