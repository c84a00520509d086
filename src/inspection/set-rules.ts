import { basename } from "node:path";
import { byPeriod, datedName, numberedName, parseDated, parseNumbered } from "../log-files/backup-names.js";
import { EXTENSIONS } from "../log-files/compression-formats.js";
import { parseDatedPlace, parsePending } from "../log-files/hidden-names.js";
import type { LogFile } from "../log-files/list-files.js";
import { occupantOf } from "../log-files/path-type.js";
import { parseDuration, parseSize } from "../options/parsers.js";
import type { Environment } from "../platform/environment.js";
import type { FileSystem } from "../platform/file-system.js";
import type { SettingsLeft } from "../writer/settings-left.js";
import { type Finding, finding } from "./finding.js";

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
export function limitsOf(given: Partial<KeptLimits>, left: SettingsLeft | undefined): KeptLimits {
  const { maxBytes, strictMaxBytes, backupCount, maxAge, maxTotalBytes, maxPeriods } = left?.settings ?? {};
  const none = Number.POSITIVE_INFINITY;
  return {
    maxBytes: given.maxBytes ?? parseSize(maxBytes) ?? 0,
    strictMaxBytes: given.strictMaxBytes ?? strictMaxBytes !== false,
    backupCount: given.backupCount ?? (parseSize(backupCount) || none),
    maxAge: given.maxAge ?? parseDuration(maxAge) ?? none,
    maxTotalBytes: given.maxTotalBytes ?? parseSize(maxTotalBytes) ?? none,
    maxPeriods: given.maxPeriods ?? parseSize(maxPeriods) ?? none,
  };
}

/** Are there gaps in the numbers of the backups, or in the counters of a period? */
export function numberingFindings(fs: FileSystem, log: string, files: readonly LogFile[]): Finding[] {
  const numbers = new Set<number>();
  const periods = new Map<string, Set<number>>();
  for (const { path, kind } of files) {
    if (kind !== "backup") continue;
    const numbered = parseNumbered(log, basename(path));
    const dated = numbered === undefined ? parseDated(log, basename(path)) : undefined;
    if (numbered !== undefined) numbers.add(numbered.n);
    if (dated !== undefined) periods.set(dated.stamp, (periods.get(dated.stamp) ?? new Set()).add(dated.counter));
  }
  const missing = gaps(numbers, 1).map((n) => numberedName(log, n));
  const stamps = [...periods.keys()].sort((a, b) => byPeriod({ stamp: a, counter: 0 }, { stamp: b, counter: 0 }));
  for (const [i, stamp] of stamps.entries()) {
    const counters = periods.get(stamp)!;
    // Of the oldest period, retention may have deleted some.
    for (const counter of gaps(counters, i === 0 ? Math.min(...counters) : 0)) {
      missing.push(datedName(log, { stamp, counter }));
    }
  }
  // What is no file, and not ours, keeps its name, and backups leave it out.
  const isTaken = (path: string) => EXTENSIONS.some((extension) => occupantOf(fs, path + extension) === "other");
  return missing
    .filter((path) => !isTaken(path))
    .map((path) => finding("problem", "numbering", log, `there is no backup ${path}`));
}

const MOST_GAPS = 10;

/** Numbers from `first` to the largest that are not there. */
function gaps(numbers: ReadonlySet<number>, first: number): number[] {
  const found: number[] = [];
  const largest = [...numbers].reduce((a, b) => Math.max(a, b), first);
  for (let n = first; n < largest && found.length < MOST_GAPS; n++) if (!numbers.has(n)) found.push(n);
  return found;
}

// Retention follows a rotation without the lock: milliseconds until a limit that is passed is a finding.
const RETENTION_TAKES = 1000;

/**
 * Are there more backups than may be kept?
 * @param look finds all files of the log, again if need be
 */
export async function limitFindings(
  { clock }: Environment,
  log: string,
  look: () => readonly LogFile[],
  limits: KeptLimits,
): Promise<Finding[]> {
  const found = () => passedLimits(log, look(), limits, clock.now() / 1000);
  const first = found();
  if (first.every(({ severity }) => severity === "note")) return first;
  await clock.delay(RETENTION_TAKES);
  return found();
}

function passedLimits(log: string, files: readonly LogFile[], limits: KeptLimits, now: number): Finding[] {
  const backups = files.filter(({ kind }) => kind !== "active");
  const oldest = backups[0];
  if (oldest === undefined) return [];
  const problem = (message: string) => [finding("problem", "limit", oldest.path, message)];
  const bytes = backups.reduce((sum, { status }) => sum + status.size, 0);
  const age = (now - oldest.status.modifiedAt) * 1000;
  const periods = new Set(backups.flatMap(({ path }) => periodOf(log, basename(path)) ?? [])).size;
  return [
    ...(backups.length > limits.backupCount
      ? problem(`there are ${backups.length} backups, and backupCount is ${limits.backupCount}`)
      : []),
    ...(bytes > limits.maxTotalBytes
      ? problem(`backups have ${bytes} bytes, and maxTotalBytes is ${limits.maxTotalBytes}`)
      : []),
    ...(periods > limits.maxPeriods
      ? problem(`there are backups of ${periods} periods, and maxPeriods is ${limits.maxPeriods}`)
      : []),
    // Deleted after the next rotation, which may be long in coming.
    ...(age > limits.maxAge
      ? [finding("note", "limit", oldest.path, `${oldest.path} is older than maxAge; the next rotation deletes it`)]
      : []),
  ];
}

function periodOf(log: string, name: string): string | undefined {
  const pending = parsePending(log, name);
  return (pending === undefined ? parseDated(log, name) : parseDatedPlace(pending.place))?.stamp;
}
