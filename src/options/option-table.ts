import * as v from "valibot";
import { FORMATS } from "../log-files/compression-formats.js";
import { isTimeZone } from "../platform/time-zones.js";
import { parseDelivery } from "./delivery-schema.js";
import type { FileHandlerOptions, RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "./options.js";
import {
  bool,
  CALENDAR_WHENS,
  moreThanNothing,
  number,
  parseCompression,
  parseDuration,
  parseMask,
  parseMode,
  parseOwner,
  parsePercent,
  parsePositive,
  parseRecordBytes,
  parseSize,
  parseTimeOfDay,
  parseWhen,
  WHENS,
} from "./parsers.js";
import {
  action,
  converted,
  count,
  directory,
  duration,
  encoding,
  flag,
  header,
  matching,
  oneOf,
  size,
} from "./validation.js";

interface Traits {
  /** Its name in Python's handlers. */
  readonly upstream?: string;
  /** The default in the page of options, where the schema has none. Markdown. */
  readonly standard?: string;
  /** All writers of a log must agree on it. They compare its JSON, or another form of it (writer/settings-file.ts). */
  readonly shared?: "as it is" | "in another form";
  /** `false` where JSON has no form of it (functions), or has the option that it stands for. */
  readonly isSerialised?: false;
}

/** Flags are ordered by their places in the help. Values are texts unless they are converted, or chosen from a list. */
type Flag = readonly [
  place: number,
  usage: `--${string}`,
  text: string,
  values?: ((text: string) => unknown) | readonly string[],
];

/** All that is known of an option, but for the doc comment of its member in options.ts. */
interface OptionRow extends Traits {
  /** Accepted values, in the words of the error message, and the default. */
  readonly schema: v.GenericSchema;
  /** The line of the page of options. Markdown. */
  readonly meaning: string;
  /** The flag of the commands that write. */
  readonly flag: Flag | undefined;
}

/** A row for each member of the interface, and no other. */
type Rows<Interface> = { readonly [Name in keyof Interface]-?: OptionRow };

const LONGEST_TERMINATOR = 64;
const ON_LOCK_TIMEOUT = ["spill", "wait", "throw"] as const;
const OVERSIZE = ["truncate", "split", "drop"] as const;
const SYNC_MODES = ["none", "data", "full"] as const;

const mode = converted(parseMode, 'permission bits such as 0o640 or "640", and not 640 in decimal');
const mask = converted(parseMask, 'permission bits such as 0o027 or "027", and not 77 in decimal');

const sizeRows = {
  maxBytes: row(
    v.optional(size, 0),
    'size at which the file is rotated: bytes, or a text such as `"512k"` or `"10MiB"` (units of 1,024); 0 = never',
    { upstream: "maxBytes", shared: "as it is" },
    [10, "--max-bytes <size>", 'rotate at this size: bytes, or such as "512k" or "10MiB"; 0 = never', number],
  ),
  strictMaxBytes: row(
    v.optional(flag, true),
    "rotate before a record with which the file would reach `maxBytes`; `false`: once it has reached it, as upstream does",
    { shared: "as it is" },
    [20, "--strict-max-bytes <bool>", "rotate before a record that would pass it, not after it", bool],
  ),
} satisfies Rows<Omit<RotatingFileHandlerOptions, keyof FileHandlerOptions>>;

const fileRows = {
  mode: row(
    v.optional(oneOf(["a", "w"]), "a"),
    '`"w"` empties the file once, when this handler first opens it: the old one is deleted, a new one made; one that [cannot be deleted](#modes) is truncated',
    { upstream: "mode" },
  ),
  backupCount: row(
    v.optional(count),
    "how many rotated files are kept. 0: by size, none, a rotation starts afresh; by time, all. Left out with `maxAge`, `maxTotalBytes`, `minFreeBytes` or `minFreePercent`, any number; by size, 0 is refused then",
    { upstream: "backupCount", standard: "`0`", shared: "as it is" },
    [90, "--backup-count <n>", "how many rotated files are kept", number],
  ),
  maxAge: row(
    v.nullish(converted(moreThanNothing(parseDuration), 'a duration such as "14d", or milliseconds')),
    'backups are deleted when their last record is older: `"14d"`, or milliseconds. Asked at each rotation',
    { shared: "as it is" },
    [100, "--max-age <time>", 'delete rotated files that are older: such as "14d"', number],
  ),
  maxTotalBytes: row(
    v.nullish(converted(moreThanNothing(parseSize), 'a size such as "2GiB", or a number of bytes')),
    'the oldest backups are deleted while all together are larger: `"2GiB"`. The active file comes on top',
    { shared: "as it is" },
    [110, "--max-total-bytes <size>", 'delete the oldest while all are larger together: such as "2GiB"', number],
  ),
  minFreeBytes: row(
    v.nullish(converted(moreThanNothing(parseSize), 'a size such as "1GiB", or a number of bytes')),
    'the oldest backups are deleted [earlier](../concepts/rotation.md#a-disk-that-gets-full) while less of the disk is free: `"1GiB"`. Asked at each rotation and sweep, and when the disk is full',
    { shared: "as it is" },
    [112, "--min-free-bytes <size>", 'delete the oldest while less is free on the disk: such as "1GiB"', number],
  ),
  minFreePercent: row(
    v.nullish(converted(parsePercent, 'a percentage above 0 and below 100, such as 10 or "10%"')),
    "the same, in percent of the disk",
    { shared: "as it is" },
    [114, "--min-free-percent <n>", "the same, in percent of the disk", number],
  ),
  encoding: row(
    v.nullish(encoding, "utf-8"),
    'any encoding of iconv-lite, by Python\'s names too; `"utf-8-sig"`, `"utf-16"`, `"utf-32"` begin each file with a byte order mark',
    { upstream: "encoding", shared: "in another form" },
    [160, "--encoding <name>", "encoding of the log"],
  ),
  unicodeErrorPolicy: row(
    v.optional(oneOf(["ignore", "replace", "strict"]), "ignore"),
    'for characters that the encoding lacks: `"ignore"` them, `"replace"` them by `?`, or be `"strict"`: refuse the record, with an `error` event',
    { upstream: "unicode_error_policy" },
  ),
  newline: row(
    v.optional(v.nullable(v.picklist(["", "\n", "\r", "\r\n"], 'null, "", "\\n", "\\r" or "\\r\\n"')), null),
    'what `\\n` is written as, terminator included: `null` = `\\r\\n` on Windows, `\\n` elsewhere; `""` = as it is; or `"\\n"`, `"\\r"`, `"\\r\\n"`',
    { upstream: "newline" },
  ),
  terminator: row(
    v.optional(
      matching((value) => value.length <= LONGEST_TERMINATOR, `a text of at most ${LONGEST_TERMINATOR} characters`),
      "\n",
    ),
    "ends each record; a record that ends with it already is not given a second one",
    { upstream: "terminator", shared: "in another form" },
  ),
  header: row(
    v.nullish(header),
    "text at the head of each file, no record: the names of columns; or `() => text`. [More](../concepts/rotation.md#a-header)",
    { shared: "in another form" },
    [165, "--header <text>", "text at the head of each file, such as the names of columns"],
  ),
  maxRecordBytes: row(
    v.nullish(converted(parseRecordBytes, 'a size of 1 KiB or more such as "64KiB", or a number of bytes')),
    "bytes that a record may have in the file, with its terminator; see [below](#records-that-are-too-large)",
    {},
    [162, "--max-record-bytes <size>", 'bytes that a record may have, such as "64KiB"', number],
  ),
  oversize: row(
    v.optional(oneOf(OVERSIZE), "truncate"),
    'what becomes of a larger one: `"truncate"`, its beginning is written; `"split"`, it becomes several records; `"drop"`, a mark stands in its place',
    {},
    [164, "--oversize <how>", "what becomes of a larger one", OVERSIZE],
  ),
  useGzip: row(
    v.optional(flag, false),
    'the same as `compression: "gzip"`',
    { upstream: "use_gzip", isSerialised: false },
    [130, "--gzip", "compress rotated files"],
  ),
  compression: row(
    v.optional(converted(parseCompression, compressions())),
    '`"gzip"`, `"brotli"`, `"zstd"` (Node 22.15), or `{ format, level }`: gzip 0-9 (6), brotli 0-11 (5), zstd 1-19 (3)',
    { standard: "`false`", shared: "in another form" },
    [140, "--compression <format>", "compress rotated files in this format", Object.keys(FORMATS)],
  ),
  delayCompression: row(
    v.optional(flag, false),
    "leave the newest rotated file plain, under the name by which it waits, until the next rotation",
    { shared: "as it is" },
    [150, "--delay-compression", "leave the newest rotated file plain until the next rotation"],
  ),
  owner: row(
    v.nullish(converted(parseOwner, 'a user and a group that this system knows, such as ["app", "adm"] or "app:adm"')),
    'user and group of all files: `["app", "adm"]`, `"app:adm"`, or numbers. POSIX, usually as root',
    { upstream: "owner" },
    [240, "--owner <user:group>", "owner of all files"],
  ),
  chmod: row(
    v.nullish(mode),
    'permission bits of all files, of the lock file [what writers need](#modes): `0o640` or `"640"`, not 640 in decimal. POSIX',
    { upstream: "chmod" },
    [220, "--chmod <bits>", "permissions of all files, such as 640"],
  ),
  umask: row(
    v.nullish(mask),
    'bits that new files do not get, in place of the umask of the process, which is not touched: `0o027` or `"027"`, not 27 in decimal, which is `0o033`. POSIX',
    { upstream: "umask" },
    [230, "--umask <bits>", "bits that new files do not get, such as 027"],
  ),
  lockFileDirectory: row(
    v.nullish(directory),
    "where the lock file is; made if missing. The same for all writers of a log. Another one for each log of the same name: see [below](#files-that-share-a-lock)",
    { upstream: "lock_file_directory", standard: "beside the log", shared: "in another form" },
    [190, "--lock-file-directory <dir>", "where the lock file is"],
  ),
  keepFileOpen: row(
    v.optional(flag),
    "`false` opens and closes log and lock file for every write; the default on [network file systems](../concepts/locking.md#network-file-systems)",
    { upstream: "keep_file_open", standard: "`true`" },
    [180, "--keep-file-open <bool>", "false: open and close the files for every write", bool],
  ),
  lockTimeout: row(
    v.optional(duration, "10s"),
    'longest wait for the lock: milliseconds, or a text such as `"500ms"`',
    {},
    [200, "--lock-timeout <time>", 'longest wait for the lock: milliseconds, or such as "10s"', number],
  ),
  onLockTimeout: row(
    v.optional(oneOf(ON_LOCK_TIMEOUT), "spill"),
    'then: `"spill"` = the record waits in a hidden file, which is merged, in order, when the lock is free; `"wait"` = it waits on; `"throw"` = `write` throws `ERR_CLH_LOCK_TIMEOUT`, and keeps nothing',
    {},
    [210, "--on-lock-timeout <what>", "what becomes of the record then", ON_LOCK_TIMEOUT],
  ),
  retryBufferBytes: row(v.optional(size, "1MiB"), "memory for records that cannot be written at the moment"),
  maxSpillBytes: row(
    v.optional(size, "1GiB"),
    "bytes of the file beside the log in which records wait for the lock; when it is full, later ones wait in memory",
  ),
  backupName: row(
    v.nullish(v.string('a template such as "{stem}.{n}{ext}" or "{stem}-{date}{ext}"')),
    'what backups are called, beside the log: `"{stem}.{n}{ext}"` by size, `"{stem}-{date}{ext}"` by time. [Tokens and rules](#names-of-backups)',
    { standard: "number or date at the end", shared: "in another form" },
    [152, "--backup-name <template>", 'what backups are called, such as "{stem}.{n}{ext}"'],
  ),
  keepExtension: row(
    v.optional(flag, false),
    "backups keep the extension at their end: `app.1.log`, by time `app-2024-05-17.log`; a short form of `backupName`",
    { isSerialised: false },
    [154, "--keep-extension", "call backups app.1.log, by time app-2024-05-17.log"],
  ),
  archiveDirectory: row(
    v.nullish(directory),
    "where backups are: absolute, or from the directory of the log on; made if missing. On the [same file system](#names-of-backups)",
    { standard: "beside the log", shared: "as it is" },
    [156, "--archive-directory <dir>", "where backups are, seen from the directory of the log"],
  ),
  namer: row(
    v.optional(action),
    "`(path) => path`, names the backups: a path, beside the log unless it says where, and another one for each. Also a property",
    { upstream: "namer", shared: "in another form", isSerialised: false },
  ),
  rotator: row(
    v.optional(action),
    "`(source, destination) => void`, moves the file before it returns; not `async`. Also a property; not together with compression",
    { upstream: "rotator", isSerialised: false },
  ),
  onArchived: row(
    v.optional(action),
    "`(backup) => unknown`, may be `async`: called for each backup that is done, at least once over all processes. [More](../how-to/backup-hook.md)",
    { isSerialised: false },
    [127, "--post-rotate <command>", "run this for each backup that is done: such as 'sha256sum {path}'"],
  ),
  onArchivedTimeout: row(
    v.optional(converted(moreThanNothing(parseDuration), 'a duration such as "5m", or milliseconds'), "5m"),
    'longest run of `onArchived` for one backup: `"5m"`, or milliseconds. Then it has failed, and is called again',
    {},
    [128, "--hook-timeout <time>", 'longest run of that command for one backup, such as "5m"', number],
  ),
  sync: row(
    v.optional(oneOf(SYNC_MODES), "none"),
    '`"data"`: a write waits until its record is on the disk (`fdatasync`); `"full"`: with the times of the file (`fsync`). [More](../concepts/rotation.md#on-the-disk)',
    {},
    [170, "--sync <how>", "wait for the disk at every write, by fdatasync or fsync", SYNC_MODES],
  ),
  delivery: row(
    v.optional(
      converted(parseDelivery, '"sync", "batched", "background", or an object with one of them as `mode`'),
      "sync",
    ),
    'how records reach the file: `"sync"`, `"batched"`, `"background"`, or `{ mode, queueBytes, overflow, maxBatchBytes, flushInterval }`. [More](../concepts/delivery.md)',
  ),
  debug: row(
    v.optional(flag, false),
    "trace decisions on standard error, as `NODE_DEBUG=clh` does",
    { upstream: "debug" },
    [250, "--debug", "trace every decision on standard error"],
  ),
  delay: row(v.nullish(flag), "files are always opened at the first record", {
    upstream: "delay",
    standard: "ignored",
  }),
} satisfies Rows<FileHandlerOptions>;

const timeRows = {
  when: row(
    v.optional(
      converted(
        parseWhen,
        `one of ${[...WHENS, ...CALENDAR_WHENS].join(", ")}, in upper or lower case, or a cron expression such as "0 3 * * 1-5"`,
      ),
      "h",
    ),
    'what a period is, in upper or lower case: `"s"`, `"m"`, `"h"`, `"d"` = so many seconds, minutes, hours, days from the last rotation by time; `"midnight"`; `"w0"` (Monday) to `"w6"`; or by the clock of the zone, `"hourly"`, `"daily"`, `"weekly"` (Monday), `"monthly"`, or a cron expression such as `"0 3 * * 1-5"`. [More](../concepts/rotation.md#by-time)',
    { upstream: "when", shared: "as it is" },
    [
      30,
      "--when <period>",
      "rotate by time: s, m, h, d, midnight, w0 (Monday) to w6; or hourly, daily, weekly, monthly, or cron such as '0 3 * * 1-5'",
    ],
  ),
  interval: row(
    v.optional(converted(parsePositive, "a whole number, 1 or more"), 1),
    "how many of them; 1 of those by the clock",
    { upstream: "interval", shared: "as it is" },
    [40, "--interval <n>", "every so many of them", number],
  ),
  utc: row(v.optional(flag, false), "rotate and name files by UTC", { upstream: "utc", isSerialised: false }, [
    60,
    "--utc",
    "rotate and name files by UTC",
  ]),
  atTime: row(
    v.nullish(converted(parseTimeOfDay, 'a time of day such as "03:30" or "03:30:15"')),
    'time of day for `"midnight"`, `"w0"` to `"w6"`, `"daily"`, `"weekly"` and `"monthly"`: `"03:30"` or `"03:30:15"`; refused with `"hourly"` and cron, ignored with other periods, as in Python. Without it, `"w0"` is the midnight that ends Monday; with `"00:00"`, the one that begins it',
    { upstream: "atTime", standard: "midnight", shared: "as it is" },
    [50, "--at-time <time>", "time of day of midnight, w0 to w6, daily, weekly, monthly"],
  ),
  timeZone: row(
    v.nullish(matching(isTimeZone, 'an IANA time zone such as "Europe/Berlin", or an offset such as "+05:30"')),
    'rotate and name files by this zone: `"Europe/Berlin"`, `"+05:30"`',
    { standard: "that of the process", shared: "as it is" },
    [70, "--time-zone <zone>", 'rotate and name files by this zone, such as "Europe/Berlin"'],
  ),
  maxPeriods: row(
    v.nullish(converted(parsePositive, "a whole number, 1 or more")),
    "of how many periods backups are kept, however many files each of them has",
    { shared: "as it is" },
    [120, "--max-periods <n>", "keep the rotated files of so many periods", number],
  ),
  rotateWhenIdle: row(
    v.optional(flag, false),
    "rotate when the period has ended even if no record comes; the timer keeps no process alive",
    {},
    [80, "--rotate-when-idle", "rotate in time even if no record comes"],
  ),
} satisfies Rows<Omit<TimedRotatingFileHandlerOptions, keyof RotatingFileHandlerOptions>>;

/** In the order of the page of options. */
export const OPTIONS: Readonly<Record<string, OptionRow>> = { ...sizeRows, ...fileRows, ...timeRows };

/** The names of the options that the timed handler alone has. */
export const TIME_OPTIONS: readonly string[] = Object.keys(timeRows);

export const rotatingSchema = v.strictObject(schemasOf({ ...fileRows, ...sizeRows }));
export const timedSchema = v.strictObject(schemasOf({ ...fileRows, ...sizeRows, ...timeRows }));

function row<Schema extends v.GenericSchema>(schema: Schema, meaning: string, traits: Traits = {}, flag?: Flag) {
  return { schema, meaning, ...traits, flag };
}

function schemasOf<All extends Readonly<Record<string, OptionRow>>>(all: All) {
  const schemas = Object.entries(all).map(([name, { schema }]) => [name, schema]);
  return Object.fromEntries(schemas) as { readonly [Name in keyof All]: All[Name]["schema"] };
}

function compressions(): string {
  const names = Object.entries(FORMATS).map(([name, { create, levels }]) =>
    create === undefined
      ? `${name} (not in Node ${process.versions.node})`
      : `"${name}" (levels ${levels.join(" to ")})`,
  );
  return `false, ${names.join(", ")}, or such a format with its level: { format, level }`;
}
