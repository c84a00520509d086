import { believedTimes } from "../log-files/file-order.js";
import type { Limits, ResolvedOptions } from "../options/resolved-options.js";
import type { DiskSpace } from "../platform/file-system.js";

/* Which backups have to go. Pure: it sees names and sizes, and says what to delete. */

/** A backup as retention sees it. */
export interface Backup {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  /** Seconds since 1970; all its records are older, if its clock was right. */
  readonly endsAt: number;
  /** It has to go whatever the limits are. */
  readonly isSurplus?: boolean;
  /** Name of the period that it belongs to, in a log that is rotated by time. */
  readonly period?: string;
}

/**
 * The backups that have to go: once a limit is passed, all that are older go. The newest always stays, however large or
 * old it is.
 * @param backups in the order in which they were made
 * @param now seconds since 1970
 * @returns oldest first
 */
export function toPrune(backups: readonly Backup[], limits: Limits, now: number): Backup[] {
  // Behind them comes the active file, which is of now.
  const times = believedTimes([...backups.map(({ endsAt }) => endsAt), now], now);
  const periods = new Set<string>();
  let bytes = 0;
  for (let i = backups.length - 1, kept = 1; i >= 0; i--, kept++) {
    const { size, period, isSurplus } = backups[i]!;
    bytes += size;
    if (period !== undefined) periods.add(period);
    const isTooMuch = kept > limits.count || bytes > limits.totalBytes || periods.size > limits.periods;
    const isTooOld = times[i]! <= now - limits.age && limits.age !== Number.POSITIVE_INFINITY;
    if ((isTooMuch || isTooOld || isSurplus) && kept > 1) return backups.slice(0, i + 1);
  }
  return [];
}

/** Bytes that the disk lacks of what is to stay free on it; no more than 0 when it has enough. */
export function missingSpace(
  { minFreeBytes, minFreePercent }: Pick<ResolvedOptions, "minFreeBytes" | "minFreePercent">,
  { total, free }: DiskSpace,
): number {
  return Math.max(minFreeBytes ?? 0, (total * (minFreePercent ?? 0)) / 100) - free;
}

/**
 * The oldest backups that together have so many bytes, but never the newest. Their sizes are believed: what a reader has
 * open frees nothing yet, and to go on until the disk says so would delete all.
 * @param backups in the order in which they were made
 */
export function toFree(backups: readonly Backup[], bytes: number): Backup[] {
  let count = 0;
  for (let left = bytes; left > 0 && count < backups.length - 1; count++) left -= backups[count]!.size;
  return backups.slice(0, count);
}
