import { basename, dirname, join } from "node:path";
import type { DatedBackup } from "./backup-names.js";
import { COMPRESSED, type Extension, oneOf } from "./compression-formats.js";

/* Hidden names of files beside a log, each with its inverse: backup-names.ts has the rule. */

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

// Larger ones were put there by hand: the name of the next would not read back, and nobody would find its records.
export const LARGEST_SEQUENCE = 8_999_999_999;
const PENDING = /^([0-8]\d{9})\.(0|[0-9a-f]+-[0-9a-f]+|[\d_-]+@\d{1,15})\.(pending|published)$/;
const HAS_SEQUENCE = /^([0-8]\d{9})\./;
const COMPRESSED_FORM = new RegExp(`^[0-8]\\d{9}${oneOf(COMPRESSED)}$`);
const UNFINISHED = /^[0-8]\d{9}\.[0-9a-f]{8}\.unfinished$/;
const SPILL = /^[1-9]\d*\.[0-9a-f]{8}\.spill$/;
const SEQUENCE_DIGITS = 10;

export function pendingPath(log: string, { sequence, place, state }: Pending): string {
  return hidden(log, `${digits(sequence)}.${place}.${state}`);
}

/** The inverse of {@link pendingPath}, from a name in the directory of `log`. */
export function parsePending(log: string, name: string): Pending | undefined {
  const match = parseHidden(log, name, PENDING);
  if (match === null) return undefined;
  const [, sequence, place, state] = match as unknown as [string, string, string, Pending["state"]];
  return { sequence: Number(sequence), place, state };
}

/** The sequence of a hidden name, complete or not: what is set aside next must not meet anything that has it. */
export function parseSequence(log: string, name: string): number | undefined {
  const match = parseHidden(log, name, HAS_SEQUENCE);
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

/** True for what {@link compressedPath} makes, from a name in the directory of `log`. */
export function isCompressedForm(log: string, name: string): boolean {
  return parseHidden(log, name, COMPRESSED_FORM) !== null;
}

/** A compressed form that is being written. `random` makes the name new: nobody else writes to it, or publishes it. */
export function unfinishedPath(log: string, sequence: number, random: string): string {
  return hidden(log, `${digits(sequence)}.${random}.unfinished`);
}

/** True for what {@link unfinishedPath} makes, from a name in the directory of `log`. */
export function isUnfinished(log: string, name: string): boolean {
  return parseHidden(log, name, UNFINISHED) !== null;
}

/** What a process locks while it compresses files of a log. Beside the log, since so are they: ".__app.log.sweep". */
export function sweepLockPath(log: string): string {
  return hidden(log, "sweep");
}

/** A file of records that wait for the lock, of process `pid`; `random` makes it new. */
export function spillPath(log: string, pid: number, id: number): string {
  return hidden(log, `${pid}.${id.toString(16).padStart(8, "0")}.spill`);
}

/** The inverse of {@link spillPath}: the number of 32 bits that tells the spills of one process apart. */
export function spillId(path: string): number {
  return Number.parseInt(path.slice(-".01234567.spill".length + 1), 16);
}

/** True for what {@link spillPath} makes, from a name in the directory of `log`. */
export function isSpill(log: string, name: string): boolean {
  return parseHidden(log, name, SPILL) !== null;
}

/** Where the writers of a log leave their settings: "app.log" -> ".__app.log.settings". Nobody looks for such names. */
export function settingsPath(log: string): string {
  return hidden(log, "settings");
}

function hidden(log: string, rest: string): string {
  return join(dirname(log), `.__${basename(log)}.${rest}`);
}

/** The inverse of {@link hidden}, for a rest of this form. */
function parseHidden(log: string, name: string, rest: RegExp): RegExpExecArray | null {
  const prefix = basename(hidden(log, ""));
  return name.startsWith(prefix) ? rest.exec(name.slice(prefix.length)) : null;
}

function digits(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, "0");
}
