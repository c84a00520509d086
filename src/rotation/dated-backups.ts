import { dirname, join } from "node:path";
import { byPeriod, type DatedBackup, datedName, type Namer, parseDated } from "../log-files/backup-names.js";
import type { Extension } from "../log-files/compression-formats.js";
import { inOrder } from "../log-files/file-order.js";
import { listWaiting } from "../log-files/list-files.js";
import { Listing, namesIn } from "../log-files/listing.js";
import { isFile, occupantOf } from "../log-files/path-type.js";
import { moveAside } from "../log-files/pending-files.js";
import { datedPlace, parseDatedPlace } from "../log-files/pending-names.js";
import { FileStatus, type FileSystem } from "../platform/file-system.js";
import type { Span } from "../platform/time-zones.js";
import type { Backups, Insertion, Move, Publisher, PublisherData, Unpublished } from "./backups.js";
import { NumberedBackups } from "./numbered-backups.js";
import type { Backup } from "./retention.js";
import type { Boundaries } from "./schedule.js";

const UNLIMITED = Number.POSITIVE_INFINITY;

// By how much time zones differ at most: from UTC-12 to UTC+14.
const ZONES = 26 * 3600;

type Found = DatedBackup & { readonly path: string };
/** With the time of its last record, as the disk says, and as its name allows it. */
type Timed = Found & Backup & { readonly modifiedAt: number; readonly madeAt: number };

/** Gives compressed files the names of their periods. */
export class DatedPublisher implements Publisher {
  readonly #fs: FileSystem;
  readonly #log: string;
  readonly #names: ReadonlyMap<string, string> | undefined;

  /** @param names by default name, what a namer makes of it; undefined when there is none */
  constructor(fs: FileSystem, log: string, names: ReadonlyMap<string, string> | undefined) {
    this.#fs = fs;
    this.#log = log;
    this.#names = names;
  }

