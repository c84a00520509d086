import { type Command, InvalidArgumentError } from "commander";
import type { LogFileError } from "../../base/errors.js";
import { parseDuration, parseSize } from "../../options/parsers.js";
import { systemClock } from "../../platform/clock.js";
import { parseTime } from "../../reading/record-time.js";
import { BAD_RESULT } from "./exit.js";

/** Flags of every command that reads a log. */
export interface ReadingFlags {
  readonly encoding?: string;
  readonly terminator?: string;
  readonly lockFileDirectory?: string;
}

export function addReadingFlags(command: Command): Command {
  return command
    .option("--encoding <name>", "encoding of the log (default: that of its writers, else utf-8)")
    .option("--terminator <text>", 'what ends a record, such as "\\r\\n" (default: that of its writers)', withEscapes)
    .option("--lock-file-directory <dir>", "where the lock file is, if not beside the log");
}

/** Tells what cannot be read, a line each; the command goes on, and its exit code says so. */
export function tellProblem(problem: LogFileError): void {
  process.stderr.write(`clh: ${problem.message}\n`);
  process.exitCode = BAD_RESULT;
}

/** A date, or how long ago. */
export function moment(text: string): number {
  const ago = parseDuration(text);
  const time = ago === undefined ? parseTime(text) : systemClock.now() - ago;
  if (time === undefined || Number.isNaN(time)) {
    throw new InvalidArgumentError('It must be a date such as "2024-05-17 10:20", or how long ago, such as "2h".');
  }
  return time;
}

export function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message); // SyntaxError
  }
}

export function count(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number, 0 or more.");
}

export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError('It must be a whole number of bytes, or a size such as "512k" or "10MiB".');
}

export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  throw new InvalidArgumentError('It must be a duration such as "14d", or milliseconds.');
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", 0: "\0", "\\": "\\" };

function withEscapes(text: string): string {
  return text.replace(/\\([nrt0\\])/g, (_, letter: string) => ESCAPES[letter]!);
}
