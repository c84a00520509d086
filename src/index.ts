export { LogFileError, type LogFileErrorCode } from "./base/errors.js";
export type { HandlerEvents, RotationReason } from "./events/handler-events.js";
export type { ConcurrentFileHandler } from "./handler/file-handler.js";
export type { RecordSink } from "./handler/record-sink.js";
export { ConcurrentRotatingFileHandler } from "./handler/rotating-file-handler.js";
export type { HandlerStream, StreamOptions } from "./handler/stream.js";
export { ConcurrentTimedRotatingFileHandler } from "./handler/timed-rotating-file-handler.js";
export type { CollectedStream, StreamWriter } from "./inspection/collected-streams.js";
export type { Finding } from "./inspection/finding.js";
export type { ProcessInfo } from "./inspection/processes.js";
export { type PrunedBackup, type PruneLogsOptions, type PruneResult, pruneLogs } from "./inspection/prune-logs.js";
export type { SequenceResult } from "./inspection/sequences.js";
export { type FileState, type LogStatus, type LogStatusOptions, logStatus } from "./inspection/status.js";
export { type SweepDeed, type SweepLogOptions, type SweepResult, sweepLog } from "./inspection/sweep-log.js";
export type { Leftover } from "./inspection/unfinished-files.js";
export { type Verification, type VerifiedFile, type VerifyLogOptions, verifyLog } from "./inspection/verify.js";
export type { Namer } from "./log-files/backup-names.js";
export type { Compression, CompressionFormat } from "./log-files/compression-formats.js";
export type { HandlerJson } from "./options/handler-json.js";
export type {
  ArchivedBackup,
  DeliveryLimits,
  DeliveryMode,
  Duration,
  FileHandlerOptions,
  OnArchived,
  OnLockTimeout,
  Overflow,
  RotatingFileHandlerOptions,
  Rotator,
  Size,
  SyncMode,
  TimedRotatingFileHandlerOptions,
  WaitOptions,
  When,
} from "./options/options.js";
export { type FollowLogOptions, followLog } from "./reading/follow-log.js";
export { type ReadLogOptions, type ReadOptions, readLog } from "./reading/read-log.js";
export type { LogRecord } from "./reading/records/block.js";
export type { FollowOptions } from "./reading/records/follow-blocks.js";
export type { Selection } from "./reading/selection.js";
export type { UnicodeErrorPolicy } from "./records/encoder.js";
export type { Oversize } from "./records/record-limit.js";
export type { SettingsLeft } from "./writer/settings-file.js";
export type { HandlerStats } from "./writer/stats.js";
