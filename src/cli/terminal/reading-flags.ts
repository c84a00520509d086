import { setFlagsFromString } from "node:v8";
import { type Command, InvalidArgumentError } from "commander";
import type { LogFileError } from "../../base/errors.js";
import { parseDuration, parseSize } from "../../options/parsers.js";
import { systemClock } from "../../platform/clock.js";
import { parseTime } from "../../reading/record-time.js";
import { BAD_RESULT } from "./exit.js";
import { complain } from "./printable.js";

/** Flags of every command that reads a log. */
export interface ReadingFlags {
  readonly encoding?: string;
  readonly terminator?: string;
  readonly header?: string;
  readonly lockFileDirectory?: string;
  readonly backupName?: string;
  readonly archiveDirectory?: string;
}

export function addReadingFlags(command: Command): Command {
  const own = command
    .option("--encoding <name>", "encoding of the log (default: that of its writers, else utf-8)")
    .option("--terminator <text>", 'what ends a record, such as "\\r\\n" (default: that of its writers)', withEscapes)
    .option("--header <text>", "text at the head of each file, no record (default: that of its writers)", withEscapes);
  return addPlaceFlags(own);
}

/** Adds the flags that say where the files of a log are, and what they are called. */
export function addPlaceFlags(command: Command): Command {
  return command
    .option("--lock-file-directory <dir>", "where the lock file is, if not beside the log")
    .option("--backup-name <template>", 'what backups are called, such as "{stem}.{n}{ext}" (default: as its writers)')
    .option(
      "--archive-directory <dir>",
      "where backups are, seen from the directory of the log (default: as its writers)",
    );
}

/** Tells what cannot be read, a line each; the command goes on, and its exit code says so. */
export function tellProblem(problem: LogFileError): void {
  complain(problem.message);
  process.exitCode = BAD_RESULT;
}

/**
 * Reads the value of a flag.
 * @param parse undefined for a wrong value
 * @param what it must be
 */
export function argument<Value>(parse: (text: string) => Value | undefined, what: string): (text: string) => Value {
  return (text) => {
    const value = parse(text);
    if (value === undefined || Number.isNaN(value)) throw new InvalidArgumentError(`It must be ${what}`);
    return value;
  };
}

/** A date, or how long ago. */
export const moment = argument((text) => {
  const ago = parseDuration(text);
  return ago === undefined ? parseTime(text) : systemClock.now() - ago;
}, 'a date such as "2024-05-17 10:20", or how long ago, such as "2h".');

export const count = argument(
  (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  "a whole number, 0 or more.",
);
export const size = argument(parseSize, 'a whole number of bytes, or a size such as "512k" or "10MiB".');
export const duration = argument(parseDuration, 'a duration such as "14d", or milliseconds.');

export function pattern(text: string): RegExp {
  limitBacktracking();
  try {
    return new RegExp(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message); // SyntaxError
  }
}

/** Has V8 go on by its engine of linear time where a pattern goes back too often; not one with look-around or \\1. */
export function limitBacktracking(): void {
  if ("bun" in process.versions || "deno" in process.versions) return;
  setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", 0: "\0", "\\": "\\" };

function withEscapes(text: string): string {
  return text.replace(/\\([nrt0\\])/g, (_, letter: string) => ESCAPES[letter]!);
}