  canPublish(place: string): boolean {
    const backup = parseDatedPlace(place);
    return backup === undefined || (this.#names?.has(datedName(this.#log, { ...backup, counter: 0 })) ?? true);
  }

  publish(files: readonly Unpublished[], extension: Extension): Insertion {
    const placed = files.flatMap((file) => {
      const { path, place } = file;
      const backup = parseDatedPlace(place);
      // Set aside while the log was rotated by size.
      if (backup === undefined)
        return new NumberedBackups(this.#fs, this.#log, UNLIMITED).publish([file], extension).placed;
      const { stamp, counter } = backup;
      const namer = this.#names && ((name: string) => this.#names!.get(name)!);
      const nameOf = (n: number) => datedName(this.#log, { stamp, counter: n }, namer) + extension;
      // Upstream cannot see what waits: who has its name was rotated after it, and moves up. What is no file stays.
      const names: string[] = [];
      const listing = new Listing(this.#fs);
      for (let n = counter, isFree = false; !isFree; n++) {
        const occupant = listing.has(nameOf(n)) ? occupantOf(this.#fs, nameOf(n)) : "nothing";
        if (occupant !== "other") names.push(nameOf(n));
        isFree = occupant === "nothing";
      }
      for (let i = names.length - 1; i > 0; i--) moveAside(this.#fs, names[i - 1]!, names[i]!);
      moveAside(this.#fs, path, names[0]!);
      return names[0]!;
    });
    return { placed, removed: [] };
  }

  isOvertaken(): boolean {
    return false; // a name says it all
  }
}

export interface DatedBackupsOptions {
  readonly fs: FileSystem;
  readonly log: string;
  readonly boundaries: Boundaries;
  /** The stamp of the period to which the active file belongs. */
  readonly period: () => string;
  readonly namer: () => Namer | undefined;
  /** Backups are deleted: the counter of a deleted one is not given again, for it would make the newest the oldest. */
  readonly hasLimits: boolean;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** The backups of a log that is rotated by time, named after the wall time at which their period began. */
export class DatedBackups implements Backups {
  readonly asksForNames = false; // one of each period is enough
  readonly #options: DatedBackupsOptions;
  /** Ranks of the backups that were there when this process last rotated, and of the one that it made. */
  #ranks: ReadonlyMap<string, number> = new Map();
  /** Of the periods that have backups: a calendar is slow. */
  #spans: ReadonlyMap<string, Span> = new Map();

  constructor(options: DatedBackupsOptions) {
    this.#options = options;
  }

  add(log: string, move: Move): Insertion {
    const to = datedName(log, this.#next(""), this.#options.namer());
    move(log, to);
    return { placed: [to], removed: [] };
  }

  /** Upstream's timed handler gives a file its last name at once. */
  adopt(): string[] {
    return [];
  }

  place(extension: Extension): string {
    return datedPlace(this.#next(extension));
  }

  publisher(): PublisherData {
    const { log } = this.#options;
    const namer = this.#options.namer();
    const name = ({ stamp }: DatedBackup) =>
      [datedName(log, { stamp, counter: 0 }), datedName(log, { stamp, counter: 0 }, namer)] as const;
    return { kind: "dated", count: Number.POSITIVE_INFINITY, names: namer && new Map(this.#waiting().map(name)) };
  }

  mayBeMoreThan(count: number): boolean {
    return this.#find().length + this.#waiting().length > count;
  }

  /**
   * Among those that this process found when it rotated last, the order is certain, whatever clocks were set to since
   * or before. The others have their places by their times.
   */
  list(now: number): Timed[] {
    const rank = (backup: DatedBackup) => this.#ranks.get(datedPlace(backup));
    const byTime = this.#byTime(now);
    const known = byTime.filter((backup) => rank(backup) !== undefined).sort((a, b) => rank(a)! - rank(b)!);
    const others = byTime.filter((backup) => rank(backup) === undefined);
    return inOrder([known, others], ({ madeAt }) => madeAt, now);
  }

  /**
   * By what names and times tell. In a period the counters say the order, and a name says when its file was made. Its
   * mtime says more where it fits, or is too early by no more than zones differ: which of two equal wall times is meant,
   * or that the zone has moved to the west since. Later than its period is that of a copy. A name of the future is that of
   * a wrong clock: by its mtime it has a place among those of the others, and where that is of the future too, nobody can
   * know it, and it is the first.
   */
  #byTime(now: number): Timed[] {
    const { fs, boundaries } = this.#options;
    const spans = new Map<string, Span>();
    const periods = new Map<string, Timed[]>();
    const status = new FileStatus();
    // First: of one name, what waits was rotated before what has it, since upstream cannot see it.
    for (const found of [...this.#waiting(), ...this.#find()].sort(byPeriod)) {
      const { path, stamp, counter } = found;
      if (!isFile(fs, path, status)) continue;
      const { size, modifiedAt } = status;
      const span = this.#spans.get(stamp) ?? boundaries.spanOf(stamp);
      spans.set(stamp, span);
      const isWrong = span.begin > now; // a name of the future
      const isExact = modifiedAt >= span.begin - ZONES && modifiedAt <= Math.min(span.end, now);
      const madeAt = isWrong || isExact ? modifiedAt : Math.min(span.end, now);
      const endsAt = isWrong ? modifiedAt : span.end;
      const files = periods.get(stamp) ?? [];
      files.push({ path, stamp, counter, size, modifiedAt, period: stamp, endsAt, madeAt });
      periods.set(stamp, files);
    }
    this.#spans = spans;
    const all = [...periods];
    const sequences = (isWrong: boolean) =>
      all.flatMap(([stamp, files]) => (spans.get(stamp)!.begin > now === isWrong ? [files] : []));
    const right = inOrder(sequences(false), ({ madeAt }) => madeAt, now);
    const timeOf = ({ modifiedAt, madeAt }: Timed) => (modifiedAt <= now ? modifiedAt : madeAt);
    return inOrder([right, ...sequences(true)], timeOf, now);
  }

  /** The name of the next backup of this period: the one that will be free when all that wait have theirs. */
  #next(extension: Extension): DatedBackup {
    const { fs, log, period, namer, hasLimits, now } = this.#options;
    const stamp = period();
    const promised = new Set<number>();
    const listing = new Listing(fs);
    const isTaken = (counter: number) =>
      promised.has(counter) || listing.has(datedName(log, { stamp, counter }, namer()) + extension);
    const free = (counter: number): number => {
      let n = counter;
      while (isTaken(n)) n++;
      return n;
    };
    for (const waiting of this.#waiting()) if (waiting.stamp === stamp) promised.add(free(waiting.counter));
    if (!hasLimits) return { stamp, counter: free(0) };
    const before = this.list(now());
    for (const found of before) if (found.stamp === stamp) promised.add(found.counter);
    const next = { stamp, counter: free(Math.max(-1, ...promised) + 1) };
    this.#ranks = new Map([...before, next].map((backup, i) => [datedPlace(backup), i]));
    return next;
  }

  /** Rotated files that wait for their names. */
  #waiting(): Found[] {
    const { fs, log } = this.#options;
    return listWaiting(fs, log).flatMap(({ path, place }) => {
      const backup = parseDatedPlace(place);
      return backup === undefined ? [] : [{ ...backup, path }];
    });
  }

  /** Those that have their public names. A namer may put them elsewhere: where it puts those of this period is asked. */
  #find(): Found[] {
    const { fs, log, boundaries, period, namer: current } = this.#options;
    const namer = current();
    const directory = dirname(datedName(log, { stamp: period(), counter: 0 }, namer));
    const isStamp = (text: string) => boundaries.isStamp(text);
    return namesIn(fs, directory).flatMap((name) => {
      const backup = parseDated(log, name, isStamp, namer);
      return backup === undefined ? [] : { ...backup, path: join(directory, name) };
    });
  }
}
