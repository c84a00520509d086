import { type Compression, FORMATS } from "../log-files/compression-formats.js";
import { loadLibc } from "../platform/native.js";

// As logrotate and every Node rotator count: k, kb and KiB are all 1,024 bytes.
const BYTES = new Map(
  ["b", "k", "m", "g", "t"].flatMap((unit, power) =>
    [unit, `${unit}b`, `${unit}ib`].map((name): [string, number] => [name, 1024 ** power]),
  ),
);

const MILLISECONDS = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

/** Bytes: a whole number, or a text such as "512k" or "1.5 MiB"; undefined for anything else. */
export function parseSize(value: unknown): number | undefined {
  return wholeNumber(parse(value, BYTES));
}

/** Milliseconds: a whole number, or a text such as "500ms", "10s", "14d"; undefined for anything else. */
export function parseDuration(value: unknown): number | undefined {
  return wholeNumber(parse(value, MILLISECONDS));
}

function parse(value: unknown, units: ReadonlyMap<string, number>): number | undefined {
  if (typeof value !== "string") return typeof value === "number" ? value : undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (match === null) return undefined;
  const [, amount, unit] = match as unknown as [string, string, string];
  const factor = unit === "" ? 1 : units.get(unit.toLowerCase());
  return factor === undefined ? undefined : Number(amount) * factor;
}

function wholeNumber(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Not 600 to 799 in decimal, which is how many write 0o600 to 0o777: 640 is 0o1200, which is of no use to a file. */
export function parseMode(value: unknown): number | undefined {
  const bits = parsePermissionBits(value);
  return bits !== undefined && bits >= 600 && bits < 800 ? undefined : bits;
}

/** Not 77 in decimal: that is 0o115, which leaves files to be written by all. 22 is 0o26, which some may mean. */
export function parseMask(value: unknown): number | undefined {
  const bits = parsePermissionBits(value);
  return bits === undefined || bits > 0o777 || bits === 77 ? undefined : bits;
}

function parsePermissionBits(value: unknown): number | undefined {
  const bits =
    typeof value === "string" && /^(0o?)?[0-7]{1,4}$/.test(value) ? Number.parseInt(value.replace("o", ""), 8) : value;
  return Number.isInteger(bits) && (bits as number) >= 0 && (bits as number) <= 0o7777 ? (bits as number) : undefined;
}

export function parseCount(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

export function parsePositive(value: unknown): number | undefined {
  return parseCount(value) || undefined;
}

// A mark, and the longest terminator, have room in it in every encoding.
const SMALLEST_RECORD = 1024;

/** Bytes that a record may have at most, as {@link parseSize}. */
export function parseRecordBytes(value: unknown): number | undefined {
  const bytes = parseSize(value) ?? 0;
  return bytes >= SMALLEST_RECORD ? bytes : undefined;
}

/** Of a hundred: more than 0 and less than 100, as a number or as a text such as "10%". */
export function parsePercent(value: unknown): number | undefined {
  const percent = typeof value === "string" && /^\d+(\.\d+)?%?$/.test(value) ? Number.parseFloat(value) : value;
  return typeof percent === "number" && percent > 0 && percent < 100 ? percent : undefined;
}

export function moreThanNothing(
  parser: (value: unknown) => number | undefined,
): (value: unknown) => number | undefined {
  return (value) => parser(value) || undefined;
}

export function parseQueueBytes(value: unknown): number | undefined {
  const bytes = parseSize(value) ?? 0; // and places in the queue are kept in 32 bits
  return bytes > 0 && bytes < 2 ** 31 ? bytes : undefined;
}

/** A number of seconds, minutes, hours or days; or of midnights; or a day of the week, W0 being Monday. */
export const WHENS = ["S", "M", "H", "D", "MIDNIGHT", "W0", "W1", "W2", "W3", "W4", "W5", "W6"] as const;
/** Those that begin on the clock of the zone, whenever the log was begun. */
export const CALENDAR_WHENS = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY"] as const;
type When = (typeof WHENS)[number] | (typeof CALENDAR_WHENS)[number];
/** Two are others by another name: {@link calendarOf}. */
export type PeriodName = Exclude<When, "DAILY" | "WEEKLY">;

/** A cron expression of five fields, or six with seconds in front. Which ones there are knows the package alone. */
export type Cron = `${string} ${string}`;

const FIELDS = /^\S+(?:\s+\S+){4,5}$/;

export function isCron(when: string): when is Cron {
  return when.includes(" ");
}

export function parseWhen(value: unknown): When | Cron | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  if (FIELDS.test(text)) return text.replace(/\s+/g, " ") as Cron;
  return [...WHENS, ...CALENDAR_WHENS].find((when) => typeof value === "string" && when === value.toUpperCase());
}

/** In the words of Python's handlers, where these have some: so its processes keep the same boundaries. */
export function calendarOf(
  when: When | Cron,
  atTime: number | undefined,
): { when: PeriodName | Cron; atTime: number | undefined } {
  if (when === "DAILY") return { when: "MIDNIGHT", atTime };
  if (when === "WEEKLY") return { when: "W0", atTime: atTime ?? 0 }; // else the midnight that ends Monday
  return { when, atTime };
}

/** Seconds since midnight. */
export function parseTimeOfDay(value: unknown): number | undefined {
  const match = typeof value === "string" ? /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(value) : null;
  if (match === null) return undefined;
  const [, hours, minutes, seconds = 0] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

export function parseCompression(value: unknown): Compression | false | undefined {
  if (value === false) return false;
  const { format, level, ...rest } = (typeof value === "string" ? { format: value } : Object(value)) as Compression;
  if (Object.keys(rest).length > 0 || !Object.hasOwn(FORMATS, format)) return undefined;
  const { create, levels } = FORMATS[format];
  if (create === undefined) return undefined;
  if (level === undefined) return { format };
  return Number.isInteger(level) && level >= levels[0] && level <= levels[1] ? { format, level } : undefined;
}

// Windows has no such numbers: whoever opens a file there says so, once.
const NOBODY = { uid: 2 ** 32 - 1, gid: 2 ** 32 - 1 };

export function parseOwner(value: unknown): { uid: number; gid: number } | undefined {
  const pair: unknown = typeof value === "string" ? value.split(":") : value;
  if (!Array.isArray(pair) || pair.length !== 2) return undefined;
  if (process.platform === "win32") return NOBODY;
  const uid = typeof pair[0] === "string" ? loadLibc().userId(pair[0]) : parseCount(pair[0]);
  const gid = typeof pair[1] === "string" ? loadLibc().groupId(pair[1]) : parseCount(pair[1]);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** The value of a flag: a number where the text is one; any other text as it is, for the handler to refuse. */
export function number(text: string): unknown {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** As {@link number}, of true and false. */
export function bool(text: string): unknown {
  return text === "true" ? true : text === "false" ? false : text;
}
