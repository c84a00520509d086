import { basename, resolve } from "node:path";
import { inspect, types } from "node:util";
import type * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import { reason } from "../base/system-errors.js";
import { LONGEST_DATED_TAIL, type Namer } from "../log-files/backup-names.js";
import type { Compression } from "../log-files/compression-formats.js";
import { LONGEST_HIDDEN_TAIL, LONGEST_SPILL_TAIL } from "../log-files/hidden-names.js";
import { LONGEST_PENDING_TAIL } from "../log-files/pending-names.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import { localTimeZone } from "../platform/time-zones.js";
import { Encoder, type EncoderOptions } from "../records/encoder.js";
import { longestName, resolveNaming } from "./backup-naming.js";
import { rotatingSchema, TIME_OPTIONS, timedSchema } from "./option-table.js";
import type { OnArchived, Rotator } from "./options.js";
import { CALENDAR_WHENS, calendarOf, isCron } from "./parsers.js";
import type { ResolvedOptions, ResolvedTimedOptions } from "./resolved-options.js";
import { absolutePath, parse, refused } from "./validation.js";

const UNLIMITED = Number.POSITIVE_INFINITY;

/** Options that say how much is kept without saying how many files. @internal */
export const OTHER_LIMITS = ["maxAge", "maxTotalBytes", "minFreeBytes", "minFreePercent"] as const;

/**
 * Validates what a constructor was given: `(filename, options)`, or one object with `filename`.
 * @throws {LogFileError} `ERR_CLH_OPTION`, with the option and its value
 */
export function resolveRotatingOptions(filename: unknown, options: unknown, fs: FileSystem): ResolvedOptions {
  const given = oneObject(filename, options);
  const limit = OTHER_LIMITS.find((name) => given[name] != null);
  const { maxAge, maxTotalBytes, ...common } = resolveCommon(rotatingSchema, given, fs);
  if (common.backupCount === 0 && limit !== undefined)
    throw refused(limit, given[limit], "left out, since with `backupCount` 0 no backups are kept");
  const backupCount = common.backupCount ?? (limit !== undefined ? UNLIMITED : 0);
  if (backupCount === 0 && common.onArchived !== undefined)
    throw refused("onArchived", common.onArchived, "given together with `backupCount`: without it no backups are kept");
  const resolved = {
    ...common,
    backupCount,
    // Who keeps none deletes none of others either.
    limits: { ...limitsOf(maxAge, maxTotalBytes), count: backupCount || UNLIMITED, periods: UNLIMITED },
    rotateWhenIdle: false,
  };
  checkNamer(resolved.namer, resolved);
  return resolved;
}

/**
 * A size limit by itself keeps no rotated file, as upstream has it: to be told to whoever has not asked for that.
 * Undefined where there is nothing to tell.
 * @param resolved what {@link resolveRotatingOptions} has made of the others
 */
export function deletionWarning(
  filename: unknown,
  options: unknown,
  { filename: path, maxBytes, backupCount }: ResolvedOptions,
): LogFileError | undefined {
  const given = oneObject(filename, options).backupCount;
  if (maxBytes === 0 || backupCount !== 0 || given != null) return undefined;
  const message =
    `\`maxBytes\` without \`backupCount\` deletes the records of ${path}: each rotation begins an empty file and keeps ` +
    "no other. Say with `backupCount` how many rotated files are kept, or that 0 are.";
  return new LogFileError("ERR_CLH_OPTION", message, { path, option: "backupCount", value: given });
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
  checkCalendar(when, interval, atTime);
  const backupCount = common.backupCount || UNLIMITED;
  return {
    ...common,
    backupCount,
    limits: { ...limitsOf(maxAge, maxTotalBytes), count: backupCount, periods: maxPeriods ?? UNLIMITED },
    schedule: {
      ...calendarOf(when, atTime ?? undefined),
      interval,
      timeZone: timeZone ?? (utc ? "UTC" : localTimeZone()),
    },
  };
}

function checkCalendar(when: string, interval: number, atTime: number | null | undefined): void {
  const name = when.toLowerCase();
  if (!isCron(when) && !CALENDAR_WHENS.some((other) => other === when)) return;
  if (interval !== 1)
    throw refused(
      "interval",
      interval,
      `1 or left out with \`when\` "${name}": others are counted from the start, as with "h", "midnight" and "w0"`,
    );
  if ((when === "HOURLY" || isCron(when)) && atTime != null)
    throw refused("atTime", atTime, `left out with \`when\` "${name}"`);
}

