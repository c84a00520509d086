import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect, types } from "node:util";
import * as v from "valibot";
import { LogFileError, reason } from "../base/errors.js";
import type { Namer } from "../log-files/backup-names.js";
import { type Compression, FORMATS } from "../log-files/compression-formats.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import { loadLibc } from "../platform/native.js";
import { isTimeZone, localTimeZone } from "../platform/time-zones.js";
import { findCodec } from "../records/encodings.js";
import type { Rotator } from "./options.js";
import { WHENS, type When } from "./options.js";
import { parseDuration, parseMask, parseMode, parseSize } from "./parsers.js";
import type { ResolvedDelivery, ResolvedOptions, ResolvedTimedOptions } from "./resolved-options.js";
import { hintFor } from "./suggestions.js";

const LONGEST_TERMINATOR = 64;
const UNLIMITED = Number.POSITIVE_INFINITY;

export const flag = v.boolean("true or false");
export const action = v.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "a function");
export const count = converted(parseCount, "a whole number, 0 or more");
const size = converted(parseSize, 'a whole number of bytes, or a size such as "512k" or "10MiB"');
const duration = converted(parseDuration, 'a whole number of milliseconds, or a duration such as "500ms" or "10s"');
const mode = converted(parseMode, 'permission bits such as 0o640 or "640", and not 640 in decimal');
const mask = converted(parseMask, 'permission bits such as 0o027 or "027", and not 77 in decimal');

export const directory = matching(isPath, "the path of a directory");
export const encoding = matching(
  (value) => findCodec(value) !== undefined,
  'an encoding such as "utf-8", "latin-1" or "cp1252"',
);

/** For each option: what it may be, in the words of the error message, and its default. */
const fileFields = {
  mode: v.optional(v.picklist(["a", "w"], '"a" or "w"'), "a"),
  backupCount: v.optional(count),
  maxAge: v.nullish(converted(moreThanNothing(parseDuration), 'a duration such as "14d", or milliseconds')),
  maxTotalBytes: v.nullish(converted(moreThanNothing(parseSize), 'a size such as "2GiB", or a number of bytes')),
  encoding: v.nullish(encoding, "utf-8"),
  unicodeErrorPolicy: v.optional(
    v.picklist(["ignore", "replace", "strict"], '"ignore", "replace" or "strict"'),
    "ignore",
  ),
  newline: v.optional(v.nullable(v.picklist(["", "\n", "\r", "\r\n"], 'null, "", "\\n", "\\r" or "\\r\\n"')), null),
  terminator: v.optional(
    matching((value) => value.length <= LONGEST_TERMINATOR, `a text of at most ${LONGEST_TERMINATOR} characters`),
    "\n",
  ),
  useGzip: v.optional(flag, false),
  compression: v.optional(converted(parseCompression, compressions())),
  delayCompression: v.optional(flag, false),
  owner: v.nullish(
    converted(parseOwner, 'a user and a group that this system knows, such as ["app", "adm"] or "app:adm"'),
  ),
  chmod: v.nullish(mode),
  umask: v.nullish(mask),
  lockFileDirectory: v.nullish(directory),
  keepFileOpen: v.optional(flag),
  lockTimeout: v.optional(duration, 10_000),
  onLockTimeout: v.optional(v.picklist(["spill", "wait", "throw"], '"spill", "wait" or "throw"'), "spill"),
  retryBufferBytes: v.optional(size, 1024 ** 2),
  namer: v.optional(action),
  rotator: v.optional(action),
  sync: v.optional(v.picklist(["none", "data", "full"], '"none", "data" or "full"'), "none"),
  delivery: v.optional(
    converted(parseDelivery, '"sync", "batched", "background", or an object with one of them as `mode`'),
    "sync",
  ),
  debug: v.optional(flag, false),
  delay: v.nullish(flag),
};

const sizeFields = {
  maxBytes: v.optional(size, 0),
  strictMaxBytes: v.optional(flag, true),
};

