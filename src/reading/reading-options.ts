import { types } from "node:util";
import * as v from "valibot";
import { action, anObject, converted, count, directory, encoding, flag, parse, signal } from "../options/validation.js";

/** What an option may be, in the words of the error message: of those that say how a log is read. */
export const logFields = {
  encoding: v.optional(encoding),
  terminator: v.optional(v.string("a text")),
  lockFileDirectory: v.optional(directory),
  signal: v.optional(signal),
};

export const pattern = v.custom<RegExp>((value) => types.isRegExp(value), "a regular expression, such as /ERROR/");

const moment = v.optional(
  converted((value) => (isMoment(value) ? value : undefined), "a valid Date, or milliseconds since 1970"),
);

const readFields = {
  ...logFields,
  onProblem: v.optional(action),
  since: moment,
  until: moment,
  grep: v.optional(pattern),
  last: v.optional(count),
};

const readSchema = v.strictObject(readFields);
const followSchema = v.strictObject({
  ...readFields,
  fromStart: v.optional(flag),
});

/** @throws {LogFileError} `ERR_CLH_OPTION` for what TypeScript would refuse, and for dates that are none */
export function checkReadLogOptions(options: unknown): void {
  parse(readSchema, anObject(options));
}

/** As {@link checkReadLogOptions}. */
export function checkFollowLogOptions(options: unknown): void {
  parse(followSchema, anObject(options));
}

function isMoment(value: unknown): boolean {
  return (typeof value === "number" || types.isDate(value)) && !Number.isNaN(Number(value));
}
