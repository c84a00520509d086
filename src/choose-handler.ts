import { type Environment, systemEnvironment } from "./environment.js";
import type { ConcurrentFileHandler } from "./handler.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "./options.js";
import { ConcurrentRotatingFileHandler } from "./size-handler.js";
import { ConcurrentTimedRotatingFileHandler } from "./timed-handler.js";

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
