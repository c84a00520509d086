import { isError } from "../base/system-errors.js";
import { str } from "./formatting/python-text.js";
import { CRITICAL, checkLevel, DEBUG, ERROR, INFO, type Level, WARNING } from "./levels.js";
import type { CallOptions } from "./record.js";

/** What a program calls to tell something: the same for a logger and for one with fields bound to it. */
export abstract class LogMethods {
  /** Whether a record of this level would be told. */
  abstract isEnabledFor(level: number): boolean;

  /**
   * Makes a record and brings it to the handlers.
   * @internal
   * @param callee the method that the program has called, by which its file and line are found
   */
  abstract tell(
    level: number,
    msg: unknown,
    args: readonly unknown[],
    options: CallOptions | undefined,
    callee: CallableFunction,
  ): void;

  /**
   * @param msg text with `%` conversions for `args` as in Python, or any value; without `args`, it is taken as it is.
   *   Where it has no conversions, `args` are written behind it. An Error beyond the conversions is the record's `excInfo`.
   */
  debug(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(DEBUG)) this.tell(DEBUG, msg, args, undefined, this.debug);
  }

  info(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(INFO)) this.tell(INFO, msg, args, undefined, this.info);
  }

  warning(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(WARNING)) this.tell(WARNING, msg, args, undefined, this.warning);
  }

  /** As {@link warning}. */
  warn(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(WARNING)) this.tell(WARNING, msg, args, undefined, this.warn);
  }

  error(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(ERROR)) this.tell(ERROR, msg, args, undefined, this.error);
  }

  critical(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(CRITICAL)) this.tell(CRITICAL, msg, args, undefined, this.critical);
  }

  /** As {@link critical}. */
  fatal(msg: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(CRITICAL)) this.tell(CRITICAL, msg, args, undefined, this.fatal);
  }

  /**
   * Tells of something that was thrown, as an ERROR with its stack and its causes.
   * @param msg what was being done; by default the error's own message
   */
  exception(error: unknown, msg?: unknown, ...args: unknown[]): void {
    if (!this.isEnabledFor(ERROR)) return;
    this.tell(ERROR, msg ?? messageOf(error), args, { excInfo: error }, this.exception);
  }

  /**
   * Tells of something, of any level and with all that can be said of it.
   * @throws {LogFileError} `ERR_CLH_OPTION` for an unknown level
   */
  log(level: Level, msg: unknown, args?: readonly unknown[], options?: CallOptions): void;
  log(level: Level, msg: unknown, ...rest: unknown[]): void {
    const number = checkLevel(level);
    if (this.isEnabledFor(number)) this.tell(number, msg, ...argumentsOf(rest), this.log);
  }
}

/** Arguments and options; what is no list is the first argument, as in Python. */
export function argumentsOf(rest: readonly unknown[]): [args: readonly unknown[], options: CallOptions | undefined] {
  const [args = [], options] = rest;
  return Array.isArray(args) ? [args, options as CallOptions | undefined] : [rest, undefined];
}

/** What a thrown value says of itself. */
export function messageOf(thrown: unknown): string {
  return isError(thrown) ? thrown.message : str(thrown);
}
