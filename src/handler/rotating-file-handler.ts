import { type HandlerJson, optionsFromJson } from "../options/handler-json.js";
import type { RotatingFileHandlerOptions } from "../options/options.js";
import { deletionWarning, resolveRotatingOptions } from "../options/resolve-options.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import { ConcurrentFileHandler } from "./file-handler.js";

/**
 * Appends records to one file, safely beside any number of other processes that do the same, and rotates it by size:
 * "app.log" becomes "app.log.1", that one "app.log.2", and so on up to `backupCount`.
 *
 * @example
 * const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "10MiB", backupCount: 5 });
 * handler.write("one record");
 */
export class ConcurrentRotatingFileHandler extends ConcurrentFileHandler {
  /**
   * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, `ERR_CLH_NATIVE` where files cannot be locked
   */
  constructor(filename: string | URL, options?: RotatingFileHandlerOptions);
  constructor(options: RotatingFileHandlerOptions & { readonly filename: string | URL });
  /** @internal */
  constructor(
    filename: string | URL | object,
    options: RotatingFileHandlerOptions | undefined,
    environment: Environment,
  );
  constructor(filename: unknown, options?: unknown, environment: Environment = systemEnvironment()) {
    const resolved = resolveRotatingOptions(filename, options, environment.fs);
    super(resolved, environment, deletionWarning(filename, options, resolved));
  }

  /**
   * The handler that `JSON.stringify` has written, in this or another process.
   * @param functions its namer, rotator or hook, which JSON cannot hold
   */
  static fromJSON(
    json: HandlerJson | string,
    functions: Pick<RotatingFileHandlerOptions, "namer" | "rotator" | "header" | "onArchived"> = {},
  ): ConcurrentRotatingFileHandler {
    const options = optionsFromJson("size", json, functions);
    return new ConcurrentRotatingFileHandler(options as RotatingFileHandlerOptions & { filename: string });
  }
}
