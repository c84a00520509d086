export type { UnicodeErrorPolicy } from "./encode.js";
export { LogFileError, type LogFileErrorCode } from "./errors.js";
export type { HandlerEvents, RotationReason } from "./events.js";
export type { HandlerJson } from "./handler-json.js";
export type {
  DeliveryLimits,
  DeliveryMode,
  Duration,
  FileHandlerOptions,
  Overflow,
  RotatingFileHandlerOptions,
  Rotator,
  Size,
  SyncMode,
  TimedRotatingFileHandlerOptions,
} from "./options.js";
export type { When } from "./rotation/boundary.js";
export type { Compression, CompressionFormat } from "./rotation/formats.js";
export type { Namer } from "./rotation/naming.js";
export { ConcurrentRotatingFileHandler } from "./size-handler.js";
export type { HandlerStats } from "./stats.js";
export { ConcurrentTimedRotatingFileHandler } from "./timed-handler.js";
