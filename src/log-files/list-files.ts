import { basename, dirname, join } from "node:path";
import { FileStatus, type FileSystem } from "../platform/file-system.js";
import { byPeriod, parseDated, parseLeftover, parseNumbered } from "./backup-names.js";
import { COMPRESSED, type Extension } from "./compression-formats.js";
import { hiddenFormPath, parseHiddenPending } from "./hidden-names.js";
import { pathOnDisk } from "./named-backups.js";
import { occupantOf } from "./path-type.js";
import { NO_PLACE, type Pending, parseDatedPlace, parsePending } from "./pending-names.js";

/** A file that holds records of a log, as it was when somebody looked. */
export interface LogFile {
  /** Where it is on the disk. */
  readonly path: string;
  /** Its default name, which says what it is: `namedBackups` may have another one on the disk. */
  readonly name: string;
  /** Says how it is compressed. */
  readonly extension: Extension;
  /** `waiting`: rotated, and to be replaced by its compressed form. */
  readonly kind: "active" | "backup" | "waiting";
  readonly status: FileStatus;
}

/** A numbered backup. */
export type Numbered = LogFile & { readonly n: number };
/** A rotated file that waits. */
export type Waiting = LogFile & Pending;
type Merge = (sequences: readonly LogFile[][]) => LogFile[];

/** Reads a name in the directory of a log; undefined for one of another kind. */
type Parse<Parsed> = (log: string, name: string) => Parsed | undefined;

/**
 * All files that hold records of a log, oldest first, the active one last, each record in one of them; as far as nobody
 * renames any meanwhile (see `stillPicture`). Backups named by a namer are not found.
 */
export function listLogFiles(fs: FileSystem, log: string): LogFile[] {
  const names = fs.readdir(dirname(log));
  const waiting = listWaiting(fs, log, names);
  // First: of one name, what waits was rotated before what has it, since upstream cannot see it.
  const datedWaiting = waiting.flatMap((file) => {
    const name = parseDatedPlace(file.place);
    return name === undefined ? [] : [{ ...file, ...name }];
  });
  const dated = [...datedWaiting, ...look(fs, log, names, "backup", parseDated)].sort(byPeriod);
  const unnamed = waiting.filter(({ place }) => parseDatedPlace(place) === undefined);
  const numbered = look(fs, log, names, "backup", parseNumbered);
  const active = look(fs, log, names, "active", parseActive);
  return [...merge([...placeWaiting(numbered, unnamed), dated, listLeftovers(fs, log, names)]), ...active];
}

/**
 * Rotated files that wait, each record in one of them.
 * @param names of the directory
 */
export function listWaiting(
  fs: FileSystem,
  log: string,
  names: readonly string[] = fs.readdir(dirname(log)),
): Waiting[] {
  return withoutTwins([
    ...look(fs, log, names, "waiting", parsePending),
    ...look(fs, log, names, "waiting", parseHidden(names)),
  ]);
}

/**
 * What upstream was rotating when it was killed, oldest first. It compresses before it deletes the original: while that
 * is there, the compressed form may be cut off, and does not count.
 * @param names of the directory
 */
export function listLeftovers(fs: FileSystem, log: string, names = fs.readdir(dirname(log))): LogFile[] {
  const parse: Parse<{ extension: Extension }> = (_, name) => {
    const leftover = parseLeftover(log, name);
    const isHalf = leftover?.extension && names.includes(name.slice(0, -leftover.extension.length));
    return isHalf ? undefined : leftover;
  };
  return look(fs, log, names, "backup", parse).sort(byTime);
}

/** What `parse` reads out of these names in the directory of a log, and their paths. */
export function parseNames<Parsed extends object>(
  log: string,
  names: readonly string[],
  parse: Parse<Parsed>,
): (Parsed & { readonly name: string; readonly path: string })[] {
  const base = basename(log);
  return names.flatMap((name) => {
    const parsed = name.includes(base) ? parse(log, name) : undefined;
    return parsed === undefined ? [] : [{ ...parsed, name, path: join(dirname(log), name) }];
  });
}

/**
 * Paths of the files beside a log whose names are of one kind, such as `isSpill`.
 * @param names of the directory
 */
export function pathsOf(
  fs: FileSystem,
  log: string,
  isOfKind: (log: string, name: string) => boolean,
  names: readonly string[] = fs.readdir(dirname(log)),
): string[] {
  return names.filter((name) => isOfKind(log, name)).map((name) => join(dirname(log), name));
}

function look<Parsed extends { readonly extension: Extension }>(
  fs: FileSystem,
  log: string,
  names: readonly string[],
  kind: LogFile["kind"],
  parse: Parse<Parsed>,
): (Parsed & LogFile)[] {
  return parseNames(log, names, parse).flatMap((found) => {
    const parsed = { ...found, path: pathOnDisk(fs, found.path) };
    const status = new FileStatus();
    const occupant = occupantOf(fs, parsed.path, status);
    // What else has the name of a log or of a backup is told of when it is to be read.
    const isTold = occupant === "other" && kind !== "waiting" && !status.isSymbolicLink;
    return occupant === "file" || isTold ? [{ ...parsed, kind, status }] : [];
  });
}

function parseActive(log: string, name: string): { extension: Extension } | undefined {
  return name === basename(log) ? { extension: "" } : undefined;
}

/**
 * What an older version has left under a hidden name. One that was published is a backup already, unless its compressed
 * form has not got its public name.
 */
