import { shareClass } from "./shared-state.js";

/** Every code of {@link LogFileError}, with what it means. docs/reference/errors.md says what to do about each. */
export type LogFileErrorCode =
  /** An option has the wrong type or value, or is unknown: thrown at construction. A warning: records will be deleted. An event: `header` failed. */
  | "ERR_CLH_OPTION"
  /** The native part of the file lock cannot be loaded on this system. Thrown at construction. */
  | "ERR_CLH_NATIVE"
  /** The lock file cannot be opened or locked. */
  | "ERR_CLH_LOCK"
  /** Another process held the lock for longer than `lockTimeout`. */
  | "ERR_CLH_LOCK_TIMEOUT"
  /** The log file cannot be opened. */
  | "ERR_CLH_OPEN"
  /** A record cannot be appended. */
  | "ERR_CLH_WRITE"
  /** A record has characters that `encoding` lacks, under `unicodeErrorPolicy: "strict"`. */
  | "ERR_CLH_ENCODE"
  /** The log file cannot be rotated; writing goes on in the same file. */
  | "ERR_CLH_ROTATE"
  /** A rotated file cannot be compressed; it stays, and is tried again. */
  | "ERR_CLH_COMPRESS"
  /** A backup that has to go cannot be deleted; it stays, and is tried again. */
  | "ERR_CLH_PRUNE"
  /** The hook `onArchived` failed for a backup, or did not end in time; it is called again. */
  | "ERR_CLH_HOOK"
  /** `chmod` or `owner` cannot be applied to a file, or `mode: "w"` cannot delete it. */
  | "ERR_CLH_PERMISSION"
  /** A spill, in which records wait for the lock, cannot be written or merged. */
  | "ERR_CLH_SPILL"
  /** A cursor, which says how far a stream is in a log, cannot be read or written, or is damaged. */
  | "ERR_CLH_CURSOR"
  /** Records of a writer that a stream had acknowledged are not in it any more. */
  | "ERR_CLH_GAP"
  /** Another process writes the log with other settings, or another user has left some. */
  | "ERR_CLH_SETTINGS"
  /** The thread of delivery `background` was lost, or is not to be had in Deno; the one that logs writes the records. */
  | "ERR_CLH_THREAD"
  /** A log, or a file of it, cannot be read. */
  | "ERR_CLH_READ"
  /** `flush()` ended with records still in memory; or the process ended with them, and they are lost. */
  | "ERR_CLH_FLUSH"
  /** A format that cannot be read, or values that do not fit it. */
  | "ERR_CLH_FORMAT"
  /** NATS did not take records, or cannot be reached; they are kept and sent again. Or a command cannot do its work there. */
  | "ERR_CLH_ENGINE"
  /** A record is longer than a stream carries; it is not taken. */
  | "ERR_CLH_RECORD_TOO_LARGE"
  /** A logging configuration that cannot be read, or names something that there is not. */
  | "ERR_CLH_CONFIG";

interface Details {
  cause?: unknown;
  path?: string;
  option?: string;
  value?: unknown;
}

/** The one error class of this package: what was tried, on which path, why it failed and what to do. */
export class LogFileError extends Error {
  static {
    shareClass(LogFileError, "LogFileError");
  }

  override readonly name = "LogFileError";
  /** Stable; see {@link LogFileErrorCode}. */
  readonly code: LogFileErrorCode;
  /** The file concerned. */
  declare readonly path?: string;
  /** The refused option, for `ERR_CLH_OPTION`. */
  declare readonly option?: string;
  /** The refused value, for `ERR_CLH_OPTION`. */
  declare readonly value?: unknown;

  /** @internal */
  constructor(code: LogFileErrorCode, message: string, details: Details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.path !== undefined) this.path = details.path;
    if (details.option !== undefined) this.option = details.option;
    if ("value" in details) this.value = details.value;
  }
}
