export { LogFileError, type LogFileErrorCode } from "./errors.js";
export type { CallSite } from "./logging/call-site.js";
export { type ConfigOptions, dictConfig, type LoggerConfig, type LoggingConfig } from "./logging/config/dict-config.js";
export { type FileConfigOptions, fileConfig } from "./logging/config/file-config.js";
export { configFromFile } from "./logging/config/from-file.js";
export {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type FileHandler,
} from "./logging/file-handlers.js";
export { Filter, Filterer, type FilterLike, type Verdict } from "./logging/filter.js";
export { Formatter, type FormatterOptions } from "./logging/formatter.js";
export { Handler, type HandlerOptions } from "./logging/handler.js";
export { JsonFormatter, type JsonFormatterOptions } from "./logging/json-formatter.js";
export {
  addLevelName,
  CRITICAL,
  DEBUG,
  ERROR,
  getLevelName,
  getLevelNamesMapping,
  INFO,
  type Level,
  NOTSET,
  WARNING,
} from "./logging/levels.js";
export type { BoundLogger, Logger } from "./logging/logger.js";
export { MemoryHandler, type MemoryHandlerOptions } from "./logging/memory-handler.js";
export { shutdown } from "./logging/open-handlers.js";
export { type CallOptions, LogRecord, makeLogRecord } from "./logging/record.js";
export {
  type BasicConfigOptions,
  basicConfig,
  disable,
  getLastResort,
  getLogger,
  setLastResort,
} from "./logging/root.js";
export { critical, debug, error, exception, info, log, warning } from "./logging/root-methods.js";
export { NullHandler, StreamHandler, type TextSink } from "./logging/stream-handler.js";
export type { StyleName } from "./logging/style.js";
export { captureWarnings } from "./logging/warnings.js";
