import { datedName, numberedName, parseDated, parseNumbered } from "../log-files/backup-names.js";
import { EXTENSIONS } from "../log-files/compression-formats.js";
import type { LogFile } from "../log-files/list-files.js";
import { pathOnDisk } from "../log-files/named-backups.js";
import { occupantOf } from "../log-files/path-type.js";
import type { Environment } from "../platform/environment.js";
import { type Finding, finding } from "./finding.js";

interface Period {
  readonly counters: Set<number>;
  /** Seconds since 1970: the times of its files lie between. */
  first: number;
  last: number;
}

/** Are there gaps in the numbers of the backups, or in the counters of a period? */
export function numberingFindings({ fs, clock }: Environment, log: string, backups: readonly LogFile[]): Finding[] {
  const numbers = new Set<number>();
  const periods = new Map<string, Period>();
  for (const { name, kind, status } of backups) {
    if (kind !== "backup") continue;
    const numbered = parseNumbered(log, name);
    const dated = numbered === undefined ? parseDated(log, name) : undefined;
    if (numbered !== undefined) numbers.add(numbered.n);
    if (dated === undefined) continue;
    const period = periods.get(dated.stamp) ?? { counters: new Set(), first: Infinity, last: -Infinity };
    period.counters.add(dated.counter);
    period.first = Math.min(period.first, status.modifiedAt);
    period.last = Math.max(period.last, status.modifiedAt);
    periods.set(dated.stamp, period);
  }
  const missing = gaps(numbers, 1).map((n) => numberedName(log, n));
  for (const [stamp, period] of [...periods].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Retention may have deleted the first ones of the oldest period: of any that is not younger by name and by time.
    const isOldest = ([other, { last }]: [string, Period]) => other >= stamp || last > period.first;
    const mayLack = period.first > clock.now() / 1000 || [...periods].every(isOldest);
    const { counters } = period;
    for (const counter of gaps(counters, mayLack ? Math.min(...counters) : 0)) {
      missing.push(datedName(log, { stamp, counter }));
    }
  }
  // What is no file, and not ours, keeps its name, and backups leave it out.
  const isTaken = (path: string) => EXTENSIONS.some((extension) => occupantOf(fs, path + extension) === "other");
  return missing
    .filter((path) => !isTaken(path))
    .map((path) => finding("problem", "numbering", log, `there is no backup ${pathOnDisk(fs, path)}`));
}

const MOST_GAPS = 10;

/** Numbers from `first` to the largest that are not there. */
function gaps(numbers: ReadonlySet<number>, first: number): number[] {
  const found: number[] = [];
  const largest = [...numbers].reduce((a, b) => Math.max(a, b), first);
  for (let n = first; n < largest && found.length < MOST_GAPS; n++) if (!numbers.has(n)) found.push(n);
  return found;
}
