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
export type { LogRecord } from "./reading/block.js";
export type { FollowOptions } from "./reading/follow-blocks.js";
export { type FollowLogOptions, followLog } from "./reading/follow-log.js";
export { type ReadLogOptions, type ReadOptions, readLog } from "./reading/read-log.js";
export type { Selection } from "./reading/selection.js";
export type { When } from "./rotation/boundary.js";
export type { Compression, CompressionFormat } from "./rotation/formats.js";
export type { Namer } from "./rotation/naming.js";
export { ConcurrentRotatingFileHandler } from "./size-handler.js";
export type { HandlerStats } from "./stats.js";
export { ConcurrentTimedRotatingFileHandler } from "./timed-handler.js";
