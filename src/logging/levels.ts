import { closestMatch } from "leven";
import { LogFileError } from "../base/errors.js";
import { sharedState } from "../base/shared-state.js";
import { str } from "./formatting/python-text.js";

/* Levels of severity. The numbers are Python's; a record is as severe as its number is high. */

/** No level of its own: that of the logger above counts. */
export const NOTSET = 0;
/** What helps to find a fault. */
export const DEBUG = 10;
/** What goes as it should. */
export const INFO = 20;
/** What is not as expected, and the program goes on. */
export const WARNING = 30;
/** What could not be done. */
export const ERROR = 40;
/** What may keep the program from going on. */
export const CRITICAL = 50;

/** A number, 0 or more, or the name of a level. */
export type Level =
  | number
  | "NOTSET"
  | "DEBUG"
  | "INFO"
  | "WARN"
  | "WARNING"
  | "ERROR"
  | "CRITICAL"
  | "FATAL"
  | (string & {});

const { names, numbers } = sharedState("levels", 1, () => ({
  names: new Map<number, string>([
    [CRITICAL, "CRITICAL"],
    [ERROR, "ERROR"],
    [WARNING, "WARNING"],
    [INFO, "INFO"],
    [DEBUG, "DEBUG"],
    [NOTSET, "NOTSET"],
  ]),
  numbers: new Map<string, number>([
    ["CRITICAL", CRITICAL],
    ["FATAL", CRITICAL],
    ["ERROR", ERROR],
    ["WARN", WARNING],
    ["WARNING", WARNING],
    ["INFO", INFO],
    ["DEBUG", DEBUG],
    ["NOTSET", NOTSET],
  ]),
}));

/** Names a level, in place of the name that it has. */
export function addLevelName(level: number, name: string): void {
  names.set(level, name);
  numbers.set(name, level);
}

/** The name of a number or the number of a name; what is neither is called "Level 15", as in Python. */
export function getLevelName(level: number): string;
export function getLevelName(level: Level): string | number;
export function getLevelName(level: Level): string | number {
  const known = typeof level === "number" ? names.get(level) : numbers.get(level);
  return known ?? `Level ${level}`;
}

/** All names of levels, with their numbers. */
export function getLevelNamesMapping(): Record<string, number> {
  return Object.fromEntries(numbers);
}

/**
 * The number of a level.
 * @throws {LogFileError} `ERR_CLH_OPTION` for what is no whole number and no name
 */
export function checkLevel(level: unknown): number {
  if (Number.isInteger(level)) return level as number;
  if (typeof level !== "string") throw refused(`Level not an integer or a valid string: ${str(level)}`, level);
  const known = numbers.get(level);
  if (known !== undefined) return known;
  const nearest = closestMatch(level.toUpperCase(), [...numbers.keys()], { maxDistance: 2 });
  const hint =
    nearest === undefined ? `The levels are: ${[...numbers.keys()].join(", ")}` : `Did you mean '${nearest}'?`;
  throw refused(`Unknown level: '${level}'. ${hint}`, level);
}

function refused(message: string, value: unknown): LogFileError {
  return new LogFileError("ERR_CLH_OPTION", message, { option: "level", value });
}
