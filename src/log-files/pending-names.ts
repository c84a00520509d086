import { basename, dirname, join } from "node:path";
import { lazyPackages } from "../platform/lazy-packages.js";
import type { DatedBackup } from "./backup-names.js";
import { EXTENSIONS, type Extension, oneOf } from "./compression-formats.js";
import { wallTimeOf } from "./stamps.js";

/* Names of rotated files that wait to become compressed backups, with their inverse: backup-names.ts has the rule. */

/** {@link Pending.place} of a file that was set aside when there was no backup. */
export const NO_PLACE = "0";

/**
 * A rotated file on its way to a compressed backup. "app.log*" finds it, since it may be the only one that has its records.
 * No dot follows the name of the log: upstream, with gzip on, deletes a plain "app.log.1", and in a log that is rotated by
 * time whatever begins with "app.log." and has a date, or ends with ".gz".
 */
export interface Pending {
  /** Order of rotation; the next one is larger. */
  readonly sequence: number;
  /**
   * Where it belongs. Among numbered backups, the fingerprint of the one that was the newest when this file was rotated:
   * its place is in front of that one ({@link NO_PLACE}: there was none). Among dated ones, its name: see {@link datedPlace}.
   */
  readonly place: string;
  /** Eight random digits, so that no other file ever has this name, nor had. Its compressed form has them too. */
  readonly unique: string;
  /** "" = yet to be compressed; else it is complete, and yet to be numbered or dated. */
  readonly extension: Extension;
}

export const SEQUENCE_DIGITS = 13;
/** The form of `FileStatus.fingerprint`. A log "app.log-1715940000000" has files that wait, too, and shorter numbers in their names. */
export const FINGERPRINT = "[0-9a-f]{9,}-[0-9a-f]{17,}";
const PENDING = new RegExp(
  `^-(\\d{${SEQUENCE_DIGITS}})-(0|${FINGERPRINT}|\\d{6}(?:\\d\\d){0,4}@(?:0|[1-9]\\d{0,14}))-([0-9a-f]{8})${oneOf(EXTENSIONS)}$`,
);
const LONGEST_FINGERPRINT = 41;

/** By how much a name here is longer than that of its log; unfinished files and compressed backups have shorter tails. */
export const LONGEST_PENDING_TAIL = 1 + SEQUENCE_DIGITS + 1 + LONGEST_FINGERPRINT + 1 + 8 + ".zst".length;

/** "app.log" -> "app.log-1715940000123-20240517@0-0123abcd", and with ".gz". */
export function pendingPath(log: string, { sequence, place, unique, extension }: Pending): string {
  const compact = place.includes("@") ? place.replace(/[-_]/g, "") : place;
  const digits = String(sequence).padStart(SEQUENCE_DIGITS, "0");
  return join(dirname(log), `${basename(log)}-${digits}-${compact}-${unique}${extension}`);
}

/** The inverse of {@link pendingPath}, from a name in the directory of `log`. */
export function parsePending(log: string, name: string): Pending | undefined {
  const base = basename(log);
  const match = name.startsWith(base) ? PENDING.exec(name.slice(base.length)) : null;
  if (match === null) return undefined;
  const [, digits, written, unique, extension] = match as unknown as [string, string, string, string, Extension];
  const place = written.includes("@") ? spreadOut(written) : written;
  const dated = parseDatedPlace(place);
  if (dated !== undefined && wallTimeOf(dated.stamp) === undefined) return undefined;
  return { sequence: Number(digits), place, unique, extension };
}

/** A stamp without what stands between its parts, which upstream could take for one of its own, and a counter. */
function spreadOut(place: string): string {
  const [digits, counter] = place.split("@") as [string, string];
  const [century, year, month, ...rest] = digits.match(/\d\d/g)!;
  const [day, ...time] = rest;
  const date = `${century}${year}-${month}${day === undefined ? "" : `-${day}`}`;
  return `${time.length === 0 ? date : `${date}_${time.join("-")}`}@${counter}`;
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

/** {@link Pending.unique} of a new file. */
export function newUnique(): string {
  return lazyPackages().crypto().randomBytes(4).toString("hex");
}
