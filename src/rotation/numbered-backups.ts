import { basename, dirname } from "node:path";
import { compressedLeftover, LARGEST_GAP, type Namer, numberedName, parseNumbered } from "../log-files/backup-names.js";
import { EXTENSIONS, type Extension } from "../log-files/compression-formats.js";
import { inOrder } from "../log-files/file-order.js";
import {
  hasLostItsPlace,
  type LogFile,
  listLeftovers,
  listWaiting,
  type Numbered,
  parseNames,
  placeWaiting,
} from "../log-files/list-files.js";
import { Listing } from "../log-files/listing.js";
import { isFile, occupantOf } from "../log-files/path-type.js";
import { moveAside, newPendingPath } from "../log-files/pending-files.js";
import { NO_PLACE, parsePending } from "../log-files/pending-names.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import type { Backups, Insertion, Move, Publisher, PublisherData, Unpublished } from "./backups.js";
import type { Backup } from "./retention.js";

type Named = Pick<Numbered, "n" | "extension" | "name" | "path">;

/**
 * The backups of one log, numbered from 1, the newest. A kind of file (plain, `.gz`, …) is a sequence of its own and
 * leaves the others alone. Everything here is called with the lock held, and every step is one rename or one unlink.
 */
export class NumberedBackups implements Backups, Publisher {
  readonly #fs: FileSystem;
  readonly #log: string;
  readonly #count: number;
  readonly #namer: () => Namer | undefined;
  /** Of the files that this process rotates, once it has: the newest of them is the newest of all. */
  #extension: Extension | undefined;

  /**
   * @param log path of the active file
   * @param count how many backups are kept, possibly infinitely many
   */
  constructor(fs: FileSystem, log: string, count: number, namer: () => Namer | undefined = () => undefined) {
    this.#fs = fs;
    this.#log = log;
    this.#count = count;
    this.#namer = namer;
  }

  get asksForNames(): boolean {
    return this.#namer() !== undefined;
  }

