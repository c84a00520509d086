import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import { findCodec } from "../records/encodings.js";
import { LONGEST_HEADER } from "../records/header.js";
import { parseCount, parseDuration, parseSize } from "./parsers.js";
import { hintFor } from "./suggestions.js";

export const flag = v.boolean("true or false");
export const action = v.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "a function");
export const count = converted(parseCount, "a whole number, 0 or more");
export const size = converted(parseSize, 'a whole number of bytes, or a size such as "512k" or "10MiB"');
export const duration = converted(
  parseDuration,
  'a whole number of milliseconds, or a duration such as "500ms" or "10s"',
);
export const signal = v.custom<AbortSignal>(
  (value) => typeof Object(value).aborted === "boolean" && typeof Object(value).addEventListener === "function",
  "an AbortSignal",
);
export const header = v.custom<string | (() => string)>(
  (value) => typeof value === "function" || (typeof value === "string" && isHeader(value)),
  `a text of 1 to ${LONGEST_HEADER} characters, or a function that returns one`,
);
export const directory = matching(isPath, "the path of a directory");
export const encoding = matching(
  (value) => findCodec(value) !== undefined,
  'an encoding such as "utf-8", "latin-1" or "cp1252"',
);

function isHeader(text: string): boolean {
  return text.length > 0 && text.length <= LONGEST_HEADER;
}

/** One of some texts, which the message names. */
export function oneOf<const Values extends readonly string[]>(values: Values) {
  const quoted = values.map((value) => JSON.stringify(value));
  return v.picklist(values, `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`);
}

/** The error for an option of the wrong type or value. */
export function refused(option: string, value: unknown, expected: string, cause?: unknown): LogFileError {
  const got = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 100 });
  return new LogFileError("ERR_CLH_OPTION", `Expected the option \`${option}\` to be ${expected}, got ${got}.`, {
    option,
    value,
    ...(cause !== undefined && { cause }),
  });
}

/**
 * Options as a schema has them.
 * @param alsoKnown options that are no part of the schema
 * @param timed options that handlers have which rotate by time, if the schema is that of another one
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema & { entries: object },
  options: object,
  alsoKnown: readonly string[] = [],
  timed: readonly string[] = [],
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, options, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const option = String(issue.path?.[0]?.key);
  const value = (options as Record<string, unknown>)[option];
  if (!Object.hasOwn(schema.entries, option))
    throw unknownOption(option, value, [...alsoKnown, ...Object.keys(schema.entries)], timed);
  throw refused(option, value, issue.message);
}

const waitSchema = v.strictObject({ signal: v.optional(signal) });

/**
 * The signal among the options of a wait.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 * @throws the reason of the signal, when that is aborted already
 */
export function signalOf(options: unknown): AbortSignal | undefined {
  if (options === undefined) return undefined;
  const given = parse(waitSchema, anObject(options)).signal;
  given?.throwIfAborted();
  return given;
}

/** @throws {LogFileError} `ERR_CLH_OPTION` for options that are none */
export function anObject(options: unknown): object {
  if (typeof options === "object" && options !== null) return options;
  throw refused("options", options, "an object");
}

/** The error for an option that nobody knows, with what may have been meant. */
export function unknownOption(
  option: string,
  value: unknown,
  known: readonly string[],
  timed: readonly string[] = [],
): LogFileError {
  const hint = hintFor(option, known, timed);
  return new LogFileError("ERR_CLH_OPTION", `Unknown option \`${option}\`. ${hint}`, { option, value });
}

/** A value that `parser` turns into something, or refuses by returning undefined. */
export function converted<T>(parser: (value: unknown) => T | undefined, expected: string): v.GenericSchema<unknown, T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      const result = parser(dataset.value);
      if (result === undefined) addIssue({ message: expected });
      return result ?? NEVER;
    }),
  );
}

export function matching(accepts: (value: string) => boolean, expected: string): v.GenericSchema<unknown, string> {
  return converted((value) => (typeof value === "string" && accepts(value) ? value : undefined), expected);
}

/** @throws {LogFileError} `ERR_CLH_OPTION` */
export function absolutePath(option: string, value: unknown): string {
  const expected = "the path of a file, or a file: URL";
  let path: unknown;
  try {
    path = value instanceof URL ? fileURLToPath(value) : value;
  } catch (cause) {
    throw refused(option, value, expected, cause);
  }
  if (typeof path !== "string" || !isPath(path)) throw refused(option, value, expected);
  // A file system gives it back as another character, so that nothing beside it would be found again.
  if (!path.isWellFormed()) throw refused(option, value, "a path without half a character (a surrogate on its own)");
  return resolve(path);
}

function isPath(value: string): boolean {
  return value !== "" && !value.includes("\0");
}