function parseHidden(names: readonly string[]): Parse<Pending> {
  return (log, name) => {
    const found = parseHiddenPending(log, name);
    if (found === undefined) return undefined;
    const { sequence, place, state } = found;
    const forms = COMPRESSED.map((extension) => basename(hiddenFormPath(log, { sequence, extension })));
    const isWaiting = state === "pending" || forms.some((form) => names.includes(form));
    return isWaiting ? { sequence, place, unique: "", extension: "" } : undefined;
  };
}

/**
 * Without compressed forms of files that are still there: a sweep is between two calls, or was killed there, and the file
 * is whole in any case.
 */
function withoutTwins(waiting: Waiting[]): Waiting[] {
  const key = ({ sequence, unique }: Waiting) => `${sequence} ${unique}`;
  const plain = new Set(waiting.filter(({ extension }) => extension === "").map(key));
  return waiting.filter((file) => file.extension === "" || !plain.has(key(file)));
}

/** Seconds. A compressed file has the time of its original, but for what a double cannot hold of it. */
export const SAME_TIME = 2e-6;

/** As far as one can tell without reading them. */
export function isCompressedFormOf(file: LogFile, original: Pick<LogFile, "extension" | "status">): boolean {
  const { status, extension } = file;
  return (
    extension !== "" &&
    original.extension === "" &&
    Math.abs(status.modifiedAt - original.status.modifiedAt) < SAME_TIME
  );
}

// Sequences of older versions are counts, and no milliseconds.
const FIRST_TIME = 1e10;

/**
 * True for a file that waits in a directory that was copied without the times of its files, to which the one before it
 * is not known any more: later than the file's name says. Nobody has made a backup since, as far as one can tell.
 */
export function hasLostItsPlace({ place, sequence, status }: Pick<Waiting, "place" | "sequence" | "status">): boolean {
  return place !== NO_PLACE && sequence >= FIRST_TIME && status.modifiedAt * 1000 > sequence + 2;
}

/**
 * Numbered backups, a sequence for each kind of file, each oldest first; one sequence where the plain ones have the
 * lowest numbers, as logrotate's delaycompress leaves them: then no times are needed. A file that waits comes right behind the one
 * that was the newest when it was rotated; those of which that is gone, or never was, are a sequence of their own.
 * @param mergeAll brings sequences together where they must be one
 */
export function placeWaiting(numbered: Numbered[], waiting: Waiting[], mergeAll: Merge = merge): LogFile[][] {
  const sequences = new Map<Extension, LogFile[]>();
  for (const file of numbered.sort((a, b) => b.n - a.n)) {
    const sequence = sequences.get(file.extension);
    if (sequence === undefined) sequences.set(file.extension, [file]);
    else sequence.push(file);
  }
  const unplaced: Waiting[] = [];
  /** Of a copied directory, and what was rotated after them. */
  const lost: Waiting[] = [];
  const waitingBehind = new Map<LogFile, Waiting[]>();
  /** The same lists by fingerprint, of backups and of what waits in them. */
  const lists = new Map<string, Waiting[]>();
  for (const file of waiting.length === 0 ? [] : [...sequences.values()].flat()) {
    const { fingerprint } = file.status;
    if (lists.has(fingerprint)) continue;
    const list: Waiting[] = [];
    waitingBehind.set(file, list);
    lists.set(fingerprint, list);
  }
  // The oldest first: one of them may be behind another, and each is newer than all that wait there already.
  for (const file of waiting.sort((a, b) => a.sequence - b.sequence)) {
    const others = lists.get(file.place);
    if (lost.length > 0 || (others === undefined && hasLostItsPlace(file))) lost.push(file);
    else if (others === undefined) unplaced.push(file);
    else {
      others.push(file);
      const { fingerprint } = file.status;
      if (!lists.has(fingerprint)) lists.set(fingerprint, others);
    }
  }
  for (const [extension, files] of sequences) {
    const withWaiting = files.flatMap((file) => [file, ...(waitingBehind.get(file) ?? [])]);
    sequences.set(extension, withWaiting);
  }
  const placed = [...plainNewest(sequences, numbered, mergeAll), unplaced];
  return lost.length === 0 ? placed : [[...mergeAll(placed), ...lost]];
}

/** One sequence where the plain files have the lowest numbers; else one for each kind. */
function plainNewest(
  sequences: Map<Extension, LogFile[]>,
  numbered: readonly Numbered[],
  mergeAll: Merge,
): LogFile[][] {
  const compressed = numbered.filter(({ extension }) => extension !== "").map(({ n }) => n);
  const plain = numbered.filter(({ extension }) => extension === "").map(({ n }) => n);
  if (plain.length === 0 || Math.max(...plain) >= Math.min(...compressed)) return [...sequences.values()];
  const newest = sequences.get("") ?? [];
  sequences.delete("");
  return [[...mergeAll([...sequences.values()]), ...newest]];
}

function byTime(a: LogFile, b: LogFile): number {
  return a.status.modifiedAt - b.status.modifiedAt;
}

/** One sequence out of several, by the times of the last records; the order within each stays as it is. */
function merge(sequences: readonly LogFile[][]): LogFile[] {
  const left = sequences.filter(({ length }) => length > 0).map((files) => ({ files, next: 0 }));
  const merged: LogFile[] = [];
  while (left.length > 1) {
    const heads = left.map(({ files, next }) => files[next]!);
    const oldest = heads.reduce((best, head, i) => (byTime(head, heads[best]!) < 0 ? i : best), 0);
    merged.push(heads[oldest]!);
    const sequence = left[oldest]!;
    sequence.next++;
    if (sequence.next === sequence.files.length) left.splice(oldest, 1);
  }
  for (const { files, next } of left) merged.push(...files.slice(next));
  return merged;
}
