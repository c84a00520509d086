import { dirname, join } from "node:path";
import { byPeriod, type DatedBackup, datedName, type Namer, parseDated } from "../log-files/backup-names.js";
import type { Extension } from "../log-files/compression-formats.js";
import { datedPlace, parseDatedPlace } from "../log-files/hidden-names.js";
import { isFile, occupantOf } from "../log-files/path-type.js";
import { listPending, moveAside } from "../log-files/pending-files.js";
import { FileStatus, type FileSystem } from "../platform/file-system.js";
import type { Backups, Insertion, Move, Publisher, PublisherData, Unpublished } from "./backups.js";
import { NumberedBackups } from "./numbered-backups.js";
import type { Backup } from "./retention.js";
import type { Boundaries } from "./schedule.js";

const UNLIMITED = Number.POSITIVE_INFINITY;

type Found = DatedBackup & { readonly extension: Extension; readonly path: string };

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
      for (let n = counter, isFree = false; !isFree; n++) {
        const occupant = occupantOf(this.#fs, nameOf(n));
        if (occupant !== "other") names.push(nameOf(n));
        isFree = occupant === "nothing";
      }
      for (let i = names.length - 1; i > 0; i--) moveAside(this.#fs, names[i - 1]!, names[i]!);
      moveAside(this.#fs, path, names[0]!);
      return names[0]!;
    });
    return { placed, removed: [] };
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
}

/** The backups of a log that is rotated by time, named after the wall time at which their period began. */
export class DatedBackups implements Backups {
  readonly areRenamed = false;
  readonly areTooMany = false; // how many there are is a limit like the others
  readonly #options: DatedBackupsOptions;

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

  list(): Backup[] {
    const { fs, boundaries } = this.#options;
    const status = new FileStatus();
    return this.#find()
      .sort(byPeriod)
      .flatMap(({ path, stamp }) => {
        if (!isFile(fs, path, status)) return [];
        return { path, size: status.size, endsAt: boundaries.endOf(stamp), period: stamp };
      });
  }

  /** The name of the next backup of this period: the one that will be free when all that wait have theirs. */
  #next(extension: Extension): DatedBackup {
    const { fs, log, period, namer, hasLimits } = this.#options;
    const stamp = period();
    const promised = new Set<number>();
    const isTaken = (counter: number) =>
      promised.has(counter) || occupantOf(fs, datedName(log, { stamp, counter }, namer()) + extension) !== "nothing";
    const free = (counter: number): number => {
      let n = counter;
      while (isTaken(n)) n++;
      return n;
    };
    for (const waiting of this.#waiting()) if (waiting.stamp === stamp) promised.add(free(waiting.counter));
    if (!hasLimits) return { stamp, counter: free(0) };
    for (const found of this.#find()) if (found.stamp === stamp) promised.add(found.counter);
    return { stamp, counter: free(Math.max(-1, ...promised) + 1) };
  }

  #waiting(): DatedBackup[] {
    const { fs, log } = this.#options;
    return listPending(fs, log).flatMap(({ place }) => parseDatedPlace(place) ?? []);
  }

  /** Those that have their public names. A namer may put them elsewhere: where it puts those of this period is asked. */
  #find(): Found[] {
    const { fs, log, boundaries, period, namer: current } = this.#options;
    const namer = current();
    const directory = dirname(datedName(log, { stamp: period(), counter: 0 }, namer));
    const isStamp = (text: string) => boundaries.isStamp(text);
    return (fs.exists(directory) ? fs.readdir(directory) : []).flatMap((name) => {
      const backup = parseDated(log, name, isStamp, namer);
      return backup === undefined ? [] : { ...backup, path: join(directory, name) };
    });
  }
}
