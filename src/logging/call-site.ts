import { isError } from "../base/system-errors.js";

/** Where in the program a record was made. */
export interface CallSite {
  /** File name or URL without "file://". */
  readonly pathname: string;
  /** Counted from 1; 0 when it is not known. */
  readonly lineno: number;
  /** Name of the function; "<module>" outside of functions. */
  readonly funcName: string;
}

/** What Python writes when it cannot tell. */
export const UNKNOWN_CALL_SITE: CallSite = { pathname: "(unknown file)", lineno: 0, funcName: "(unknown function)" };

// biome-ignore lint/complexity/noBannedTypes: any function, as V8 wants it
type AnyFunction = Function;

const FRAMES = 64;
const FRAME = /^\s*at (?:async )?(?:(.*?) \()?(?:file:\/\/)?(.*?):(\d+):\d+\)?$/;

/**
 * Who called `callee`, of which a call must be under way; with `level` 2 the caller's caller, and so on, as far as there
 * is one. Takes some microseconds. The lines are those of the stack as Node shows it: of the source, with
 * --enable-source-maps.
 */
export function callSite(callee: AnyFunction, level: number): CallSite {
  const stack = stackAbove(callee);
  const match = stack[Math.min(Math.max(level, 1), stack.length) - 1]?.match(FRAME);
  if (match == null) return UNKNOWN_CALL_SITE;
  const [, name = "<module>", path, line] = match;
  const funcName = name.replace(/^(?:new|Object\.) ?/, "").replace(/ \[as .*\]$/, "");
  return { pathname: decoded(path!), lineno: Number(line), funcName: funcName.replace(/^<anonymous>$/, "<lambda>") };
}

/** The stack below a call, as Python's `stack_info`: the caller last. */
export function stackInfo(callee: AnyFunction): string {
  return ["Stack (most recent call last):", ...stackAbove(callee).reverse()].join("\n");
}

function stackAbove(callee: AnyFunction): string[] {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  Error.captureStackTrace(holder, callee);
  const lines = String(holder.stack).split("\n");
  Error.stackTraceLimit = limit;
  return lines.filter((line) => /^\s*at /.test(line));
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch (error) {
    if (isError(error, "URIError")) return path; // a file name with "%", which was no URL
    throw error;
  }
}
