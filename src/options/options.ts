import type { Readable } from "node:stream";
import type { Namer } from "../log-files/backup-names.js";
import type { Compression, CompressionFormat } from "../log-files/compression-formats.js";
import type { UnicodeErrorPolicy } from "../records/encoder.js";
import type { Oversize } from "../records/record-limit.js";

/**
 * Bytes: a whole number, or a text with a unit of 1,024: `"512k"`, `"10MiB"`, `"2g"`. Any text for the compiler, since it
 * often comes from the environment; the handler refuses what is no size.
 */
export type Size = number | "512KiB" | "1MiB" | "10MiB" | "100MiB" | "1GiB" | (string & {});

/** Milliseconds: a whole number, or a text with a unit: `"500ms"`, `"10s"`, `"5m"`, `"12h"`, `"14d"`, `"2w"`. */
export type Duration = number | "500ms" | "10s" | "5m" | "12h" | "14d" | "2w" | (string & {});

/**
 * What a period is: so many seconds (`"S"`), minutes, hours or days; a midnight; or a day of the week, `"W0"` being Monday;
 * or an hour, a day, a week from Monday on, a month of the calendar; or a cron expression. In upper or lower case. Any text for the compiler, as for {@link Size}; the handler refuses what is none of these.
 */
export type When =
  | "S"
  | "M"
  | "H"
  | "D"
  | "midnight"
  | "W0"
  | "W1"
  | "W2"
  | "W3"
  | "W4"
  | "W5"
  | "W6"
  | "hourly"
  | "daily"
  | "weekly"
  | "monthly"
  | (string & {});

/** What becomes of a record when the lock was not free within `lockTimeout`; see the option `onLockTimeout`. */
export type OnLockTimeout = "spill" | "wait" | "throw";

/** For what a write waits: `"none"`, the record is in the file; `"data"` and `"full"`, it is on the disk. */
export type SyncMode = "none" | "data" | "full";

/** When a record is written: at once, with those of its turn of the event loop, or by another thread. */
export type DeliveryMode = "sync" | "batched" | "background";

/** What becomes of a record for which the queue has no room: it waits, for `lockTimeout` at most; or one is dropped. */
export type Overflow = "block" | "drop-newest" | "drop-oldest";

/** How long a promise is waited for. */
export interface WaitOptions {
  /**
   * Ends the wait: the promise is rejected with the signal's reason, by default a `DOMException` named `AbortError`.
   * What was given to be written is written all the same. Default: none.
   */
  readonly signal?: AbortSignal | undefined;
}

/** A delivery with a queue, and the limits of that. */
export interface DeliveryLimits {
  /** Which thread writes: the one that logs, or another one. */
  readonly mode: "batched" | "background";
  /**
   * Records that wait in memory have at most so many bytes; less than 2 GiB.
   * @default "16MiB"
   */
  readonly queueBytes?: Size;
  /**
   * What becomes of a record for which there is no room.
   * @default "block"
   */
  readonly overflow?: Overflow;
  /**
   * How many bytes are written under one lock.
   * @default "256KiB"
   */
  readonly maxBatchBytes?: Size;
  /**
   * How long a record may wait for others, in `batched`; 0 = until the end of this turn of the event loop, or for 2 ms
   * while turn after turn logs.
   * @default 0
   */
  readonly flushInterval?: Duration;
}

/**
 * The user's own way to move the active file to its first backup. Called with the lock held: it must be quick, and done
 * when it returns.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: for `void` alone TypeScript takes functions that return promises
export type Rotator = (source: string, destination: string) => void | undefined;

/** A backup that no rotation and no compression changes any more, as `onArchived` is given it. */
export interface ArchivedBackup {
  /** Absolute path that it has now. Rotations rename numbered backups: what is read by `stream()` is this file all the same. */
  readonly path: string;
  /** Size on disk. */
  readonly bytes: number;
  /** Its period, as in its name, such as "2026-05-17"; undefined in a log that is rotated by size alone. */
  readonly period: string | undefined;
  /** Aborted when `onArchivedTimeout` has passed. */
  readonly signal: AbortSignal;
  /** Its bytes, as they are on the disk, as long as the hook has not ended. */
  stream(): Readable;
  /** Hexadecimal SHA-256 of these bytes. The file is read for it. */
  sha256(): Promise<string>;
  /** How many terminators it has. The file is read, and decompressed, for it; rejects where this Node lacks the format. */
  records(): Promise<number>;
}

/** Called without the lock, in the thread of the handler. A promise that it returns is waited for. */
export type OnArchived = (backup: ArchivedBackup) => unknown;

