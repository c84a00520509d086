import { basename, dirname, resolve } from "node:path";
import { inspect } from "node:util";
import { EXTENSIONS, type Extension, oneOf } from "./compression-formats.js";
import { ANY_STAMP, wallTimeOf } from "./stamps.js";

/*
 * Names of rotated files; hidden-names.ts has those on the way there. Each name is written by one function here and read
 * back by its inverse; a file whose name does not read back completely is not ours and is never touched.
 */

/** The name of the nth rotated file of a log, 1 being the newest: "app.log" -> "app.log.1". */
export type Namer = (defaultName: string) => string;

export function numberedName(log: string, n: number, namer?: Namer): string {
  return named(`${log}.${n}`, namer);
}

/** What the user calls a file; a name without a directory is one beside the log, whatever the process has for its own. */
function named(defaultName: string, namer: Namer | undefined): string {
  if (namer === undefined) return defaultName;
  const name: unknown = namer(defaultName);
  if (typeof name === "string" && name !== "" && !name.includes("\0")) return resolve(dirname(defaultName), name);
  throw new TypeError(`the namer must return the path to use for ${defaultName}, not ${inspect(name)}`);
}

const NUMBERED = new RegExp(`^\\.([1-9]\\d{0,14})${oneOf(EXTENSIONS)}$`);

/** The inverse of {@link numberedName} without a namer, from a name in the directory of `log`. */
export function parseNumbered(log: string, name: string): { n: number; extension: Extension } | undefined {
  const match = parseAfter(basename(log), name, NUMBERED);
  return match === null ? undefined : { n: Number(match[1]), extension: match[2] as Extension };
}

const UPSTREAM_EXTENSION = ".gz";
const LEFTOVER = new RegExp(`^\\.rotate\\.[0-9a-f]{8,20}${oneOf(["", UPSTREAM_EXTENSION])}$`);

/** What upstream calls a file while it rotates it: "app.log.rotate.1234567890", also with ".gz". */
export function parseLeftover(log: string, name: string): { extension: Extension } | undefined {
  const match = parseAfter(basename(log), name, LEFTOVER);
  return match === null ? undefined : { extension: match[1] as Extension };
}

/** What upstream compresses such a file to, before it deletes the original. */
export function compressedLeftover(leftover: string): string {
  return leftover + UPSTREAM_EXTENSION;
}

/** A rotated file of a log that is rotated by time: its period, and its number in it when there are several. */
export interface DatedBackup {
  /** As `Boundaries.stamp` makes it: "2024-05-17_10". */
  readonly stamp: string;
  /** 0 for the first of the period, which has none in its name. */
  readonly counter: number;
}

/** "app.log" -> "app.log.2024-05-17", "app.log.2024-05-17.1". A namer is given the first of them, as upstream does. */
export function datedName(log: string, { stamp, counter }: DatedBackup, namer?: Namer): string {
  return `${named(`${log}.${stamp}`, namer)}${counter === 0 ? "" : `.${counter}`}`;
}

/** By how much the name of a dated backup is longer than that of its log. */
export const LONGEST_DATED_TAIL = ".2024-05-17_10-20-30".length + ".".length + 15;

const STAMP_IN_NAME = new RegExp(`(?=(${ANY_STAMP}))`, "g");
const STAMP_LENGTHS = [19, 16, 13, 10, 7];
const COUNTER_AND_EXTENSION = new RegExp(`^(?:\\.([1-9]\\d{0,14}))?${oneOf(EXTENSIONS)}$`);

/** The inverse of {@link datedName}, from a name in the directory of the backups; `isStamp` says what is one here. */
export function parseDated(
  log: string,
  name: string,
  isStamp: (text: string) => boolean = () => true,
  namer?: Namer,
): (DatedBackup & { readonly extension: Extension }) | undefined {
  for (const stamp of stampsIn(name)) {
    if (!isStamp(stamp)) continue;
    const first = basename(datedName(log, { stamp, counter: 0 }, namer));
    const rest = parseAfter(first, name, COUNTER_AND_EXTENSION);
    if (rest !== null) return { stamp, counter: Number(rest[1] ?? 0), extension: rest[2] as Extension };
  }
  return undefined;
}

/** All that a namer may have found in front of it: it may also put digits of its own around them. */
function* stampsIn(name: string): Iterable<string> {
  for (const [, longest] of name.matchAll(STAMP_IN_NAME) as Iterable<[string, string]>) {
    for (const length of STAMP_LENGTHS) {
      const stamp = longest.slice(0, length);
      if (stamp.length === length && wallTimeOf(stamp) !== undefined) yield stamp;
    }
  }
}

// Behind so many numbers that nobody has, numbers mean something else, such as a date.
export const LARGEST_GAP = 100;

/** The numbered files of a log out of these. */
export function withoutStrangers<Numbered extends { readonly n: number }>(files: readonly Numbered[]): Numbered[] {
  const sorted = [...files].sort((a, b) => a.n - b.n);
  const end = sorted.findIndex(({ n }, i) => n - (sorted[i - 1]?.n ?? 0) > LARGEST_GAP);
  return end === -1 ? sorted : sorted.slice(0, end);
}

function parseAfter(start: string, name: string, rest: RegExp): RegExpExecArray | null {
  return name.startsWith(start) ? rest.exec(name.slice(start.length)) : null;
}

/** From the oldest to the newest: stamps sort as the wall times that they are. */
export function byPeriod(a: DatedBackup, b: DatedBackup): number {
  return a.stamp === b.stamp ? a.counter - b.counter : a.stamp < b.stamp ? -1 : 1;
}
