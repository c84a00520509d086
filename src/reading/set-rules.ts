import { basename } from "node:path";
import { byPeriod, parseDated, parseNumbered } from "../rotation/naming.js";
import { parseDuration, parseSize } from "../units.js";
import type { LogFile } from "./log-files.js";
import type { SettingsLeft } from "./settings-left.js";
import type { Finding } from "./verify.js";

/** The limits that a log has to keep; infinite ones, and 0 for `maxBytes`, are none. */
export interface KeptLimits {
  readonly maxBytes: number;
  readonly strictMaxBytes: boolean;
  readonly backupCount: number;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly maxTotalBytes: number;
  readonly maxPeriods: number;
}

/** As given; else as the writers of the log have left them beside it. */
export function limitsOf(given: Readonly<Record<string, unknown>>, left: SettingsLeft | undefined): KeptLimits {
  const setting = (name: string) => given[name] ?? left?.settings[name];
  const number = (name: string, none: number) => Number(parseSize(setting(name)) ?? none);
  return {
    maxBytes: number("maxBytes", 0),
    strictMaxBytes: setting("strictMaxBytes") !== false,
    backupCount: number("backupCount", Number.POSITIVE_INFINITY) || Number.POSITIVE_INFINITY,
    maxAge: parseDuration(setting("maxAge")) ?? Number.POSITIVE_INFINITY,
    maxTotalBytes: number("maxTotalBytes", Number.POSITIVE_INFINITY),
    maxPeriods: number("maxPeriods", Number.POSITIVE_INFINITY),
  };
}

/** Are there gaps in the numbers of the backups, or in the counters of a period? */
export function numberingFindings(log: string, files: readonly LogFile[]): Finding[] {
  const numbers = new Set<number>();
  const periods = new Map<string, Set<number>>();
  for (const { path, kind } of files) {
    if (kind !== "backup") continue;
    const numbered = parseNumbered(log, basename(path));
    const dated = numbered === undefined ? parseDated(log, basename(path), () => true) : undefined;
    if (numbered !== undefined) numbers.add(numbered.n);
    if (dated !== undefined) periods.set(dated.stamp, (periods.get(dated.stamp) ?? new Set()).add(dated.counter));
  }
  const found = gaps(numbers, 1).map((n) => finding("problem", "numbering", log, `there is no backup ${log}.${n}`));
  const stamps = [...periods.keys()].sort((a, b) => byPeriod({ stamp: a, counter: 0 }, { stamp: b, counter: 0 }));
  for (const [i, stamp] of stamps.entries()) {
    const counters = periods.get(stamp)!;
    // Of the oldest period, retention may have deleted some.
    for (const counter of gaps(counters, i === 0 ? Math.min(...counters) : 0)) {
      const name = `${log}.${stamp}${counter === 0 ? "" : `.${counter}`}`;
      found.push(finding("problem", "numbering", log, `there is no backup ${name}`));
    }
  }
  return found;
}

const MOST_GAPS = 10;

/** Numbers from `first` to the largest that are not there. */
function gaps(numbers: ReadonlySet<number>, first: number): number[] {
  const found: number[] = [];
  const largest = [...numbers].reduce((a, b) => Math.max(a, b), first);
  for (let n = first; n < largest && found.length < MOST_GAPS; n++) if (!numbers.has(n)) found.push(n);
  return found;
}

/** Are there more backups than may be kept? */
export function limitFindings(files: readonly LogFile[], limits: KeptLimits, now: number): Finding[] {
  const backups = files.filter(({ kind }) => kind !== "active");
  const oldest = backups[0];
  if (oldest === undefined) return [];
  const problem = (message: string) => [finding("problem", "limit", oldest.path, message)];
  const bytes = backups.reduce((sum, { status }) => sum + status.size, 0);
  const age = (now - oldest.status.modifiedAt) * 1000;
  return [
    ...(backups.length > limits.backupCount
      ? problem(`there are ${backups.length} backups, and backupCount is ${limits.backupCount}`)
      : []),
    ...(bytes > limits.maxTotalBytes
      ? problem(`backups have ${bytes} bytes, and maxTotalBytes is ${limits.maxTotalBytes}`)
      : []),
    // Deleted after the next rotation, which may be long in coming.
    ...(age > limits.maxAge
      ? [finding("note", "limit", oldest.path, `${oldest.path} is older than maxAge; the next rotation deletes it`)]
      : []),
  ];
}

export function finding(severity: Finding["severity"], kind: Finding["kind"], path: string, message: string): Finding {
  return { severity, kind, path, message };
}
