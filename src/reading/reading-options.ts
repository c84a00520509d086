import { types } from "node:util";
import * as v from "valibot";
import { action, anObject, converted, count, directory, encoding, flag, parse, signal } from "../options/validation.js";
import { conditionOf, formatOf } from "./selection.js";

/** What an option may be, in the words of the error message: of those that say how a log is read. */
export const logFields = {
  encoding: v.optional(encoding),
  terminator: v.optional(v.string("a text")),
  header: v.optional(v.string("a text")),
  lockFileDirectory: v.optional(directory),
  backupName: v.optional(v.string('a template of names, such as "{stem}.{n}{ext}"')),
  archiveDirectory: v.optional(directory),
  signal: v.optional(signal),
};

export const pattern = v.custom<RegExp>((value) => types.isRegExp(value), "a regular expression, such as /ERROR/");

const moment = v.optional(
  converted((value) => (isMoment(value) ? value : undefined), "a valid Date, or milliseconds since 1970"),
);

const FIELDS = 'values by the paths of their fields, such as { "user.id": 42 }';

const readFields = {
  ...logFields,
  onProblem: v.optional(action),
  since: moment,
  until: moment,
  grep: v.optional(pattern),
  level: v.optional(v.string('the name of a level, such as "error" or "warning+"')),
  field: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()], FIELDS), FIELDS)),
  where: v.optional(v.string('a condition, such as "status >= 500"')),
  format: v.optional(
    v.union(
      [v.string(), pattern],
      'the name of a format, a pattern such as "%(levelname)s %(message)s", or a regular expression',
    ),
  ),
  last: v.optional(count),
};

const readSchema = v.strictObject(readFields);
const followSchema = v.strictObject({
  ...readFields,
  fromStart: v.optional(flag),
});

/** @throws {LogFileError} `ERR_CLH_OPTION` for what TypeScript would refuse, and for dates that are none */
export function checkReadLogOptions(options: unknown): void {
  check(readSchema, options);
}

/** As {@link checkReadLogOptions}. */
export function checkFollowLogOptions(options: unknown): void {
  check(followSchema, options);
}

function check(schema: typeof readSchema | typeof followSchema, options: unknown): void {
  const { format, ...selection } = parse(schema, anObject(options));
  conditionOf(selection);
  formatOf({ format });
}

function isMoment(value: unknown): boolean {
  return (typeof value === "number" || types.isDate(value)) && !Number.isNaN(Number(value));
}
