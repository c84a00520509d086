import { type HandlerJson, optionsFromJson } from "../options/handler-json.js";
import type { TimedRotatingFileHandlerOptions } from "../options/options.js";
import { resolveTimedOptions } from "../options/resolve-options.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
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
    super(resolveTimedOptions(filename, options, environment.fs), environment);
  }

  /**
   * The handler that `JSON.stringify` has written, in this or another process.
   * @param functions its namer, rotator or hook, which JSON cannot hold
   */
  static fromJSON(
    json: HandlerJson | string,
    functions: Pick<TimedRotatingFileHandlerOptions, "namer" | "rotator" | "header" | "onArchived"> = {},
  ): ConcurrentTimedRotatingFileHandler {
    const options = optionsFromJson("time", json, functions);
    return new ConcurrentTimedRotatingFileHandler(options as TimedRotatingFileHandlerOptions & { filename: string });
  }
}
