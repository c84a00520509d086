import { basename } from "node:path";
import { isError } from "../base/system-errors.js";
import type { LockFile } from "../lock/lock-file.js";
import { datedName, type Namer } from "../log-files/backup-names.js";
import { BackupTemplate, DATE_FIELDS } from "../log-files/backup-template.js";
import type { ResolvedOptions, ResolvedTimedOptions, Schedule } from "../options/resolved-options.js";
import { refused } from "../options/validation.js";
import type { Environment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import type { Backups } from "./backups.js";
import { DatedBackups } from "./dated-backups.js";
import { NumberedBackups } from "./numbered-backups.js";
import { RolloverTime } from "./rollover-time.js";
import { Boundaries } from "./schedule.js";
import { TimeTrigger } from "./time-trigger.js";
import { sizeTrigger, type Trigger } from "./trigger.js";

/** What makes a log's rotation the one it is: when it is due, and what becomes of the file. */
export interface Policy {
  readonly trigger: Trigger;
  readonly backups: Backups;
}

/** What a policy may ask the writer for. */
export interface PolicyContext {
  readonly lockFile: LockFile;
  readonly namer: () => Namer | undefined;
}

/**
 * By time where the options have a schedule, else by size.
 * @throws {LogFileError} `ERR_CLH_OPTION` for an interval of which the calendar has no end
 */
export function policyOf(options: ResolvedOptions, environment: Environment, context: PolicyContext): Policy {
  return "schedule" in options
    ? timePolicy(options as ResolvedTimedOptions, environment, context)
    : sizePolicy(options, environment, context);
}

function sizePolicy(
  { filename, maxBytes, strictMaxBytes, backupCount }: ResolvedOptions,
  { fs }: Environment,
  { namer }: PolicyContext,
): Policy {
  return {
    trigger: sizeTrigger(maxBytes, strictMaxBytes),
    backups: new NumberedBackups(fs, filename, backupCount, namer),
  };
}

function timePolicy(
  options: ResolvedTimedOptions,
  { fs, clock }: Environment,
  { lockFile, namer }: PolicyContext,
): Policy {
  const { filename, encoding, maxBytes, strictMaxBytes, schedule, limits, minFreeBytes, minFreePercent, backupName } =
    options;
  const boundaries = boundariesOf(schedule, clock.now() / 1000);
  if (backupName !== undefined) checkDate(backupName, filename, boundaries.stamp(clock.now() / 1000));
  const path = new FilePath(filename);
  const status = new FileStatus();
  const trigger = new TimeTrigger({
    boundaries,
    clock,
    shared: new RolloverTime(lockFile, encoding),
    lastRecord: () => (fs.statusWithTime(path, status) && status.size > 0 ? status.modifiedAt : undefined),
    identity: () => (fs.statusWithTime(path, status) ? status.identity : undefined),
    size: sizeTrigger(maxBytes, strictMaxBytes),
  });
  const isSpaceKept = minFreeBytes != null || minFreePercent != null;
  const hasLimits = isSpaceKept || Object.values(limits).some(Number.isFinite);
  const period = () => trigger.period;
  const now = () => clock.now() / 1000;
  return { trigger, backups: new DatedBackups({ fs, log: filename, boundaries, period, namer, hasLimits, now }) };
}

/** Refuses a template whose date says more than the name of a period, or less. */
function checkDate(backupName: string, log: string, stamp: string): void {
  const template = BackupTemplate.of(backupName, log)!;
  if (template.nameOf(datedName(basename(log), { stamp, counter: 0 })) !== undefined) return;
  const fields = DATE_FIELDS.slice(0, stamp.split(/[-_]/).length);
  // A pattern has a day at least.
  const others = fields.length < 3 ? "" : `, or with a date of exactly ${fields.join(", ")}`;
  throw refused("backupName", backupName, `a template with {date}${others}: they tell one period from the next`);
}

/** Refuses an interval of which the calendar has no end: else every write would fail. */
function boundariesOf(schedule: Schedule, now: number): Boundaries {
  const boundaries = new Boundaries(schedule);
  try {
    boundaries.stamp(boundaries.next(boundaries.next(now)));
  } catch (cause) {
    if (!isError(cause, "RangeError")) throw cause;
    throw refused("interval", schedule.interval, "smaller: the calendar does not reach so far", cause);
  }
  return boundaries;
}
