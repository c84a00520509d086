import { EventEmitter } from "node:events";
import { dirname } from "node:path";
import { LogFileError } from "../base/errors.js";
import { News } from "../events/event-queue.js";
import type { HandlerEvents } from "../events/handler-events.js";
import { tracer } from "../events/trace.js";
import { type HandlerOptions, isTimed } from "../handler/create-handler.js";
import { type LogFile, listLogFiles } from "../log-files/list-files.js";
import { archiveOf } from "../log-files/named-backups.js";
import { OPTIONS } from "../options/option-table.js";
import type { TimedRotatingFileHandlerOptions } from "../options/options.js";
import { OTHER_LIMITS, resolveRotatingOptions, resolveTimedOptions } from "../options/resolve-options.js";
import { anObject, refused, unknownOption } from "../options/validation.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import { effectiveUser } from "../platform/identity.js";
import { blockReader } from "../reading/read-log.js";
import { textOptions } from "../reading/records/line-format.js";
import { LogWriter } from "../writer/log-writer.js";
import { lockDirectoryLeft, type SettingsLeft, unknownNames } from "../writer/settings-file.js";

/** A rehearsal over this machine. Few programs ask for one, and it loads what only threads need otherwise. @internal */
export async function rehearse(environment: Environment) {
  const { Rehearsal } = await import("./rehearsal.js");
  return new Rehearsal(environment);
}

/**
 * Settings of {@link sweepLog}: options of the handlers, with their units and ranges. What is left out is as the writers
 * of the log have left it beside it.
 */
export type SweepLogOptions = Pick<
  TimedRotatingFileHandlerOptions,
  | "maxBytes"
  | "strictMaxBytes"
  | "when"
  | "interval"
  | "atTime"
  | "utc"
  | "timeZone"
  | "rotateWhenIdle"
  | "backupCount"
  | "maxAge"
  | "maxTotalBytes"
  | "minFreeBytes"
  | "minFreePercent"
  | "maxPeriods"
  | "onArchived"
  | "onArchivedTimeout"
  | "useGzip"
  | "compression"
  | "delayCompression"
  | "encoding"
  | "header"
  | "maxRecordBytes"
  | "oversize"
  | "sync"
  | "keepFileOpen"
  | "lockFileDirectory"
  | "backupName"
  | "keepExtension"
  | "archiveDirectory"
  | "lockTimeout"
  | "onLockTimeout"
  | "chmod"
  | "umask"
  | "owner"
  | "debug"
> & {
  /** Only find out what would be done: nothing is changed, and no writer waits. Default: false. */
  readonly dryRun?: boolean | undefined;
};

/** One thing that was done to a log, or would be. */
export interface SweepDeed {
  /**
   * `compressed`: a backup is new; `removed`: a backup had to go; `recovered`: one of a killed rotation has its name;
   * `archived`: the hook is done with it.
   */
  readonly what: "rotated" | "compressed" | "removed" | "recovered" | "archived";
  /** Path of the file, by the name that it had then. */
  readonly path: string;
}

/** The result of {@link sweepLog}. */
export interface SweepResult {
  /** Absolute path of the log. */
  readonly log: string;
  /** In order. */
  readonly done: readonly SweepDeed[];
  /** Parts of it that could not be done: they are tried again by the next sweep, and by the writers. */
  readonly failures: readonly LogFileError[];
  /** Settings that could not be applied, or differ from those of writers that live. */
  readonly warnings: readonly LogFileError[];
}

/**
 * Finishes what writers have left: merges records that wait beside the log into it, compresses what waits for that, and
 * deletes backups beyond the limits; as `clh sweep` does. Writers may go on. Resolves when all is done. The event loop
 * stands still while it waits for the lock of the log, at most for `lockTimeout` each time; a thread compresses.
 * @param path of the log: a path, or a `file:` URL
 * @throws {LogFileError} `ERR_CLH_READ` when there is no such log, or a function names its backups; `ERR_CLH_OPTION` for a
 *   wrong option, or when nothing says how many backups are kept; `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT` or `ERR_CLH_OPEN`
 *   when nothing could be begun; `ERR_CLH_NATIVE`
 */
export function sweepLog(path: string | URL, options: SweepLogOptions = {}): Promise<SweepResult> {
  return maintain(path, options, () => {});
}

/** As {@link sweepLog}, and rotates the log before that. */
export function rotateLog(path: string | URL, options: SweepLogOptions = {}): Promise<SweepResult> {
  return maintain(path, options, (writer) => writer.rotate());
}

