import { offsetText, type WallTime } from "./wall-time.js";

/*
 * C's strftime as Python calls it on Linux, in the C locale. Ours, since those on npm have neither time zones nor C's
 * flags, and give letters such as %f other meanings.
 */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ..."January February March April May June July".split(" "),
  ..."August September October November December".split(" "),
];
const DAY = 86_400_000;

/** Days since the 1st of January, which is 0. */
function dayOfYear({ fields }: WallTime): number {
  const midnight = Date.UTC(fields.getUTCFullYear(), fields.getUTCMonth(), fields.getUTCDate());
  return Math.round((midnight - Date.UTC(fields.getUTCFullYear(), 0, 1)) / DAY);
}

/** Week of the year, the first one beginning with the first such day; 0 before it. */
function weekFrom(firstDay: number, time: WallTime): number {
  return Math.floor((dayOfYear(time) + 7 - ((time.fields.getUTCDay() + 7 - firstDay) % 7)) / 7);
}

/** The Thursday of the same week: its year and week are those of ISO 8601. */
function thursday({ fields }: WallTime): Date {
  return new Date(fields.getTime() + (4 - (fields.getUTCDay() || 7)) * DAY);
}

function isoWeek(time: WallTime): number {
  const day = thursday(time);
  return 1 + Math.floor((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / DAY / 7);
}

/** A number, how wide it is written, and what fills it. */
type Numeric = readonly [value: number, width: number, fill?: "0" | " "];

const NUMBERS: Readonly<Record<string, (time: WallTime) => Numeric>> = {
  C: ({ fields }) => [Math.floor(fields.getUTCFullYear() / 100), 2],
  d: ({ fields }) => [fields.getUTCDate(), 2],
  e: ({ fields }) => [fields.getUTCDate(), 2, " "],
  g: (time) => [thursday(time).getUTCFullYear() % 100, 2],
  G: (time) => [thursday(time).getUTCFullYear(), 1],
  H: ({ fields }) => [fields.getUTCHours(), 2],
  I: ({ fields }) => [fields.getUTCHours() % 12 || 12, 2],
  j: (time) => [dayOfYear(time) + 1, 3],
  k: ({ fields }) => [fields.getUTCHours(), 2, " "],
  l: ({ fields }) => [fields.getUTCHours() % 12 || 12, 2, " "],
  m: ({ fields }) => [fields.getUTCMonth() + 1, 2],
  M: ({ fields }) => [fields.getUTCMinutes(), 2],
  s: ({ epoch }) => [epoch, 1],
  S: ({ fields }) => [fields.getUTCSeconds(), 2],
  u: ({ fields }) => [fields.getUTCDay() || 7, 1],
  U: (time) => [weekFrom(0, time), 2],
  V: (time) => [isoWeek(time), 2],
  w: ({ fields }) => [fields.getUTCDay(), 1],
  W: (time) => [weekFrom(1, time), 2],
  y: ({ fields }) => [fields.getUTCFullYear() % 100, 2],
  Y: ({ fields }) => [fields.getUTCFullYear(), 1],
};

const TEXTS: Readonly<Record<string, (time: WallTime) => string>> = {
  a: ({ fields }) => DAYS[fields.getUTCDay()]!.slice(0, 3),
  A: ({ fields }) => DAYS[fields.getUTCDay()]!,
  b: ({ fields }) => MONTHS[fields.getUTCMonth()]!.slice(0, 3),
  B: ({ fields }) => MONTHS[fields.getUTCMonth()]!,
  h: ({ fields }) => MONTHS[fields.getUTCMonth()]!.slice(0, 3),
  n: () => "\n",
  p: ({ fields }) => (fields.getUTCHours() < 12 ? "AM" : "PM"),
  P: ({ fields }) => (fields.getUTCHours() < 12 ? "am" : "pm"),
  t: () => "\t",
  z: ({ offset }) => offsetText(offset),
  Z: (time) => time.zone.abbreviation(time),
  "%": () => "%",
};

const SHORTHANDS: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

/** A time as text. Letters that stand for nothing are left as they are, as C does. */
export function strftime(format: string, time: WallTime): string {
  return format.replace(
    /%([-_0^#]?)(\d{0,3})[EO]?([a-zA-Z%])/g,
    (whole, flag: string, width: string, letter: string) => {
      const number = NUMBERS[letter]?.(time);
      if (number !== undefined) return numberText(number, flag, width);
      const text = SHORTHANDS[letter] === undefined ? TEXTS[letter]?.(time) : strftime(SHORTHANDS[letter], time);
      if (text === undefined) return whole;
      const isOtherCase = flag === "#" && (letter === "p" || letter === "Z");
      const cased = isOtherCase
        ? text.toLowerCase()
        : (flag === "^" || flag === "#") && letter !== "P"
          ? text.toUpperCase()
          : text;
      return cased.padStart(Number(width), flag === "0" ? "0" : " ");
    },
  );
}

function numberText([value, width, fill = "0"]: Numeric, flag: string, wider: string): string {
  const size = flag === "-" ? 0 : Number(wider || width);
  const filler = flag === "_" ? " " : flag === "0" ? "0" : fill;
  if (filler === " ") return String(value).padStart(size, " ");
  return (value < 0 ? "-" : "") + String(Math.abs(value)).padStart(size, "0");
}
