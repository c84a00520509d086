import { basicConfig } from "./basic-config.js";
import { CRITICAL, checkLevel, DEBUG, ERROR, INFO, type Level, WARNING } from "./levels.js";
import { argumentsOf, messageOf } from "./log-methods.js";
import { manager } from "./manager.js";
import type { CallOptions } from "./record.js";

/* What the root logger tells, as in Python by functions of the module; the first call gives it a handler. */

function tell(
  level: number,
  msg: unknown,
  args: readonly unknown[],
  callee: CallableFunction,
  options?: CallOptions,
): void {
  if (manager.root.handlers.length === 0) basicConfig();
  if (manager.root.isEnabledFor(level)) manager.root.tell(level, msg, args, options, callee);
}

/** Tells the root logger something of this level; the arguments have their places in `msg`. */
export function debug(msg: unknown, ...args: unknown[]): void {
  tell(DEBUG, msg, args, debug);
}

/** Tells the root logger something of this level; the arguments have their places in `msg`. */
export function info(msg: unknown, ...args: unknown[]): void {
  tell(INFO, msg, args, info);
}

/** Tells the root logger something of this level; the arguments have their places in `msg`. */
export function warning(msg: unknown, ...args: unknown[]): void {
  tell(WARNING, msg, args, warning);
}

/** Tells the root logger something of this level; the arguments have their places in `msg`. */
export function error(msg: unknown, ...args: unknown[]): void {
  tell(ERROR, msg, args, error);
}

/** Tells the root logger something of this level; the arguments have their places in `msg`. */
export function critical(msg: unknown, ...args: unknown[]): void {
  tell(CRITICAL, msg, args, critical);
}

/** As the method of a logger. */
export function exception(thrown: unknown, msg?: unknown, ...args: unknown[]): void {
  tell(ERROR, msg ?? messageOf(thrown), args, exception, { excInfo: thrown });
}

/** As the method of a logger. */
export function log(level: Level, msg: unknown, args?: readonly unknown[], options?: CallOptions): void;
export function log(level: Level, msg: unknown, ...rest: unknown[]): void {
  const [args, options] = argumentsOf(rest);
  tell(checkLevel(level), msg, args, log, options);
}
