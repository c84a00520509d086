import { believedTimes } from "../log-files/file-order.js";
import type { LogFile } from "../log-files/list-files.js";
import { parseDuration, parseSize } from "../options/parsers.js";
import type { Environment } from "../platform/environment.js";
import type { SettingsLeft } from "../writer/settings-file.js";
import { type Finding, finding } from "./finding.js";
import { stampOf } from "./kept-backups.js";

/** The limits that a log has to keep; infinite ones, and 0 for `maxBytes`, are none. */
export interface KeptLimits {
  readonly maxBytes: number;
  readonly strictMaxBytes: boolean;
  readonly backupCount: number;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly maxTotalBytes: number;
  readonly maxPeriods: number;
  /** The writers rotate by size and keep no rotated file. */
  readonly keepsNone: boolean;
}

/** Undefined is not given. */
type GivenLimits = { readonly [Name in Exclude<keyof KeptLimits, "keepsNone">]?: KeptLimits[Name] | undefined };

/** As given; else as the writers of the log have left them beside it. */
export function limitsOf(given: GivenLimits, left: SettingsLeft | undefined): KeptLimits {
  const { maxBytes, strictMaxBytes, backupCount, maxAge, maxTotalBytes, maxPeriods, kind } = left?.settings ?? {};
  const none = Number.POSITIVE_INFINITY;
  const largest = given.maxBytes ?? parseSize(maxBytes) ?? 0;
  return {
    keepsNone: kind === "size" && largest > 0 && (given.backupCount ?? parseSize(backupCount)) === 0,
    maxBytes: largest,
    strictMaxBytes: given.strictMaxBytes ?? strictMaxBytes !== false,
    backupCount: given.backupCount ?? (parseSize(backupCount) || none),
    maxAge: given.maxAge ?? parseDuration(maxAge) ?? none,
    maxTotalBytes: given.maxTotalBytes ?? parseSize(maxTotalBytes) ?? none,
    maxPeriods: given.maxPeriods ?? parseSize(maxPeriods) ?? none,
  };
}

// Retention follows a rotation, when the lock was released: milliseconds until a limit that is passed is a finding.
const RETENTION_TAKES = 1000;

/**
 * Are there more backups than may be kept?
 * @param look finds its backups, again if need be
 */
export async function limitFindings(
  { clock }: Environment,
  log: string,
  look: () => readonly LogFile[],
  limits: KeptLimits,
): Promise<Finding[]> {
  const found = () => [...keptNone(log, limits), ...passedLimits(log, look(), limits, clock.now() / 1000)];
  const first = found();
  if (first.every(({ severity }) => severity === "note")) return first;
  await clock.delay(RETENTION_TAKES);
  return found();
}

function keptNone(log: string, { keepsNone, maxBytes }: KeptLimits): Finding[] {
  const message = `its writers keep no rotated file (backupCount is 0): every ${maxBytes} bytes, all records are deleted`;
  return keepsNone ? [finding("note", "limit", log, message)] : [];
}

function passedLimits(log: string, backups: readonly LogFile[], limits: KeptLimits, now: number): Finding[] {
  const oldest = backups[0];
  if (oldest === undefined) return [];
  const problem = (message: string) => [finding("problem", "limit", oldest.path, message)];
  const bytes = backups.reduce((sum, { status }) => sum + status.size, 0);
  const times = backups.map(({ status }) => status.modifiedAt);
  const age = (now - believedTimes([...times, now], now)[0]!) * 1000;
  const periods = new Set(backups.flatMap((file) => stampOf(log, file) ?? [])).size;
  return [
    ...(backups.length > limits.backupCount
      ? problem(`there are ${backups.length} backups, and backupCount is ${limits.backupCount}`)
      : []),
    // The newest stays, however large it is.
    ...(bytes > limits.maxTotalBytes && backups.length > 1
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