  path(n: number, extension: Extension): string {
    return numberedName(this.#log, n, this.#namer()) + extension;
  }

  add(log: string, move: Move): Insertion {
    const insertion = this.insert([log], "", 1, move);
    this.#extension = "";
    return insertion;
  }

  adopt(extension: Extension): string[] {
    if (this.#count === 0) return [];
    const leftovers = listLeftovers(this.#fs, this.#log).filter(({ status }) => status.isFile);
    for (const leftover of leftovers) {
      const half = compressedLeftover(leftover.path);
      if (new Listing(this.#fs).has(half) && isFile(this.#fs, half)) this.#fs.unlink(half);
      if (leftover.extension === "" && extension !== "") this.#setAside(leftover, extension);
      else this.insert([leftover.path], leftover.extension, this.#placeOf(leftover, leftover.extension));
    }
    return leftovers.map(({ path }) => path);
  }

  /** Fingerprint of the newest backup; {@link NO_PLACE} when there is none. */
  place(extension: Extension): string {
    this.#extension = extension;
    return this.#placeFrom(1, extension);
  }

  /** The number of the backup with this fingerprint, undefined when it is not there any more. */
  find(fingerprint: string, extension: Extension): number | undefined {
    const status = new FileStatus();
    const listing = new Listing(this.#fs);
    for (let n = 1, free = 0; n <= this.#count && free < LARGEST_GAP; n++) {
      const occupant = this.#occupantOf(n, extension, listing, status);
      if (occupant === "nothing") free++;
      else if (occupant === "file" && status.fingerprint === fingerprint) return n;
    }
    return undefined;
  }

  /** The first number from `from` on that is free; one past the last allowed when all are taken. */
  firstFree(extension: Extension, from = 1): number {
    const listing = new Listing(this.#fs);
    let n = from;
    while (n <= this.#count && this.#occupantOf(n, extension, listing) !== "nothing") n++;
    return n;
  }

  /**
   * Renames `files`, oldest first, to the numbers from `at` on. Backups that stand there move up, no further than the
   * first gap that has room; what would pass the last number is removed, from `files` too. A number that something else
   * has than a file is left out.
   * @param move used in place of a rename for the files themselves
   */
  insert(
    files: readonly string[],
    extension: Extension,
    at = 1,
    move: Move = (from, to) => moveAside(this.#fs, from, to),
  ): Insertion {
    const placed: string[] = [];
    const removed: string[] = [];
    const remove = (path: string) => {
      this.#fs.unlink(path);
      removed.push(path);
    };
    const { numbers, inTheWay } = this.#numbersFrom(at, files.length, extension);
    for (let i = inTheWay.length - 1; i >= 0; i--) {
      const from = this.path(inTheWay[i]!, extension);
      const n = numbers[files.length + i];
      if (n === undefined) remove(from);
      else if (n !== inTheWay[i]) moveAside(this.#fs, from, this.path(n, extension));
    }
    // The newest first: if we are killed in between, those that are left still belong where they were to go.
    for (const [i, file] of files.toReversed().entries()) {
      const n = numbers[i];
      if (n === undefined) remove(file);
      else {
        const to = this.path(n, extension);
        move(file, to);
        placed.unshift(to);
      }
    }
    return { placed, removed };
  }

  canPublish(): boolean {
    return true;
  }

  publish(files: readonly Unpublished[], extension: Extension): Insertion {
    const all: Insertion = { placed: [], removed: [] };
    let at: number | undefined;
    for (const group of groupByPlace(files)) {
      // Each is newer than the one before it, though the backup that it follows may be older: then the directory was copied.
      const behind = this.find(group[0]!.place, extension) ?? at ?? this.#numberOf(group[0]!, extension);
      at = Math.min(at ?? behind, behind);
      const { placed, removed } = this.insert(
        group.map(({ path }) => path),
        extension,
        at,
      );
      all.placed.push(...placed);
      all.removed.push(...removed);
    }
    return all;
  }

  isOvertaken(place: string, file: Unpublished, extension: Extension): boolean {
    if (this.find(file.place, extension) !== undefined) return false;
    const n = this.find(place, extension);
    return n !== undefined && n >= this.#numberOf(file, extension);
  }

  publisher(): PublisherData {
    const name = (_: unknown, i: number) => [numberedName(this.#log, i + 1), this.path(i + 1, "")] as const;
    const names = this.#namer() && new Map(Array.from({ length: this.#count }, name));
    return { kind: "numbered", count: this.#count, names };
  }

  list(now: number): Backup[] {
    const numbered = this.#files();
    const waiting = listWaiting(this.#fs, this.#log).sort((a, b) => a.sequence - b.sequence);
    const merge = (sequences: readonly LogFile[][]) => inOrder(sequences, ({ status }) => status.modifiedAt, now);
    const ordered = merge(placeWaiting([...numbered], [...waiting], merge));
    const ours = numbered.filter(({ extension }) => extension === this.#extension);
    const newest = (this.#extension === "" ? undefined : waiting.at(-1)) ?? ours.at(0);
    if (this.#extension !== undefined && newest !== undefined) {
      ordered.splice(ordered.indexOf(newest), 1);
      ordered.push(newest);
    }
    // Their numbers were given when more were kept.
    const surplus = new Set<LogFile>(numbered.filter(({ n }) => n > this.#count));
    return [...[...surplus].reverse(), ...ordered.filter((file) => !surplus.has(file))].map((file) => {
      const { path, status } = file;
      return { path, size: status.size, endsAt: status.modifiedAt, isSurplus: surplus.has(file) };
    });
  }

  mayBeMoreThan(count: number): boolean {
    const base = basename(this.#log);
    const names = this.#fs.readdir(dirname(this.#log)).filter((name) => name.includes(base));
    return names.length > count || names.some((name) => (parseNumbered(this.#log, name)?.n ?? 0) > this.#count);
  }

  /** By number; no more than are there without a large gap, behind which numbers mean something else, such as a date. */
  #files(): Numbered[] {
    const found: Numbered[] = [];
    for (const named of this.#namer() === undefined ? this.#numbered() : this.#named()) {
      if (named.n - (found.at(-1)?.n ?? 0) > LARGEST_GAP) break;
      const status = new FileStatus();
      if (isFile(this.#fs, named.path, status)) found.push({ ...named, kind: "backup", status });
    }
    return found;
  }

  /** What has the name of a backup, by number. */
  #numbered(): Named[] {
    const found = parseNames(this.#log, this.#fs.readdir(dirname(this.#log)), parseNumbered);
    return found.sort((a, b) => a.n - b.n || EXTENSIONS.indexOf(a.extension) - EXTENSIONS.indexOf(b.extension));
  }

  /** The names that a namer gives: it knows no more than we have backups. */
  *#named(): Iterable<Named> {
    const names = new Set([this.#log]);
    for (let n = 1; n <= this.#count; n++) {
      const name = this.path(n, "");
      checkIsNew(name, names);
      for (const extension of EXTENSIONS)
        yield { n, extension, name: basename(name) + extension, path: name + extension };
    }
  }

  /** The number of a file that waits behind a backup that is not there any more, or never was. */
  #numberOf({ path, place }: Unpublished, extension: Extension): number {
    const status = new FileStatus();
    const pending = parsePending(this.#log, basename(path));
    if (place === NO_PLACE || !this.#fs.statusWithTime(new FilePath(path), status)) return this.firstFree(extension);
    if (pending !== undefined && hasLostItsPlace({ ...pending, status })) return 1;
    return this.#placeOf({ status }, extension);
  }

  /** The number of the newest backup that was rotated before this file: when that was, its time of change tells. */
  #placeOf(leftover: Pick<LogFile, "status">, extension: Extension): number {
    const status = new FileStatus();
    const listing = new Listing(this.#fs);
    let n = 1;
    while (n <= this.#count) {
      const occupant = this.#occupantOf(n, extension, listing, status);
      if (occupant === "nothing" || (occupant === "file" && status.modifiedAt <= leftover.status.modifiedAt)) break;
      n++;
    }
    return n;
  }

  #setAside(leftover: LogFile, extension: Extension): void {
    const place = this.#placeFrom(this.#placeOf(leftover, extension), extension);
    moveAside(this.#fs, leftover.path, newPendingPath(this.#fs, this.#log, leftover.path, place));
  }

  /** Fingerprint of the first backup from `n` on, as long as no number is free. */
  #placeFrom(n: number, extension: Extension): string {
    const status = new FileStatus();
    const listing = new Listing(this.#fs);
    for (let at = n; at <= this.#count; at++) {
      const occupant = this.#occupantOf(at, extension, listing, status);
      if (occupant !== "other") return occupant === "file" ? status.fingerprint : NO_PLACE;
    }
    return NO_PLACE;
  }

  /**
   * Numbers that can be given, from `at` up to where `room` free ones have been passed, and which of them are taken.
   * @throws when there are none of any file: what is to be a backup would be deleted for that
   */
  #numbersFrom(at: number, room: number, extension: Extension): { numbers: number[]; inTheWay: number[] } {
    const numbers: number[] = [];
    const inTheWay: number[] = [];
    const names = new Set([this.#log + extension]);
    const listing = new Listing(this.#fs);
    let isPossible = false;
    for (let n = 1; n <= this.#count && numbers.length - inTheWay.length < room; n++) {
      checkIsNew(this.path(n, extension), names);
      const occupant = n < at && isPossible ? "other" : this.#occupantOf(n, extension, listing);
      if (occupant === "other") continue;
      isPossible = true;
      if (n < at) continue;
      numbers.push(n);
      if (occupant === "file") inTheWay.push(n);
    }
    if (isPossible) return { numbers, inTheWay };
    throw new Error(`no backup can have a name: what is called ${this.path(1, extension)} is no file, and not ours`);
  }

  #occupantOf(n: number, extension: Extension, listing: Listing, into?: FileStatus): "nothing" | "file" | "other" {
    const path = this.path(n, extension);
    return listing.has(path) ? occupantOf(this.#fs, path, into) : "nothing";
  }
}

/** Two backups of one name would be deleted, one for the other. */
function checkIsNew(path: string, names: Set<string>): void {
  if (names.size === names.add(path).size) throw new Error(`the namer must give each file a name of its own: ${path}`);
}

function groupByPlace(files: readonly Unpublished[]): Unpublished[][] {
  const groups: Unpublished[][] = [];
  for (const file of files) {
    if (groups.at(-1)?.[0]?.place === file.place) groups.at(-1)!.push(file);
    else groups.push([file]);
  }
  return groups;
}
