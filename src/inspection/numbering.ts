import { basename } from "node:path";
import { byPeriod, datedName, numberedName, parseDated, parseNumbered } from "../log-files/backup-names.js";
import { EXTENSIONS } from "../log-files/compression-formats.js";
import type { LogFile } from "../log-files/list-files.js";
import { occupantOf } from "../log-files/path-type.js";
import type { FileSystem } from "../platform/file-system.js";
import { type Finding, finding } from "./finding.js";

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
