import type * as v from "valibot";
import type { Namer } from "../log-files/backup-names.js";
import type { Compression } from "../log-files/compression-formats.js";
import type { queueSchema } from "./delivery-schema.js";
import type { rotatingSchema } from "./option-table.js";
import type { OnArchived, Rotator } from "./options.js";
import type { Cron, PeriodName } from "./parsers.js";

export interface Schedule {
  readonly when: PeriodName | Cron;
  readonly interval: number;
  /** Time of day of MIDNIGHT and W0-W6, in seconds; without it, midnight, for W0-W6 the one that ends the day. */
  readonly atTime: number | undefined;
  /** IANA name, or an offset such as "+05:30". */
  readonly timeZone: string;
}

/** How much is kept. All limits that are given hold. */
export interface Limits {
  /** Backups. */
  readonly count: number;
  /** Seconds since the last record of a backup. */
  readonly age: number;
  /** Bytes of all backups together. */
  readonly totalBytes: number;
  /** Periods that have backups. */
  readonly periods: number;
}

/** Those that become something else, or a part of something else. */
type Replaced = "useGzip" | "keepExtension" | "maxAge" | "maxTotalBytes" | "delay" | keyof Resolved;

/** Options after validation: defaults, units (to bytes, milliseconds, bits) and names resolved. */
export interface ResolvedOptions extends Readonly<Omit<v.InferOutput<typeof rotatingSchema>, Replaced>>, Resolved {}

interface Resolved {
  /** Absolute. */
  readonly filename: string;
  /** Infinity = no limit; 0 = none is kept. */
  readonly backupCount: number;
  /** Those that are held by deleting backups, not by renaming them. */
  readonly limits: Limits;
  readonly rotateWhenIdle: boolean;
  readonly compression: Compression | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly chmod: number | undefined;
  readonly umask: number | undefined;
  /** Absolute. */
  readonly lockFileDirectory: string | undefined;
  /** Undefined = unless the log is on a network file system. */
  readonly keepFileOpen: boolean | undefined;
  readonly header: string | (() => string) | undefined;
  /** Undefined where names are the default ones. */
  readonly backupName: string | undefined;
  /** From the directory of the log on, or absolute; undefined = there. */
  readonly archiveDirectory: string | undefined;
  readonly namer: Namer | undefined;
  readonly rotator: Rotator | undefined;
  readonly onArchived: OnArchived | undefined;
}

/** Bytes and milliseconds. */
export type QueueLimits = Readonly<v.InferOutput<typeof queueSchema>>;

/** As {@link ResolvedOptions}, of a log that is rotated by time. */
export interface ResolvedTimedOptions extends ResolvedOptions {
  readonly schedule: Schedule;
}