/** What is the same for both handlers. */
function resolveCommon<Schema extends typeof rotatingSchema | typeof timedSchema>(
  schema: Schema,
  { filename, ...options }: Record<string, unknown>,
  fs: FileSystem,
) {
  const { useGzip, compression, owner, chmod, umask, lockFileDirectory, keepFileOpen, namer, rotator, ...more } = parse(
    schema,
    options,
    ["filename"],
    schema === rotatingSchema ? TIME_OPTIONS : [],
  ) as v.InferOutput<Schema>;
  const { header, onArchived, backupName, keepExtension, archiveDirectory, ...others } = more;
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
  const kind = schema === timedSchema ? "time" : "size";
  checkOneNaming(namer, { backupName: backupName ?? (keepExtension || undefined), archiveDirectory }); // before that is made
  const naming = resolveNaming({ backupName, keepExtension, archiveDirectory }, path, kind, fs);
  checkLength(path, [
    LONGEST_HIDDEN_TAIL,
    ...(others.onLockTimeout === "spill" ? [LONGEST_SPILL_TAIL] : []),
    ...(schema === timedSchema ? [LONGEST_DATED_TAIL] : []),
    ...(format === undefined ? [] : [LONGEST_PENDING_TAIL]),
    ...(naming.backupName === undefined
      ? []
      : [longestName(naming.backupName, path) - Buffer.byteLength(basename(path))]),
  ]);
  checkFunctions(others.delivery, { namer, rotator, ...(typeof header === "function" && { header }) });
  if (typeof header === "string") checkHeader({ ...others, header });
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
    header: header ?? undefined,
    ...naming,
    namer: namer as Namer | undefined,
    rotator: rotator as Rotator | undefined,
    onArchived: onArchived as OnArchived | undefined,
  };
}

function limitsOf(maxAge: number | null | undefined, maxTotalBytes: number | null | undefined) {
  return { age: maxAge == null ? UNLIMITED : maxAge / 1000, totalBytes: maxTotalBytes ?? UNLIMITED };
}

/** @throws {LogFileError} `ERR_CLH_OPTION` for a function that would have to go to another thread */
export function checkFunctions({ mode }: ResolvedOptions["delivery"], functions: Record<string, unknown>): void {
  if (mode !== "background") return;
  for (const [name, value] of Object.entries(functions)) {
    if (value !== undefined) throw refused(name, value, 'left out: with delivery "background" another thread rotates');
  }
}

/** @throws {LogFileError} `ERR_CLH_OPTION` for a header that fills a file, or that the encoding lacks */
function checkHeader(options: EncoderOptions & { readonly header: string; readonly maxBytes: number }): void {
  const { header, maxBytes, encoding } = options;
  let length: number;
  try {
    ({ length } = new Encoder(options).header().bytes);
  } catch (cause) {
    throw refused("header", header, `a text that the encoding ${encoding} has (${reason(cause)})`, cause);
  }
  if (maxBytes > 0 && length >= maxBytes)
    throw refused("header", header, `shorter than \`maxBytes\`: it has ${length} of ${maxBytes} bytes`);
}

/**
 * Numbered backups without a limit have no last one of which the sweep thread could be told the name.
 * @throws {LogFileError} `ERR_CLH_OPTION` when the backups of a log that is rotated by size are to be named without end
 */
export function checkNamer(namer: unknown, options: ResolvedOptions): void {
  checkFunctions(options.delivery, { namer });
  checkOneNaming(namer, options);
  if (namer === undefined || "schedule" in options || Number.isFinite(options.backupCount)) return;
  throw refused("namer", namer, "given together with `backupCount`, or left out");
}

function checkOneNaming(
  namer: unknown,
  others: { readonly backupName?: unknown; readonly archiveDirectory?: unknown },
): void {
  const option = others.backupName == null ? "archiveDirectory" : "backupName";
  if (namer !== undefined && others[option] != null)
    throw refused("namer", namer, `left out, since \`${option}\` says what backups are called`);
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

function oneObject(filename: unknown, options: unknown): Record<string, unknown> {
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !(value instanceof URL);
  if (isObject(filename) && options === undefined) return { ...(filename as object) };
  if (options !== undefined && !isObject(options)) throw refused("options", options, "an object");
  const given = options as { filename?: unknown } | undefined;
  if (given?.filename !== undefined && given.filename !== filename)
    throw refused("filename", given.filename, `left out, since the first argument is ${inspect(filename)}`);
  return { ...given, filename };
}

function toPath(filename: unknown, fs: FileSystem): string {
  const path = absolutePath("filename", filename);
  if (!isFileOrNothing(path, fs)) throw refused("filename", filename, "a file: there is something else of that name");
  return path;
}

// NAME_MAX of the file systems of Linux and macOS, in bytes; Windows counts UTF-16 units.
const LONGEST_NAME = 255;

/**
 * Refuses a name that would rotate once, or never.
 * @param tails by how much the names of other files of the log are longer
 */
function checkLength(path: string, tails: readonly number[]): void {
  const name = basename(path);
  const length = process.platform === "win32" ? name.length : Buffer.byteLength(name);
  const most = LONGEST_NAME - Math.max(...tails);
  if (length <= most) return;
  const expected = `a path that ends with a name of at most ${most} bytes (it has ${length}), since other files of the log have longer ones`;
  throw refused("filename", path, expected);
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