async function maintain(
  path: string | URL,
  all: SweepLogOptions,
  act: (writer: LogWriter) => void,
): Promise<SweepResult> {
  refuseOthers(all);
  const { dryRun, ...given } = all;
  const rehearsal = dryRun ? await rehearse(systemEnvironment()) : undefined;
  const environment = rehearsal?.environment ?? systemEnvironment();
  const { log, lockPath, archive, options } = settingsFor(path, given, environment);
  rehearsal?.begin(log, lockPath, archive);
  const resolve = isTimed(options) ? resolveTimedOptions : resolveRotatingOptions;
  const resolved = resolve(log, options, environment.fs);
  const events = new EventEmitter<HandlerEvents>();
  const writer = new LogWriter(resolved, environment, new News(events, tracer(resolved.debug)), {
    leavesSettings: false, // no writer of the log obeys the settings of one sweep
  });
  const done: SweepDeed[] = [];
  const failures: LogFileError[] = [];
  const warnings: LogFileError[] = [];
  events.on("rotated", ({ to }) => done.push({ what: "rotated", path: to ?? "(not kept)" }));
  for (const what of ["compressed", "removed", "recovered", "archived"] as const) {
    events.on(what, ({ path }: { path: string }) => done.push({ what, path }));
  }
  events.on("error", (error) => failures.push(error));
  events.on("warning", (warning) => warnings.push(warning));
  try {
    writer.open();
    await writer.whenSwept(); // what waits in spills is older than what is rotated now
    act(writer);
    await writer.whenSwept();
  } finally {
    writer.close();
  }
  return { log, done, failures, warnings };
}

/** Those that say how a record is written, or what is called by a writer: of which a sweep has none. */
function refuseOthers(given: object): void {
  const known = ["dryRun", ...Object.keys(OPTIONS).filter((name) => OPTIONS[name]!.flag !== undefined)];
  for (const [name, value] of Object.entries(anObject(given))) {
    if (!known.includes(name)) throw unknownOption(name, value, known);
  }
  const { dryRun } = given as SweepLogOptions;
  if (!["boolean", "undefined"].includes(typeof dryRun)) throw refused("dryRun", dryRun, "true or false");
}

/** The options of a handler of the log: as given, else as its writers have left them. */
function settingsFor(
  path: string | URL,
  given: SweepLogOptions,
  environment: Environment,
): { log: string; lockPath: string; archive: string | undefined; options: HandlerOptions } {
  const { lockFileDirectory, backupName, archiveDirectory } = given;
  const reading = {
    lockFileDirectory: lockFileDirectory ?? undefined,
    backupName: backupName ?? undefined,
    archiveDirectory: archiveDirectory ?? undefined,
  };
  const { log, lockPath, left, naming, environment: named } = blockReader(path, reading, environment);
  const { fs } = named;
  const files = fs.exists(dirname(log)) ? listLogFiles(fs, log) : [];
  if (files.length === 0)
    throw new LogFileError("ERR_CLH_READ", `There is no log ${log}, nor a backup of one.`, { path: log });
  const unfound = unknownNames(log, left, naming);
  if (unfound !== undefined)
    throw left?.settings.namer === true
      ? new LogFileError("ERR_CLH_READ", `${unfound.message} Only its writers can rotate it.`, { path: log })
      : unfound;
  const isKnown = lockFileDirectory != null || lockDirectoryLeft(left) === undefined;
  if (!isKnown && !fs.exists(lockPath)) {
    const message = `The writers of ${log} lock ${lockPath}, which is not there. Say where their lock file is with \`lockFileDirectory\`.`;
    throw new LogFileError("ERR_CLH_OPTION", message, { path: log, option: "lockFileDirectory", value: undefined });
  }
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options = { ...asTheOwner(files), ...leftOptions(left?.settings, said), ...said } as HandlerOptions;
  if (
    !isTimed(options) &&
    given.backupCount === undefined &&
    !options.backupCount &&
    !OTHER_LIMITS.some((name) => options[name] != null)
  ) {
    const why = left === undefined ? "Nobody has left the settings of" : "No backups are kept by the writers of";
    const message = `${why} ${log}: a rotation would delete its records. Say how many are kept with \`backupCount\` (0 deletes them).`;
    throw new LogFileError("ERR_CLH_OPTION", message, { path: log, option: "backupCount", value: undefined });
  }
  return { log, lockPath, archive: archiveOf(log, naming), options };
}

/** Run by root, new files belong to whom the log belongs: else its writers could not go on. */
function asTheOwner(files: readonly LogFile[]): object {
  const status = files.at(-1)?.status;
  if (effectiveUser() !== 0 || status === undefined) return {};
  return { owner: [status.uid, status.gid], umask: 0o666 & ~status.mode };
}

/** The options of a handler that has left its settings. What is said in a short form stands for theirs in the long one. */
function leftOptions(
  left: SettingsLeft["settings"] | undefined,
  { useGzip, keepExtension }: { readonly useGzip?: unknown; readonly keepExtension?: unknown },
): object {
  if (left === undefined) return {};
  const { kind, encoding: _encoding, terminator: _terminator, namer: _namer, headerIsFunction, ...options } = left;
  const replaced = [
    ...(useGzip === true ? ["compression"] : []),
    ...(keepExtension === true ? ["backupName"] : []),
    ...(headerIsFunction ? ["header"] : []),
  ];
  return {
    ...(kind === "timed" && { when: "h" }),
    ...Object.fromEntries(
      Object.entries(options).filter(([name, value]) => value !== null && !replaced.includes(name)),
    ),
    ...textOptions(left),
    newline: "", // these texts are as they are in files
  };
}
