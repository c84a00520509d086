import { hasCode, isError } from "../base/system-errors.js";
import { formatError } from "./formatting/format-error.js";
import { formatNamed, formatPositional, type PercentFormat, parsePercentFormat } from "./formatting/percent-format.js";
import { repr } from "./formatting/python-text.js";

/*
 * A message and its arguments: Python's `msg % args`, and what JavaScript's loggers add. `error("failed", err)` has a
 * value that the format has no place for, which Python refuses.
 */

/**
 * The message with its arguments.
 * @param told what is written elsewhere: the Error that {@link surplusError} has found
 * @throws {LogFileError} `ERR_CLH_FORMAT` when they do not fit it
 */
export function formatMessage(text: string, args: readonly unknown[], told: unknown): string {
  const format = parsePercentFormat(text);
  const { places } = format;
  if (args.length <= places) return fill(format, args);
  const surplus = args.slice(places);
  // Python's rule stays where there are places: one value too many is a mistake, unless an Error is among them.
  if (places > 0 && !surplus.some((value) => isError(value))) return fill(format, args);
  const shown = surplus.filter((value) => !(isError(value) && value === told)).map(repr);
  return [fill(format, args.slice(0, places)), ...shown].join(" ");
}

function fill(format: PercentFormat, values: readonly unknown[]): string {
  const first = values[0];
  if (values.length === 1 && isMapping(first)) return formatNamed(format, (key) => item(first, key), first);
  return formatPositional(format, values);
}

/** The first Error among the arguments that the format has no place for. */
export function surplusError(msg: unknown, args: readonly unknown[] | undefined): unknown {
  if (args === undefined || !hasError(args)) return undefined;
  return args.slice(typeof msg === "string" ? placesIn(msg) : 0).find((value) => isError(value));
}

/** As `args.some(isError)`, but for every record: without a call for each value. */
function hasError(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) if (typeof args[i] === "object" && isError(args[i])) return true;
  return false;
}

/** A format that cannot be read is told of when it is used, not to the program that logs. */
function placesIn(msg: string): number {
  try {
    return parsePercentFormat(msg).places;
  } catch (error) {
    if (!hasCode(error, "ERR_CLH_FORMAT")) throw error;
    return 0;
  }
}

/** A plain object that is not empty: `logger.info("%(user)s", { user })`. */
function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.keys(value).length > 0;
}

function item(mapping: Record<string, unknown>, key: string): unknown {
  if (Object.hasOwn(mapping, key)) return mapping[key];
  throw formatError(`'${key}'`);
}
