import type { Limits } from "../options/resolved-options.js";

/* Which backups have to go. Pure: it sees names and sizes, and says what to delete. */

/** A backup as retention sees it. */
export interface Backup {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  /** Seconds since 1970; all its records are older. */
  readonly endsAt: number;
  /** Name of the period that it belongs to, in a log that is rotated by time. */
  readonly period?: string;
}

/**
 * The backups that have to go. The newest stay: once a limit is passed, all that are older go.
 * @param backups oldest first
 * @param now seconds since 1970
 * @returns oldest first
 */
export function toPrune(backups: readonly Backup[], limits: Limits, now: number): Backup[] {
  const periods = new Set<string>();
  let bytes = 0;
  for (let i = backups.length - 1, kept = 1; i >= 0; i--, kept++) {
    const { size, endsAt, period } = backups[i]!;
    bytes += size;
    if (period !== undefined) periods.add(period);
    const fits =
      kept <= limits.count && bytes <= limits.totalBytes && periods.size <= limits.periods && endsAt > now - limits.age;
    if (!fits) return backups.slice(0, i + 1);
  }
  return [];
}
