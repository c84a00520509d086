import { basename, dirname, join, resolve } from "node:path";
import { inspect } from "node:util";

/*
 * Names of rotated files, and of the hidden ones on the way there. Each name is written by one function here and read
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

/** How compressed files are called; the empty extension is a plain file. */
export type Extension = "" | ".gz" | ".br" | ".zst";

const NUMBERED = /^\.([1-9]\d*)(|\.gz|\.br|\.zst)$/;

/** The inverse of {@link numberedName} without a namer, from a name in the directory of `log`. */
export function parseNumbered(log: string, name: string): { n: number; extension: Extension } | undefined {
  const base = basename(log);
  const match = name.startsWith(base) ? NUMBERED.exec(name.slice(base.length)) : null;
  return match === null ? undefined : { n: Number(match[1]), extension: match[2] as Extension };
}

const LEFTOVER = /^\.rotate\.[0-9a-f]{8,20}(|\.gz)$/;

/** What upstream calls a file while it rotates it: "app.log.rotate.1234567890", also with ".gz". */
export function parseLeftover(log: string, name: string): { extension: Extension } | undefined {
  const base = basename(log);
  const match = name.startsWith(base) ? LEFTOVER.exec(name.slice(base.length)) : null;
  return match === null ? undefined : { extension: match[1] as Extension };
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

const STAMP_IN_NAME = /\d{4}-\d\d-\d\d(?:_\d\d(?:-\d\d(?:-\d\d)?)?)?/g;
const COUNTER_AND_EXTENSION = /^(?:\.([1-9]\d{0,14}))?(|\.gz|\.br|\.zst)$/;

/** The inverse of {@link datedName}, from a name in the directory of the backups; `isStamp` says what is one here. */
export function parseDated(
  log: string,
  name: string,
  isStamp: (text: string) => boolean,
  namer?: Namer,
): (DatedBackup & { readonly extension: Extension }) | undefined {
  for (const [stamp] of name.matchAll(STAMP_IN_NAME)) {
    if (!isStamp(stamp)) continue;
    const first = basename(datedName(log, { stamp, counter: 0 }, namer));
    const rest = name.startsWith(first) ? COUNTER_AND_EXTENSION.exec(name.slice(first.length)) : null;
    if (rest !== null) return { stamp, counter: Number(rest[1] ?? 0), extension: rest[2] as Extension };
  }
  return undefined;
}

/** From the oldest to the newest: stamps sort as the wall times that they are. */
export function byPeriod(a: DatedBackup, b: DatedBackup): number {
  return a.stamp === b.stamp ? a.counter - b.counter : a.stamp < b.stamp ? -1 : 1;
}

/** {@link Pending.place} of a file that was set aside when there was no backup. */
export const NO_PLACE = "0";

/**
 * A rotated file on its way to a compressed backup. It waits under a hidden name, since upstream, with gzip on, removes
 * a plain "app.log.1"; and hidden names match no shipper's "app.log*".
 */
export interface Pending {
  /** Order of rotation; the next one is larger. */
  readonly sequence: number;
  /**
   * Where it belongs. Among numbered backups, the fingerprint of the one that was the newest when this file was rotated:
   * its place is in front of that one ({@link NO_PLACE}: there was none). Among dated ones, its name: see {@link datedPlace}.
   */
  readonly place: string;
  /**
   * `pending`: yet to be compressed; a compressed form beside it does not count.
   * `published`: compressed; the result has its public name, or is to be given it.
   */
  readonly state: "pending" | "published";
}

const SEQUENCE_DIGITS = 10;
const PENDING = /^(\d{10})\.(0|[0-9a-f]+-[0-9a-f]+|[\d_-]+@\d{1,15})\.(pending|published)$/;

export function pendingPath(log: string, { sequence, place, state }: Pending): string {
  return hidden(log, `${digits(sequence)}.${place}.${state}`);
}

/** The inverse of {@link pendingPath}, from a name in the directory of `log`. */
export function parsePending(log: string, name: string): Pending | undefined {
  const prefix = basename(hidden(log, ""));
  const match = name.startsWith(prefix) ? PENDING.exec(name.slice(prefix.length)) : null;
  if (match === null) return undefined;
  const [, sequence, place, state] = match as unknown as [string, string, string, Pending["state"]];
  return { sequence: Number(sequence), place, state };
}

const HAS_SEQUENCE = /^(\d{10})\./;

/** The sequence of a hidden name, complete or not: what is set aside next must not meet anything that has it. */
export function parseSequence(log: string, name: string): number | undefined {
  const prefix = basename(hidden(log, ""));
  const match = name.startsWith(prefix) ? HAS_SEQUENCE.exec(name.slice(prefix.length)) : null;
  return match === null ? undefined : Number(match[1]);
}

/** {@link Pending.place} among dated backups. */
export function datedPlace({ stamp, counter }: DatedBackup): string {
  return `${stamp}@${counter}`;
}

/** The inverse of {@link datedPlace}; undefined for a place among numbered backups. */
export function parseDatedPlace(place: string): DatedBackup | undefined {
  const [stamp, counter] = place.split("@");
  return counter === undefined ? undefined : { stamp: stamp!, counter: Number(counter) };
}

/** The compressed form of a pending file, whole, before it gets its public name. */
export function compressedPath(log: string, sequence: number, extension: Extension): string {
  return hidden(log, `${digits(sequence)}${extension}`);
}

const COMPRESSED = /^\d{10}\.(gz|br|zst)$/;

/** True for what {@link compressedPath} makes, from a name in the directory of `log`. */
export function isCompressedForm(log: string, name: string): boolean {
  const prefix = basename(hidden(log, ""));
  return name.startsWith(prefix) && COMPRESSED.test(name.slice(prefix.length));
}

/** A compressed form that is being written. `random` makes the name new: nobody else writes to it, or publishes it. */
export function unfinishedPath(log: string, sequence: number, random: string): string {
  return hidden(log, `${digits(sequence)}.${random}.unfinished`);
}

const UNFINISHED = /^\d{10}\.[0-9a-f]{8}\.unfinished$/;

/** True for what {@link unfinishedPath} makes, from a name in the directory of `log`. */
export function isUnfinished(log: string, name: string): boolean {
  const prefix = basename(hidden(log, ""));
  return name.startsWith(prefix) && UNFINISHED.test(name.slice(prefix.length));
}

/** What a process locks while it compresses files of a log. Beside the log, since so are they: ".__app.log.sweep". */
export function sweepLockPath(log: string): string {
  return hidden(log, "sweep");
}

/** A file of records that wait for the lock, of process `pid`; `random` makes it new. */
export function spillPath(log: string, pid: number, random: string): string {
  return hidden(log, `${pid}.${random}.spill`);
}

const SPILL = /^[1-9]\d*\.[0-9a-f]{8}\.spill$/;

/** True for what {@link spillPath} makes, from a name in the directory of `log`. */
export function isSpill(log: string, name: string): boolean {
  const prefix = basename(hidden(log, ""));
  return name.startsWith(prefix) && SPILL.test(name.slice(prefix.length));
}

/** Where the writers of a log leave their settings: "app.log" -> ".__app.log.settings". Nobody looks for such names. */
export function settingsPath(log: string): string {
  return hidden(log, "settings");
}

function hidden(log: string, rest: string): string {
  return join(dirname(log), `.__${basename(log)}.${rest}`);
}

function digits(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, "0");
}