const timeFields = {
  when: v.optional(converted(parseWhen, `one of ${WHENS.join(", ")}, in upper or lower case`), "H"),
  interval: v.optional(converted(parsePositive, "a whole number, 1 or more"), 1),
  utc: v.optional(flag, false),
  atTime: v.nullish(converted(parseTimeOfDay, 'a time of day such as "03:30" or "03:30:15"')),
  timeZone: v.nullish(matching(isTimeZone, 'an IANA time zone such as "Europe/Berlin", or an offset such as "+05:30"')),
  maxPeriods: v.nullish(converted(parsePositive, "a whole number, 1 or more")),
  rotateWhenIdle: v.optional(flag, false),
};

const queueFields = {
  mode: v.picklist(["batched", "background"], '"sync", "batched" or "background"'),
  queueBytes: v.optional(converted(parseQueueBytes, 'a size below 2 GiB such as "16MiB"'), 16 * 1024 ** 2),
  overflow: v.optional(
    v.picklist(["block", "drop-newest", "drop-oldest"], '"block", "drop-newest" or "drop-oldest"'),
    "block",
  ),
  maxBatchBytes: v.optional(
    converted(moreThanNothing(parseSize), 'a size such as "256KiB", or a number of bytes'),
    256 * 1024,
  ),
  flushInterval: v.optional(duration, 0),
};

const queueSchema = v.strictObject(queueFields);
const rotatingSchema = v.strictObject({ ...fileFields, ...sizeFields });
const timedSchema = v.strictObject({ ...fileFields, ...sizeFields, ...timeFields });

/**
 * Validates what a constructor was given: `(filename, options)`, or one object with `filename`.
 * @throws {LogFileError} `ERR_CLH_OPTION`, with the option and its value
 */
export function resolveRotatingOptions(filename: unknown, options: unknown, fs: FileSystem): ResolvedOptions {
  const given = oneObject(filename, options);
  const { maxAge, maxTotalBytes, ...common } = resolveCommon(rotatingSchema, given, fs);
  const isLimited = maxAge != null || maxTotalBytes != null;
  if (common.backupCount === 0 && isLimited) {
    const option = maxAge != null ? "maxAge" : "maxTotalBytes";
    throw refused(option, given[option], "left out, since with `backupCount` 0 no backups are kept");
  }
  const resolved = {
    ...common,
    backupCount: common.backupCount ?? (isLimited ? UNLIMITED : 0),
    limits: { ...limitsOf(maxAge, maxTotalBytes), count: UNLIMITED, periods: UNLIMITED },
    rotateWhenIdle: false,
  };
  checkNamer(resolved.namer, resolved);
  return resolved;
}

/** As {@link resolveRotatingOptions}, of the timed handler. */
export function resolveTimedOptions(filename: unknown, options: unknown, fs: FileSystem): ResolvedTimedOptions {
  const given = oneObject(filename, options);
  const { maxAge, maxTotalBytes, maxPeriods, when, interval, utc, atTime, timeZone, ...common } = resolveCommon(
    timedSchema,
    given,
    fs,
  );
  if (utc && timeZone != null) throw refused("timeZone", timeZone, "left out, since `utc` is true");
  const backupCount = common.backupCount || UNLIMITED;
  return {
    ...common,
    backupCount,
    limits: { ...limitsOf(maxAge, maxTotalBytes), count: backupCount, periods: maxPeriods ?? UNLIMITED },
    schedule: { when, interval, atTime: atTime ?? undefined, timeZone: timeZone ?? (utc ? "UTC" : localTimeZone()) },
  };
}

