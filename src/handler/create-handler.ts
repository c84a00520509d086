import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../options/options.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import type { ConcurrentFileHandler } from "./file-handler.js";
import { ConcurrentRotatingFileHandler } from "./rotating-file-handler.js";
import { ConcurrentTimedRotatingFileHandler } from "./timed-rotating-file-handler.js";

/** Options of the timed handler if they have `when`, and of the other one if not. */
export type HandlerOptions = RotatingFileHandlerOptions | TimedRotatingFileHandlerOptions;

export function isTimed(options: HandlerOptions): options is TimedRotatingFileHandlerOptions {
  return "when" in options;
}

/** @throws {LogFileError} as the constructors do */
export function makeHandler(
  file: string,
  options: HandlerOptions,
  environment: Environment = systemEnvironment(),
): ConcurrentFileHandler {
  return isTimed(options)
    ? new ConcurrentTimedRotatingFileHandler(file, options, environment)
    : new ConcurrentRotatingFileHandler(file, options, environment);
}