/** Options of every handler. Those of upstream keep its names, in camel case. */
export interface FileHandlerOptions {
  /**
   * `"w"` empties the file once, when this handler first opens it: the old one is deleted and a new one made. One that
   * cannot be deleted is truncated, and a `warning` says so.
   * @default "a"
   */
  readonly mode?: "a" | "w";
  /**
   * How many rotated files are kept. In a log that is rotated by size, 0 keeps none: a rotation starts the file afresh,
   * and that is the default unless `maxAge`, `maxTotalBytes`, `minFreeBytes` or `minFreePercent` is given: then there is
   * no limit by number, and 0 is refused. In one that is rotated by time, 0 keeps all.
   * @default 0
   */
  readonly backupCount?: number;
  /** Backups whose last record is older are deleted; asked at each rotation. `"14d"` */
  readonly maxAge?: Duration | null;
  /** The oldest backups are deleted while all of them together have more bytes. The active file is not counted. */
  readonly maxTotalBytes?: Size | null;
  /**
   * Ours. The oldest backups are deleted, but never the newest, while less of the disk is free: `"1GiB"`. Asked at each
   * rotation and sweep, and when the disk is full before a record is given up.
   */
  readonly minFreeBytes?: Size | null;
  /** Ours. As `minFreeBytes`, in percent of the disk: 10 or `"10%"`. With both, the larger one counts. */
  readonly minFreePercent?: number | string | null;
  /**
   * Any encoding of iconv-lite, by Python's names too.
   * @default "utf-8"
   */
  readonly encoding?: string | null;
  /**
   * For characters that the encoding lacks: leave them out, write `?`, or refuse the record (an `error` event).
   * @default "ignore"
   */
  readonly unicodeErrorPolicy?: UnicodeErrorPolicy;
  /**
   * What `\n` is written as, terminator included: `null` = `\r\n` on Windows, `\n` elsewhere; `""` = as it is.
   * Python's `open(newline=)`.
   * @default null
   */
  readonly newline?: "" | "\n" | "\r" | "\r\n" | null;
  /**
   * Ours. Text at the head of each file, such as the names of columns, which is no record; or a function that makes it when
   * a file is begun or found, called with the lock held. At most 4,096 characters. Default: none.
   */
  readonly header?: string | (() => string) | null;
  /**
   * Ends each record. `""` = the default.
   * @default "\n"
   */
  readonly terminator?: string;
  /** Ours. Bytes that a record may have in the file, with its terminator and with marks: `"64KiB"`; 1 KiB or more. */
  readonly maxRecordBytes?: Size | null;
  /**
   * Ours. What becomes of a record that is larger: its beginning is written, and says so at its end (`"truncate"`); it
   * becomes several records, which say so (`"split"`); or one stands in its place that says what was there (`"drop"`).
   * @default "truncate"
   */
  readonly oversize?: Oversize;
  /**
   * Compress rotated files with gzip; the same as `compression: "gzip"`.
   * @default false
   */
  readonly useGzip?: boolean;
  /**
   * How rotated files are compressed, in the background. zstd needs Node 22.15.
   * @default false
   */
  readonly compression?: CompressionFormat | Compression | false;
  /**
   * Leave the newest rotated file as it is until the next rotation, under the name that all files have which are yet to
   * be compressed.
   * @default false
   */
  readonly delayCompression?: boolean;
  /** User and group of all files, by name or number: `["app", "adm"]` or `"app:adm"`. POSIX only, usually as root. */
  readonly owner?: readonly [user: string | number, group: string | number] | string | null;
  /**
   * Permission bits of all files: 0o640 or `"640"`, not 640 in decimal. Those who may not write the lock file may not read
   * it either. POSIX only.
   */
  readonly chmod?: number | string | null;
  /** Bits that new files do not get, in place of the umask of the process: 0o027 or `"027"`. POSIX only. */
  readonly umask?: number | string | null;
  /**
   * Where the lock file is; made if missing. All writers of the log must agree on it, and logs of one name need different
   * ones. Default: beside the log.
   */
  readonly lockFileDirectory?: string | null;
  /**
   * `false` opens and closes log and lock file for every write. That is also the default on a network file system
   * (Linux), where each write then waits for the server (`fsync`), so that other hosts see the record.
   * @default true
   */
  readonly keepFileOpen?: boolean;
  /**
   * How long a write waits for a lock that another process keeps, at most; see `onLockTimeout`.
   * @default "10s"
   */
  readonly lockTimeout?: Duration;
  /**
   * What becomes of a record that has waited for `lockTimeout`: it goes into a hidden file beside the log, which is
   * merged into it, in order, when the lock is free (`"spill"`); it waits on (`"wait"`); or `write` throws
   * `ERR_CLH_LOCK_TIMEOUT` and the record is the caller's again (`"throw"`).
   * @default "spill"
   */
  readonly onLockTimeout?: OnLockTimeout;
  /**
   * How much memory is used for records that cannot be written at the moment; what does not fit is dropped, counted
   * and announced.
   * @default "1MiB"
   */
  readonly retryBufferBytes?: Size;
  /**
   * Ours. Bytes of the file beside the log in which records wait for the lock. When it is full, later records wait in
   * memory, within `retryBufferBytes` or the queue of the delivery.
   * @default "1GiB"
   */
  readonly maxSpillBytes?: Size;
  /**
   * What backups are called, beside the log: a text with `{stem}` and `{ext}` of the log; when it is rotated by size, `{n}`;
   * by time, `{date}`, or `{date:YYYYMMDD}`; and, if need be, `{host}`. The extension of a compressed file comes behind it.
   * `"{stem}.{n}{ext}"` Default: "app.log.1", by time "app.log.2024-05-17".
   */
  readonly backupName?: string | null;
  /**
   * Backups keep the extension of the log: "app.1.log", by time "app-2024-05-17.log". A short form of `backupName`.
   * @default false
   */
  readonly keepExtension?: boolean;
  /**
   * Where backups are: an absolute path, or one from the directory of the log on. Made if missing; on the file system of
   * the log. Logs of one name need different ones. Default: beside the log.
   */
  readonly archiveDirectory?: string | null;
  /**
   * Names the backups: called with the default path ("…/app.log.1"), returns the one to use, without ".gz": another one
   * for each, and beside the log if it names no directory.
   */
  readonly namer?: Namer;
  /** Moves the file in a rotation, in place of a rename. Not together with compression. */
  readonly rotator?: Rotator;
  /**
   * Ours. Called for each backup when it has its last form, at least once over all processes: by one process, and again by
   * the next that has a hook when that one was killed. In the thread that made the handler, also with delivery
   * `background`. A call that fails is told (`ERR_CLH_HOOK`), and repeated while the backup is there: retention does not
   * wait.
   */
  readonly onArchived?: OnArchived;
  /**
   * Ours. How long `onArchived` may take for one backup. Then its signal is aborted, and the call has failed.
   * @default "5m"
   */
  readonly onArchivedTimeout?: Duration;
  /**
   * Whether a write waits until its record is on the disk, not only in the file: `"data"` with `fdatasync`, `"full"` with
   * `fsync`, both also with the names of the files that a rotation makes.
   * @default "none"
   */
  readonly sync?: SyncMode;
  /**
   * How records reach the file. `"sync"`: a write returns when its record is in it. `"batched"`: those of one turn of the
   * event loop are written together. `"background"`: another thread writes them; in Deno, as `"batched"`. Or one of these
   * with its limits.
   * @default "sync"
   */
  readonly delivery?: DeliveryMode | DeliveryLimits;
  /**
   * Trace every decision on standard error, as `NODE_DEBUG=clh` does.
   * @default false
   */
  readonly debug?: boolean;
  /** Accepted for the sake of upstream's configurations, and ignored: files are always opened at the first record. */
  readonly delay?: boolean | null;
}

