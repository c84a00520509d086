import { basename, dirname, join } from "node:path";
import { COMPRESSED, type Extension, oneOf } from "./compression-formats.js";
import { FINGERPRINT, SEQUENCE_DIGITS } from "./pending-names.js";

/* Hidden names of files beside a log, each with its inverse: backup-names.ts has the rule. */

const UNFINISHED = /^(\d{10,13})\.[0-9a-f]{8}\.unfinished$/;
const CURSOR = /^([^.*>/\\\s]+)\.cursor$/;
const SPILL = /^[1-9]\d*\.[0-9a-f]{8}\.spill$/;

/**
 * A compressed form that is being written: a copy, and the only kind of file with records that is hidden for longer than
 * a call. `random` makes the name new: nobody else writes to it, or publishes it.
 */
export function unfinishedPath(log: string, sequence: number, random: string): string {
  return hidden(log, `${String(sequence).padStart(SEQUENCE_DIGITS, "0")}.${random}.unfinished`);
}

/** The sequence in what {@link unfinishedPath} makes, from a name in the directory of `log`. */
export function parseUnfinished(log: string, name: string): number | undefined {
  const match = parseHidden(log, name, UNFINISHED);
  return match === null ? undefined : Number(match[1]);
}

/** True for what {@link unfinishedPath} makes, from a name in the directory of `log`. */
export function isUnfinished(log: string, name: string): boolean {
  return parseUnfinished(log, name) !== undefined;
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

/** How far a stream of that name is in the log. Such a name has no dot (NATS), so the name of the log is what is before it. */
export function cursorPath(log: string, stream: string): string {
  return hidden(log, `${stream}.cursor`);
}

/** The stream in what {@link cursorPath} makes, from a name in the directory of `log`. */
export function parseCursor(log: string, name: string): string | undefined {
  return parseHidden(log, name, CURSOR)?.[1];
}

/** True for what {@link cursorPath} makes, from a name in the directory of `log`. */
export function isCursor(log: string, name: string): boolean {
  return parseCursor(log, name) !== undefined;
}

/** Where the writers of a log leave their settings: "app.log" -> ".__app.log.settings". Nobody looks for such names. */
export function settingsPath(log: string): string {
  return hidden(log, "settings");
}

/** The inverse of {@link settingsPath}: the name of the log, from a name in its directory. */
export function logOfSettings(name: string): string | undefined {
  return /^\.__(.+)\.settings$/s.exec(name)?.[1];
}

/** Where processes note for which backups of a log the hook is done; locked by who runs it: ".__app.log.archived". */
export function archivedPath(log: string): string {
  return hidden(log, "archived");
}

/**
 * Where a log notes that its backups are in a directory.
 * @param path of a file of the name of the log there
 * @param host of these backups, where their names say it
 */
export function archiveClaimPath(path: string, host: string | undefined): string {
  return hidden(path, `${host === undefined ? "" : `${host}.`}archive`);
}

/**
 * A file that waits under the hidden name that it had until pending-names.ts, as a process of an older version leaves it:
 * `.__app.log.0000000001.0.pending`.
 */
export interface HiddenPending {
  readonly sequence: number;
  /** As `Pending.place`. */
  readonly place: string;
  /** `published`: compressed, and the result has its public name, or is to be given it. */
  readonly state: "pending" | "published";
}

// What begins with a nine was put there by hand: no version of us came so far.
const HIDDEN_PENDING = new RegExp(
  `^([0-8]\\d{9})\\.(0|${FINGERPRINT}|\\d{4}-\\d\\d-\\d\\d(?:_\\d\\d(?:-\\d\\d){0,2})?@(?:0|[1-9]\\d{0,14}))\\.(pending|published)$`,
);
const HIDDEN_FORM = new RegExp(`^([0-8]\\d{9})${oneOf(COMPRESSED)}$`);
const HIDDEN_SEQUENCE_DIGITS = 10;

/** From a name in the directory of `log`. Nobody makes such names any more. */
export function parseHiddenPending(log: string, name: string): HiddenPending | undefined {
  const match = parseHidden(log, name, HIDDEN_PENDING);
  if (match === null) return undefined;
  const [, sequence, place, state] = match as unknown as [string, string, string, HiddenPending["state"]];
  return { sequence: Number(sequence), place, state };
}

/** A compressed form of such a file, whole, that has no public name yet. */
export interface HiddenForm {
  readonly sequence: number;
  readonly extension: Extension;
}

export function hiddenFormPath(log: string, { sequence, extension }: HiddenForm): string {
  return hidden(log, `${String(sequence).padStart(HIDDEN_SEQUENCE_DIGITS, "0")}${extension}`);
}

/** The inverse of {@link hiddenFormPath}, from a name in the directory of `log`. */
export function parseHiddenForm(log: string, name: string): HiddenForm | undefined {
  const match = parseHidden(log, name, HIDDEN_FORM);
  return match === null ? undefined : { sequence: Number(match[1]), extension: match[2] as Extension };
}

/** By how much a spill's name is longer than that of its log, with the longest pid that a system gives. */
export const LONGEST_SPILL_TAIL = spillPath("", 4_294_967_295, 0).length;

/** The same of all other hidden files of a log that is not compressed, and of numbers up to ten digits. */
export const LONGEST_HIDDEN_TAIL = settingsPath("").length;

function hidden(log: string, rest: string): string {
  return join(dirname(log), `.__${basename(log)}.${rest}`);
}

/** The inverse of {@link hidden}, for a rest of this form. */
function parseHidden(log: string, name: string, rest: RegExp): RegExpExecArray | null {
  if (!name.startsWith(".__")) return null; // of the thousands of names that there may be
  const prefix = `.__${basename(log)}.`;
  return name.startsWith(prefix) ? rest.exec(name.slice(prefix.length)) : null;
}
