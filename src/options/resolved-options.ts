import type { Namer } from "../log-files/backup-names.js";
import type { Compression } from "../log-files/compression-formats.js";
import type { UnicodeErrorPolicy } from "../records/encoder.js";
import type { OnLockTimeout, Overflow, Rotator, SyncMode, When } from "./options.js";

export interface Schedule {
  readonly when: When;
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

/** Options after validation: defaults, units and names resolved. */
export interface ResolvedOptions {
  /** Absolute. */
  readonly filename: string;
  readonly mode: "a" | "w";
  /** Bytes; 0 = never. */
  readonly maxBytes: number;
  readonly strictMaxBytes: boolean;
  /** Infinity = no limit; 0 = none is kept. */
  readonly backupCount: number;
  /** Those that are held by deleting backups, not by renaming them. */
  readonly limits: Limits;
  readonly rotateWhenIdle: boolean;
  readonly encoding: string;
  readonly unicodeErrorPolicy: UnicodeErrorPolicy;
  readonly newline: string | null;
  readonly terminator: string;
  readonly compression: Compression | undefined;
  readonly delayCompression: boolean;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly chmod: number | undefined;
  readonly umask: number | undefined;
  /** Absolute. */
  readonly lockFileDirectory: string | undefined;
  /** Undefined = unless the log is on a network file system. */
  readonly keepFileOpen: boolean | undefined;
  /** Milliseconds. */
  readonly lockTimeout: number;
  readonly onLockTimeout: OnLockTimeout;
  /** Bytes. */
  readonly retryBufferBytes: number;
  readonly namer: Namer | undefined;
  readonly rotator: Rotator | undefined;
  readonly sync: SyncMode;
  readonly delivery: ResolvedDelivery;
  readonly debug: boolean;
}

export type ResolvedDelivery = { readonly mode: "sync" } | QueueLimits;

export interface QueueLimits {
  readonly mode: "batched" | "background";
  /** Bytes. */
  readonly queueBytes: number;
  readonly overflow: Overflow;
  /** Bytes. */
  readonly maxBatchBytes: number;
  /** Milliseconds. */
  readonly flushInterval: number;
}

/** As {@link ResolvedOptions}, of a log that is rotated by time. */
export interface ResolvedTimedOptions extends ResolvedOptions {
  readonly schedule: Schedule;
}