/** What is the same for both handlers. */
function resolveCommon<Schema extends typeof rotatingSchema | typeof timedSchema>(
  schema: Schema,
  { filename, ...options }: Record<string, unknown>,
  fs: FileSystem,
) {
  const { useGzip, compression, owner, chmod, umask, lockFileDirectory, keepFileOpen, namer, rotator, ...others } =
    parse(schema, options, ["filename"]) as v.InferOutput<Schema>;
  const path = toPath(filename, fs);
  if (useGzip && compression !== undefined && (compression === false || compression.format !== "gzip")) {
    throw refused("compression", options.compression, '"gzip" or nothing, since `useGzip` is true');
  }
  const format = compression || (useGzip ? ({ format: "gzip" } as const) : undefined);
  if (others.delivery.mode !== "sync" && others.onLockTimeout === "throw")
    throw refused(
      "onLockTimeout",
      "throw",
      `"spill" or "wait": with delivery "${others.delivery.mode}" nobody is there to catch it`,
    );
  checkFunctions(others.delivery, { namer, rotator });
  checkRotator(rotator, format);
  return {
    ...others,
    filename: path,
    compression: format,
    owner: owner ?? undefined,
    chmod: chmod ?? undefined,
    umask: umask ?? undefined,
    lockFileDirectory: lockFileDirectory == null ? undefined : toDirectory(lockFileDirectory, fs),
    keepFileOpen,
    namer: namer as Namer | undefined,
    rotator: rotator as Rotator | undefined,
  };
}

function limitsOf(maxAge: number | null | undefined, maxTotalBytes: number | null | undefined) {
  return { age: maxAge == null ? UNLIMITED : maxAge / 1000, totalBytes: maxTotalBytes ?? UNLIMITED };
}

/** @throws {LogFileError} `ERR_CLH_OPTION` for a function that would have to go to another thread */
export function checkFunctions({ mode }: ResolvedDelivery, functions: Record<string, unknown>): void {
  if (mode !== "background") return;
  for (const [name, value] of Object.entries(functions)) {
    if (value !== undefined) throw refused(name, value, 'left out: with delivery "background" another thread rotates');
  }
}

/**
 * Numbered backups without a limit have no last one of which the sweep thread could be told the name.
 * @throws {LogFileError} `ERR_CLH_OPTION` when the backups of a log that is rotated by size are to be named without end
 */
export function checkNamer(namer: unknown, options: ResolvedOptions): void {
  checkFunctions(options.delivery, { namer });
  if (namer === undefined || "schedule" in options || Number.isFinite(options.backupCount)) return;
  throw refused("namer", namer, "given together with `backupCount`, or left out");
}

/**
 * A rotator puts the file where the first backup belongs, which is not where a file waits for its compression.
 * @throws {LogFileError} `ERR_CLH_OPTION` when both are asked for, or when it would go on after the lock is released
 */
