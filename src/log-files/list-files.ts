import { basename, dirname, join } from "node:path";
import { FileStatus, type FileSystem } from "../platform/file-system.js";
import { byPeriod, type DatedBackup, parseDated, parseLeftover, parseNumbered } from "./backup-names.js";
import { COMPRESSED, type Extension } from "./compression-formats.js";
import { compressedPath, type Pending, parseDatedPlace, parsePending } from "./hidden-names.js";
import { occupantOf } from "./path-type.js";

/** A file that holds records of a log, as it was when somebody looked. */
export interface LogFile {
  readonly path: string;
  /** Says how it is compressed. */
  readonly extension: Extension;
  /** `waiting`: rotated, and to be replaced by its compressed form. */
  readonly kind: "active" | "backup" | "waiting";
  readonly status: FileStatus;
}

type Numbered = LogFile & { readonly n: number };
type Dated = LogFile & DatedBackup;
type Waiting = LogFile & Pending;

/**
 * All files that hold records of a log, oldest first, the active one last, each record in one of them; as far as nobody
 * renames any meanwhile (see `stillPicture`). Backups named by a namer are not found.
 */
export function collectLogFiles(fs: FileSystem, log: string): LogFile[] {
  const directory = dirname(log);
  const names = fs.readdir(directory);
  const all = new Set(names);
  const base = basename(log);
  const numbered: Numbered[] = [];
  const dated: Dated[] = [];
  const waiting: Waiting[] = [];
  const leftovers: LogFile[] = [];
  const active: LogFile[] = [];
  for (const name of names) {
    if (!name.includes(base)) continue;
    const look = (extension: Extension, kind: LogFile["kind"]): LogFile[] => {
      const status = new FileStatus();
      const path = join(directory, name);
      const occupant = occupantOf(fs, path, status);
      // What else has the name of a log or of a backup is told of when it is to be read.
      const isTold = occupant === "other" && kind !== "waiting" && !status.isSymbolicLink;
      return occupant === "file" || isTold ? [{ path, extension, kind, status }] : [];
    };
    if (name === base) {
      active.push(...look(extensionOf(name), "active"));
      continue;
    }
    const byNumber = parseNumbered(log, name);
    if (byNumber !== undefined) {
      for (const file of look(byNumber.extension, "backup")) numbered.push({ ...file, n: byNumber.n });
      continue;
    }
    const pending = parsePending(log, name);
    if (pending !== undefined) {
      if (pending.state === "published" && !hasCompressedForm(log, pending, all)) continue; // it is a backup already
      const place = parseDatedPlace(pending.place);
      for (const file of look("", "waiting")) {
        if (place === undefined) waiting.push({ ...file, ...pending });
        else dated.push({ ...file, ...place });
      }
      continue;
    }
    const leftover = parseLeftover(log, name);
    if (leftover !== undefined) {
      const isHalf = leftover.extension !== "" && all.has(name.slice(0, -leftover.extension.length));
      if (!isHalf) leftovers.push(...look(leftover.extension, "backup"));
      continue;
    }
    const period = parseDated(log, name);
    if (period !== undefined) {
      for (const file of look(period.extension, "backup")) dated.push({ ...file, ...period });
    }
  }
  return [...merge([...placeWaiting(numbered, waiting), dated.sort(byPeriod), leftovers.sort(byTime)]), ...active];
}

/** A compressed file that is named in place of a log is read as one. */
function extensionOf(name: string): Extension {
  return COMPRESSED.find((extension) => name.endsWith(extension)) ?? "";
}

/** True while the compressed form of a file has not got its public name. */
function hasCompressedForm(log: string, { sequence }: Pending, names: ReadonlySet<string>): boolean {
  return COMPRESSED.some((extension) => names.has(basename(compressedPath(log, sequence, extension))));
}

/**
 * Numbered backups, a sequence for each kind of file, each oldest first; one sequence where the plain ones have the
 * lowest numbers, as logrotate's delaycompress leaves them: then no times are needed. A file that waits comes right behind the one
 * that was the newest when it was rotated; those of which that is gone, or never was, are a sequence of their own.
 */
function placeWaiting(numbered: Numbered[], waiting: Waiting[]): LogFile[][] {
  const sequences = new Map<Extension, LogFile[]>();
  for (const file of numbered.sort((a, b) => b.n - a.n)) {
    const sequence = sequences.get(file.extension);
    if (sequence === undefined) sequences.set(file.extension, [file]);
    else sequence.push(file);
  }
  const unplaced: LogFile[] = [];
  // The newest first, so that each of several with one place ends up in front of those that came later.
  for (const file of waiting.sort((a, b) => b.sequence - a.sequence)) {
    const isBefore = ({ status }: LogFile) => status.fingerprint === file.place;
    const sequence = [...sequences.values()].find((files) => files.some(isBefore));
    if (sequence === undefined) unplaced.unshift(file);
    else sequence.splice(sequence.findIndex(isBefore) + 1, 0, file);
  }
  const compressed = numbered.filter(({ extension }) => extension !== "").map(({ n }) => n);
  const plain = numbered.filter(({ extension }) => extension === "").map(({ n }) => n);
  if (Math.max(...plain) >= Math.min(...compressed)) return [...sequences.values(), unplaced];
  const newest = sequences.get("") ?? [];
  sequences.delete("");
  return [[...merge([...sequences.values()]), ...newest], unplaced];
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
