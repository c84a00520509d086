import { type HandlerJson, optionsFromJson } from "../options/handler-json.js";
import type { TimedRotatingFileHandlerOptions } from "../options/options.js";
import { refused, resolveTimedOptions } from "../options/resolve-options.js";
import type { Schedule } from "../options/resolved-options.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { DatedBackups } from "../rotation/dated-backups.js";
import { RolloverTime } from "../rotation/rollover-time.js";
import { Boundaries } from "../rotation/schedule.js";
import { TimeTrigger } from "../rotation/time-trigger.js";
import { sizeTrigger } from "../rotation/trigger.js";
import { ConcurrentFileHandler } from "./file-handler.js";

/**
 * Appends records to one file, safely beside any number of other processes that do the same, and rotates it by time:
 * at midnight, "app.log" becomes "app.log.2024-05-17", named after the day that has ended. With `maxBytes`, by size as
 * well: "app.log.2024-05-17.1", and so on.
 *
 * @example
 * const handler = new ConcurrentTimedRotatingFileHandler("app.log", { when: "midnight", backupCount: 14 });
 * handler.write("one record");
 */
export class ConcurrentTimedRotatingFileHandler extends ConcurrentFileHandler {
  /**
   * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, `ERR_CLH_NATIVE` where files cannot be locked
   */
  constructor(filename: string | URL, options?: TimedRotatingFileHandlerOptions);
  constructor(options: TimedRotatingFileHandlerOptions & { readonly filename: string | URL });
  /** @internal */
  constructor(
    filename: string | URL | object,
    options: TimedRotatingFileHandlerOptions | undefined,
    environment: Environment,
  );
  constructor(filename: unknown, options?: unknown, environment: Environment = systemEnvironment()) {
    const { fs, clock } = environment;
    const resolved = resolveTimedOptions(filename, options, fs);
    const { filename: log, encoding, maxBytes, strictMaxBytes, schedule, limits } = resolved;
    const boundaries = boundariesOf(schedule, clock.now() / 1000);
    const path = new FilePath(log);
    const status = new FileStatus();
    super(resolved, environment, ({ lockFile, namer }) => {
      const trigger = new TimeTrigger({
        boundaries,
        clock,
        shared: new RolloverTime(lockFile, encoding),
        lastRecord: () => (fs.statusWithTime(path, status) && status.size > 0 ? status.modifiedAt : undefined),
        identity: () => (fs.status(path, status) ? JSON.stringify(status.place) : undefined),
        size: sizeTrigger(maxBytes, strictMaxBytes),
      });
      const hasLimits = Object.values(limits).some(Number.isFinite);
      const period = () => trigger.period;
      return { trigger, backups: new DatedBackups({ fs, log, boundaries, period, namer, hasLimits }) };
    });
  }

  /**
   * The handler that `JSON.stringify` has written, in this or another process.
   * @param functions its namer or rotator, which JSON cannot hold
   */
  static fromJSON(
    json: HandlerJson | string,
    functions: Pick<TimedRotatingFileHandlerOptions, "namer" | "rotator"> = {},
  ): ConcurrentTimedRotatingFileHandler {
    const options = optionsFromJson("time", json, functions);
    return new ConcurrentTimedRotatingFileHandler(options as TimedRotatingFileHandlerOptions & { filename: string });
  }
}

/** Refuses an interval of which the calendar has no end: else every write would fail. */
function boundariesOf(schedule: Schedule, now: number): Boundaries {
  const boundaries = new Boundaries(schedule);
  try {
    boundaries.stamp(boundaries.next(boundaries.next(now)));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw refused("interval", schedule.interval, "smaller: the calendar does not reach so far", cause);
  }
  return boundaries;
}
