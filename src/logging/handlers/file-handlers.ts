import type { ConcurrentFileHandler } from "../../handler/file-handler.js";
import { ConcurrentRotatingFileHandler as RotatingFile } from "../../handler/rotating-file-handler.js";
import { ConcurrentTimedRotatingFileHandler as TimedRotatingFile } from "../../handler/timed-rotating-file-handler.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../options/options.js";
import type { HandlerOptions } from "./handler.js";
import { SinkHandler } from "./sink-handler.js";

/** Writes records to a file that other processes write as well. */
export abstract class FileHandler<File extends ConcurrentFileHandler> extends SinkHandler {
  /** The file with its events, its statistics, and `rotate()`. */
  readonly file: File;

  protected constructor(file: File, options: HandlerOptions) {
    super(file, options);
    this.file = file;
  }
}

/** A handler for loggers over the file handler of the same name, whose options it takes. */
export class ConcurrentRotatingFileHandler extends FileHandler<RotatingFile> {
  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option */
  constructor(
    filename: string | URL,
    { level, formatter, ...options }: RotatingFileHandlerOptions & HandlerOptions = {},
  ) {
    super(new RotatingFile(filename, options), { level, formatter });
  }
}

/** A handler for loggers over the file handler of the same name, whose options it takes. */
export class ConcurrentTimedRotatingFileHandler extends FileHandler<TimedRotatingFile> {
  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option */
  constructor(
    filename: string | URL,
    { level, formatter, ...options }: TimedRotatingFileHandlerOptions & HandlerOptions = {},
  ) {
    super(new TimedRotatingFile(filename, options), { level, formatter });
  }
}