export function checkRotator(rotator: unknown, compression: Compression | undefined): void {
  if (types.isAsyncFunction(rotator)) throw refused("rotator", rotator, "a function that is done when it returns");
  if (rotator === undefined || compression === undefined) return;
  throw refused("rotator", rotator, "left out when backups are compressed (it may compress them itself)");
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

function oneObject(filename: unknown, options: unknown): Record<string, unknown> {
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !(value instanceof URL);
  if (isObject(filename) && options === undefined) return { ...(filename as object) };
  if (options !== undefined && !isObject(options)) throw refused("options", options, "an object");
  const given = options as { filename?: unknown } | undefined;
  if (given?.filename !== undefined && given.filename !== filename)
    throw refused("filename", given.filename, `left out, since the first argument is ${inspect(filename)}`);
  return { ...given, filename };
}

/**
 * Options as a schema has them.
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema & { entries: object },
  options: object,
  alsoKnown: readonly string[] = [],
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, options, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const option = String(issue.path?.[0]?.key);
  if (!Object.hasOwn(schema.entries, option)) {
    const timed = schema.entries === rotatingSchema.entries ? Object.keys(timeFields) : [];
    throw unknownOption(option, issue.input, [...alsoKnown, ...Object.keys(schema.entries)], timed);
  }
  throw refused(option, (options as Record<string, unknown>)[option], issue.message);
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

function compressions(): string {
  const names = Object.entries(FORMATS).map(([name, { create, levels }]) =>
    create === undefined
      ? `${name} (not in Node ${process.versions.node})`
      : `"${name}" (levels ${levels.join(" to ")})`,
  );
  return `false, ${names.join(", ")}, or such a format with its level: { format, level }`;
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

function matching(accepts: (value: string) => boolean, expected: string): v.GenericSchema<unknown, string> {
  return converted((value) => (typeof value === "string" && accepts(value) ? value : undefined), expected);
}

function isPath(value: string): boolean {
  return value !== "" && !value.includes("\0");
}

function toPath(filename: unknown, fs: FileSystem): string {
  const path = absolutePath("filename", filename);
  if (!isFileOrNothing(path, fs)) throw refused("filename", filename, "a file: there is something else of that name");
  return path;
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
  return resolve(path);
}

function isFileOrNothing(path: string, fs: FileSystem): boolean {
  const status = new FileStatus();
  try {
    return !fs.status(new FilePath(path), status) || status.isFile;
  } catch {
    return true; // whatever keeps us from asking will be met, and reported, at the first record
  }
}

function toDirectory(path: string, fs: FileSystem): string {
  try {
    fs.mkdir(resolve(path));
  } catch (cause) {
    throw refused("lockFileDirectory", path, `a directory that is there or can be made (${reason(cause)})`, cause);
  }
  return resolve(path);
}

function parseCount(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

function parsePositive(value: unknown): number | undefined {
  return parseCount(value) || undefined;
}

function moreThanNothing(parser: (value: unknown) => number | undefined): (value: unknown) => number | undefined {
  return (value) => parser(value) || undefined;
}

function parseQueueBytes(value: unknown): number | undefined {
  const bytes = parseSize(value) ?? 0; // and places in the queue are kept in 32 bits
  return bytes > 0 && bytes < 2 ** 31 ? bytes : undefined;
}

function parseWhen(value: unknown): When | undefined {
  return WHENS.find((when) => typeof value === "string" && when === value.toUpperCase());
}

/** Seconds since midnight. */
function parseTimeOfDay(value: unknown): number | undefined {
  const match = typeof value === "string" ? /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(value) : null;
  if (match === null) return undefined;
  const [, hours, minutes, seconds = 0] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

function parseCompression(value: unknown): Compression | false | undefined {
  if (value === false) return false;
  const { format, level, ...rest } = (typeof value === "string" ? { format: value } : Object(value)) as Compression;
  if (Object.keys(rest).length > 0 || !Object.hasOwn(FORMATS, format)) return undefined;
  const { create, levels } = FORMATS[format];
  if (create === undefined) return undefined;
  if (level === undefined) return { format };
  return Number.isInteger(level) && level >= levels[0] && level <= levels[1] ? { format, level } : undefined;
}

function parseDelivery(value: unknown): ResolvedDelivery | undefined {
  const given = typeof value === "string" ? { mode: value } : value;
  if (typeof given !== "object" || given === null || !("mode" in given)) return undefined;
  if (given.mode === "sync" && Object.keys(given).length === 1) return { mode: "sync" };
  if (given.mode !== "batched" && given.mode !== "background") return undefined;
  return parse(queueSchema, given as Record<string, unknown>);
}

// Windows has no such numbers: whoever opens a file there says so, once.
const NOBODY = { uid: 2 ** 32 - 1, gid: 2 ** 32 - 1 };

function parseOwner(value: unknown): { uid: number; gid: number } | undefined {
  const pair: unknown = typeof value === "string" ? value.split(":") : value;
  if (!Array.isArray(pair) || pair.length !== 2) return undefined;
  if (process.platform === "win32") return NOBODY;
  const uid = typeof pair[0] === "string" ? loadLibc().userId(pair[0]) : parseCount(pair[0]);
  const gid = typeof pair[1] === "string" ? loadLibc().groupId(pair[1]) : parseCount(pair[1]);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}