/** Options of {@link ConcurrentRotatingFileHandler}. */
export interface RotatingFileHandlerOptions extends FileHandlerOptions {
  /**
   * Size at which the file is rotated; 0 = never.
   * @default 0
   */
  readonly maxBytes?: Size;
  /**
   * `true`: rotate before a record with which the file would reach `maxBytes`, as Python's RotatingFileHandler does; a
   * record that is larger is written whole, into a file of its own. `false`: rotate once the file has reached
   * `maxBytes`, as upstream does.
   * @default true
   */
  readonly strictMaxBytes?: boolean;
}

/** Options of {@link ConcurrentTimedRotatingFileHandler}: Python's, with its rules, and those marked as ours. */
export interface TimedRotatingFileHandlerOptions extends RotatingFileHandlerOptions {
  /**
   * What a period is: so many seconds (`"S"`), minutes, hours or days from the last rotation by time, or up to a time of
   * day (`"midnight"`), or to a day of the week (`"W0"` is Monday); or, ours, what the clock of the zone shows: `"hourly"`,
   * `"daily"`, `"weekly"` (from Monday on), `"monthly"` (from the first on), or a cron expression such as `"0 3 * * 1-5"`, which needs the package croner. Upper or
   * lower case.
   * @default "h"
   */
  readonly when?: When;
  /**
   * How many of them; only 1 of `"hourly"`, `"daily"`, `"weekly"`, `"monthly"` and cron.
   * @default 1
   */
  readonly interval?: number;
  /**
   * Rotate and name files by UTC.
   * @default false
   */
  readonly utc?: boolean;
  /**
   * Time of day of the rotation, with `"midnight"`, `"W0"` to `"W6"`, `"daily"`, `"weekly"` and `"monthly"`: `"03:30"` or
   * `"03:30:15"`. Without it, midnight, and of `"W0"` the midnight that ends Monday. Refused with `"hourly"` and cron, ignored with
   * the others, as in Python.
   */
  readonly atTime?: string | null;
  /** Ours. Zone by which files are rotated and named: `"Europe/Berlin"`, `"+05:30"`. Default: that of the process. */
  readonly timeZone?: string | null;
  /** Ours. Of how many periods backups are kept, however many files each has. Periods without backups do not count. */
  readonly maxPeriods?: number | null;
  /**
   * Ours. Rotate when the period has ended even if no record comes. The timer for it keeps no process alive.
   * @default false
   */
  readonly rotateWhenIdle?: boolean;
}
