import { LogFileError } from "../../base/errors.js";
import { isError } from "../../base/system-errors.js";
import { TimeZone } from "../../platform/time-zones.js";

/** What a clock on a wall shows, and where the wall is. */
export interface WallTime {
  /** Its UTC fields are those of the wall. */
  readonly fields: Date;
  /** Whole seconds since 1970. */
  readonly epoch: number;
  /** Minutes ahead of UTC. */
  readonly offset: number;
  readonly zone: Zone;
}

/** Whose time it is: of this process (undefined), UTC, of an IANA name, or of an offset such as "+05:30". */
export class Zone {
  readonly #name: string | undefined;
  readonly #fixed: number | undefined;
  readonly #named: TimeZone | undefined;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for a zone that there is not */
  constructor(name: string | undefined) {
    this.#name = name;
    const match = /^([+-])(\d\d):?([0-5]\d)$/.exec(name ?? "");
    if (name === "UTC") this.#fixed = 0;
    else if (match !== null) this.#fixed = Number(`${match[1]}1`) * (Number(match[2]) * 60 + Number(match[3]));
    else if (name !== undefined) this.#named = namedZone(name);
  }

  /** @param seconds since 1970; a fraction is left out */
  at(seconds: number): WallTime {
    const epoch = Math.floor(seconds);
    const offset = this.#offset(epoch);
    return { fields: new Date(epoch * 1000 + offset * 60_000), epoch, offset, zone: this };
  }

  /** "CET": what Intl knows it by in one of its countries; where it has no letters, the offset, as in Python. */
  abbreviation({ epoch, offset }: WallTime): string {
    if (this.#name === "UTC") return "UTC";
    for (const locale of this.#fixed === undefined ? LOCALES : []) {
      const zone = this.#name === undefined ? {} : { timeZone: this.#name };
      const format = new Intl.DateTimeFormat(locale, { ...zone, timeZoneName: "short" });
      const short = format.formatToParts(epoch * 1000).find(({ type }) => type === "timeZoneName")!.value;
      if (/^[A-Z]+$/.test(short)) return short;
    }
    return offsetText(offset).replace(/00$/, "");
  }

  #offset(epoch: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    if (this.#named === undefined) return -new Date(epoch * 1000).getTimezoneOffset();
    return this.#named.offsetAt(epoch) / 60;
  }
}

// Intl has abbreviations only in the languages of the countries that use them.
const LOCALES = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA", "ja-JP"];

function namedZone(timeZone: string): TimeZone {
  try {
    return new TimeZone(timeZone);
  } catch (cause) {
    if (!isError(cause, "RangeError")) throw cause;
    const message = `Expected the option \`timeZone\` to be an IANA time zone such as "Europe/Berlin", or an offset such as "+05:30", got ${JSON.stringify(timeZone)}.`;
    throw new LogFileError("ERR_CLH_OPTION", message, { option: "timeZone", value: timeZone, cause });
  }
}

/** "+0530", or with a colon between. */
export function offsetText(minutes: number, colon = ""): string {
  const digits = (value: number) => String(Math.trunc(value)).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${digits(size / 60)}${colon}${digits(size % 60)}`;
}
