const ISO = /(\d{4})-(\d\d)-(\d\d)(?:[T_ ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|[+-]\d\d:?\d\d)?/;
// What loggers that write JSON call it: pino, bunyan, winston, LogTape, Logstash.
const IN_JSON = /"(?:time|timestamp|@timestamp|ts|date|datetime|asctime|@t)"\s*:\s*(?:"([^"]*)"|(\d+(?:\.\d+)?))/;
const LOOKED_AT = 1024;

/**
 * When a record was written, as it says itself: milliseconds since 1970, undefined when it does not say. Understood are
 * ISO 8601 dates, and in JSON the usual keys, with seconds, milliseconds, micro- or nanoseconds since 1970. A date
 * without a zone is in that of this process.
 */
export function timeOf(record: string): number | undefined {
  const inJson = record.startsWith("{") ? IN_JSON.exec(record) : null; // its keys may stand in any order
  if (inJson === null) return parseTime(record.length > LOOKED_AT ? record.slice(0, LOOKED_AT) : record);
  return inJson[2] === undefined ? parseTime(inJson[1]!) : fromNumber(Number(inJson[2]));
}

/** The first date in a text, as in {@link timeOf}. */
export function parseTime(text: string): number | undefined {
  const match = ISO.exec(text) ?? inCommonLog(text);
  if (match === undefined) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", zone] = match;
  const numbers = [year, Number(month) - 1, day, hour, minute, second, Number(`0.${fraction}`) * 1000].map(Number);
  const parts = numbers as [number, number, number, number, number, number, number];
  if (!isThere(parts)) return undefined;
  if (zone === undefined) return new Date(...parts).getTime();
  return Date.UTC(...parts) - offsetOf(zone);
}

const COMMON_LOG = /(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The time of a web server, with its parts as an ISO 8601 date has them. */
function inCommonLog(text: string): readonly (string | undefined)[] | undefined {
  const [, day, name = "", year, hour, minute, second, zone] = COMMON_LOG.exec(text) ?? [];
  const month = MONTHS.indexOf(name) + 1;
  return month === 0 ? undefined : ["", year, String(month), day, hour, minute, second, undefined, zone];
}

/** False for the 31st of February, and for 24:61. */
function isThere([year, month, day, hour, minute, second]: readonly number[]): boolean {
  const date = new Date(Date.UTC(year!, month, day));
  return date.getUTCMonth() === month && date.getUTCDate() === day && hour! < 24 && minute! < 60 && second! <= 60;
}

/** Milliseconds. */
function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

function fromNumber(value: number): number {
  if (value < 1e11) return value * 1000;
  if (value < 1e14) return value;
  return value < 1e17 ? value / 1000 : value / 1e6;
}
