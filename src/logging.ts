export { LogFileError, type LogFileErrorCode } from "./base/errors.js";
export {
  type BasicConfigOptions,
  basicConfig,
  disable,
  getHandlerByName,
  getHandlerNames,
  getLastResort,
  getLogger,
  setLastResort,
} from "./logging/basic-config.js";
export type { CallSite } from "./logging/call-site.js";
export type { Options as ConfigSection } from "./logging/config/classes.js";
export { configFromFile } from "./logging/config/config-file.js";
export { type ConfigOptions, dictConfig, type LoggerConfig, type LoggingConfig } from "./logging/config/dict-config.js";
export { type FileConfigOptions, fileConfig } from "./logging/config/file-config.js";
export { Filter, Filterer, type FilterLike, type Verdict } from "./logging/filter.js";
export { Formatter, type FormatterOptions } from "./logging/formatting/formatter.js";
export { JsonFormatter, type JsonFormatterOptions } from "./logging/formatting/json-formatter.js";
export type { StyleName } from "./logging/formatting/style.js";
export {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type FileHandler,
} from "./logging/handlers/file-handlers.js";
export { Handler, type HandlerOptions } from "./logging/handlers/handler.js";
export { type Closable, shutdown } from "./logging/handlers/handler-registry.js";
export { MemoryHandler, type MemoryHandlerOptions } from "./logging/handlers/memory-handler.js";
export { NatsHandler } from "./logging/handlers/nats-handler.js";
export { NullHandler, StreamHandler, type TextSink } from "./logging/handlers/stream-handler.js";
export {
  addLevelName,
  CRITICAL,
  CRITICAL as FATAL,
  DEBUG,
  ERROR,
  getLevelName,
  getLevelNamesMapping,
  INFO,
  type Level,
  NOTSET,
  WARNING,
  WARNING as WARN,
} from "./logging/levels.js";
export { type BoundLogger, type Logger, LoggerAdapter } from "./logging/logger.js";
export {
  type CallOptions,
  getLogRecordFactory,
  LogRecord,
  type LogRecordFactory,
  makeLogRecord,
  setLogRecordFactory,
} from "./logging/record.js";
export {
  critical,
  critical as fatal,
  debug,
  error,
  exception,
  info,
  log,
  warning,
  warning as warn,
} from "./logging/root-methods.js";
export { captureWarnings } from "./logging/warnings.js";
export type { NatsHandlerOptions } from "./nats/nats-options.js";
export type { WaitOptions } from "./options/options.js";
