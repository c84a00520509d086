import { dirname, isAbsolute, resolve } from "node:path";
import { threadId } from "node:worker_threads";
import * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import { isError, reason } from "../base/system-errors.js";
import type { Mount } from "../disk/mount.js";
import { isDirectoryOf, isOursToBelieve, type Permissions } from "../disk/permissions.js";
import type { Namer } from "../log-files/backup-names.js";
import { settingsPath } from "../log-files/hidden-names.js";
import type { BackupNaming } from "../log-files/named-backups.js";
import { templateFault } from "../options/backup-naming.js";
import { optionsToJson } from "../options/handler-json.js";
import { OPTIONS, TIME_OPTIONS } from "../options/option-table.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import { FileStatus, type FileSystem, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import { hostName } from "../platform/identity.js";
import { readSmallFile } from "../platform/small-file.js";
import type { Encoder } from "../records/encoder.js";
import { findCodec } from "../records/encodings.js";
import { withoutNumbers } from "../records/header.js";

const NEW_SETTINGS_FILE_MODE = 0o666; // as the log's, so that whoever may write the one may write the other
const LONGEST = 64 * 1024; // it may hold a path, and a header

const leftSchema = v.object({
  writer: v.optional(v.object({ pid: v.number(), host: v.string(), thread: v.number() })),
  settings: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
});

/** What the writers of a log have left beside it: their settings, and who is the writer that holds the lock on them. */
export interface SettingsLeft {
  /** Undefined where an older version has left them. */
  writer?:
    | {
        /** Process id. */
        pid: number;
        /** Name of the computer, or the container; "" where the writer may not know it. */
        host: string;
        /** Number of the thread: 0 is the main thread. */
        thread: number;
      }
    | undefined;
  /** By the names of the options; `kind` is "size" or "timed". */
  settings: Record<string, string | number | boolean | null>;
}

/** Options that all writers of a log must agree on, but for those that are compared in another form. */
const AGREED = Object.keys(OPTIONS).filter((name) => OPTIONS[name]?.shared === "as it is");

type Settings = SettingsLeft["settings"] & {
  readonly maxBytes?: Value;
  readonly backupCount?: Value;
  readonly kind?: Value;
};
type Value = SettingsLeft["settings"][string];

/**
 * Finds out that processes write one log with different settings, by a hidden file beside it. Who has left settings there
 * holds a lock on the file while it lives: process ids come again, and are the same in two containers.
 * @internal
 */
export class SharedSettings {
  readonly #log: string;
  readonly #path: string;
  readonly #encoder: Encoder;
  #own: Settings;
  readonly #mount: Mount;
  readonly #permissions: Permissions;
  /** Of the file while the settings in it are ours, and locked; else -1. */
  #fd = -1;

  constructor(options: ResolvedOptions, encoder: Encoder, mount: Mount, permissions: Permissions) {
    this.#log = options.filename;
    this.#path = settingsPath(options.filename);
    this.#encoder = encoder;
    this.#own = settingsOf(options, encoder.terminator);
    this.#mount = mount;
    this.#permissions = permissions;
  }

  /**
   * Compares with what another handler has left, and leaves what the next one is to compare with. Called with the lock
   * held, once. The file is a help and no more: whatever fails here, of whatever code, is for the trace alone.
   * @param namer that of the handler by now
   * @param warn is given `ERR_CLH_SETTINGS` when a handler that lives has other settings
   * @returns the `maxBytes` to obey in place of our own, if that is to be
   */
  agree(
    namer: Namer | undefined,
    warn: (warning: LogFileError) => void,
    trace: ((message: string) => void) | undefined,
  ): number | undefined {
    this.#own = { ...this.#own, namer: namer === undefined ? null : true };
    try {
      this.#own = { ...this.#own, ...headerSettings(this.#encoder) };
      return this.#agree(warn);
    } catch (error) {
      trace?.(`cannot compare settings in ${this.#path}: ${reason(error)}`);
      return undefined;
    }
  }

  /** The settings left here are those of nobody any more. */
  close(): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd !== -1) this.#mount.fs.close(fd);
  }

  #agree(warn: (warning: LogFileError) => void): number | undefined {
    const status = new FileStatus();
    const fd = this.#open(status);
    let theirs: Settings | undefined;
    try {
      if (!isOursToBelieve(this.#mount.fs, this.#log, status)) {
        warn(this.#notBelieved(status));
        return undefined;
      }
      if (this.#leave(fd)) return undefined; // nobody's that lives: a change of settings, and no disagreement
      theirs = this.#read(fd)?.settings;
    } finally {
      if (fd !== this.#fd) this.#mount.closeInPassing(fd, this.#path, "lock");
    }
    const differing = theirs === undefined ? [] : differences(this.#own, theirs);
    if (theirs !== undefined && differing.length === 0) return undefined;
    const stricter = theirs && stricterLimit(this.#own, theirs);
    if (theirs !== undefined) warn(this.#warning(differing, stricter));
    // Theirs stay while they are obeyed; else the newest settings win, or nobody could ever raise a limit.
    if (stricter === undefined) this.#replace();
    return stricter;
  }

  #open(status?: FileStatus): number {
    const opening = { path: this.#path, flags: O_RDWR | O_NOFOLLOW, mode: NEW_SETTINGS_FILE_MODE };
    return this.#permissions.open(this.#mount.fs, opening, status).fd;
  }

  /** False when the lock on the file is another one's. */
  #leave(fd: number): boolean {
    if (!this.#mount.locks.tryLock(fd, true)) return false;
    this.#fd = fd;
    const writer = { pid: process.pid, host: hostName(), thread: threadId };
    const bytes = Buffer.from(`${JSON.stringify({ writer, settings: this.#own })}\n`);
    const { fs } = this.#mount;
    fs.truncate(fd, 0); // else a process that dies here might leave a mixture that reads as something
    fs.writeAt(fd, bytes, 0);
    return true;
  }

  /** By a file of our own, since the lock on theirs says that they live. */
  #replace(): void {
    this.#mount.fs.unlink(this.#path);
    const fd = this.#open();
    try {
      this.#leave(fd);
    } finally {
      if (fd !== this.#fd) this.#mount.fs.close(fd);
    }
  }

  #read(fd: number): SettingsLeft | undefined {
    const bytes = Buffer.alloc(LONGEST);
    const length = this.#mount.fs.read(fd, bytes, 0, bytes.length, 0);
    return parse(bytes.toString("utf8", 0, length));
  }

  #warning(differing: string[], stricter: number | undefined): LogFileError {
    const message =
      `Not all processes write with the same options: ${differing.join(", ")}. Give all writers of this log the same` +
      `${stricter === undefined ? "" : "; until then, the smaller maxBytes is used here"} (${this.#path}).`;
    return new LogFileError("ERR_CLH_SETTINGS", message, { path: this.#path });
  }

  #notBelieved({ uid }: FileStatus): LogFileError {
    const message =
      `The settings in ${this.#path} are not believed: others than the writers of this log may have left them ` +
      `(the file belongs to user ${uid}). Delete the file; until then, nobody finds out whether all writers have the same options.`;
    return new LogFileError("ERR_CLH_SETTINGS", message, { path: this.#path });
  }
}

/** Undefined when there is nothing, or something else, such as half of it. */
function parse(text: string): SettingsLeft | undefined {
  try {
    const result = v.safeParse(leftSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (isError(error, "SyntaxError")) return undefined;
    throw error;
  }
}

/** Undefined when there is nothing of the kind, or somebody else has left it: it is a help and no more. @internal */
export function settingsLeft(fs: FileSystem, log: string): SettingsLeft | undefined {
  let uid: number | undefined;
  const isBelieved = (file: FileStatus) => {
    uid = file.uid;
    return isOursToBelieve(fs, log, file);
  };
  const left = parse(readSmallFile(fs, settingsPath(log), LONGEST, isBelieved) ?? "");
  const { archiveDirectory } = left?.settings ?? {};
  if (left === undefined || typeof archiveDirectory !== "string") return left;
  const isTheirs = isDirectoryOf(fs, resolve(dirname(log), archiveDirectory), uid);
  return isTheirs ? left : { ...left, settings: { ...left.settings, archiveDirectory: true } };
}

/**
 * Where the backups of a log are, and what they are called, as its writers have left it. @internal
 */
export function namingLeft(log: string, left: SettingsLeft | undefined): BackupNaming {
  const { backupName, archiveDirectory } = left?.settings ?? {};
  const isKnown = typeof backupName === "string" && templateFault(backupName, log) === undefined;
  return {
    backupName: isKnown ? backupName : undefined,
    archiveDirectory: typeof archiveDirectory === "string" ? archiveDirectory : undefined,
  };
}

/** Where the lock file of these writers is, if not beside the log. @internal */
export function lockDirectoryLeft(left: SettingsLeft | undefined): string | undefined {
  const directory = left?.settings.lockFileDirectory;
  return typeof directory === "string" && isAbsolute(directory) && !directory.includes("\0") ? directory : undefined;
}

/**
 * What to tell of a log whose backups have names that only its writers know; undefined for any other.
 * @param given how its backups are named, as the caller says
 * @internal
 */
export function unknownNames(
  log: string,
  left: SettingsLeft | undefined,
  given: BackupNaming = {},
): LogFileError | undefined {
  const { namer, backupName, archiveDirectory } = left?.settings ?? {};
  const known = namingLeft(log, left);
  const tell = (why: string) =>
    new LogFileError("ERR_CLH_READ", `Cannot find all backups of ${log}: ${why}`, { path: log });
  if (namer === true) return tell("its writers name them by a function (namer). Read them by their own names.");
  if (given.archiveDirectory == null && archiveDirectory === true)
    return tell(
      "their directory belongs to another user than the one who has left its name. Say it with `archiveDirectory`.",
    );
  if (given.backupName == null && typeof backupName === "string" && known.backupName === undefined)
    return tell(`this version does not know the template of its writers (${backupName}). Say one with \`backupName\`.`);
  return undefined;
}

function settingsOf(options: ResolvedOptions, terminator: Buffer): Settings {
  const json = optionsToJson(options);
  const kind = "schedule" in options ? "timed" : "size";
  const names = kind === "timed" ? AGREED : AGREED.filter((name) => !TIME_OPTIONS.includes(name));
  const { filename, lockFileDirectory } = options;
  const { name, byteOrderMark } = findCodec(options.encoding)!;
  return {
    kind,
    ...(Object.fromEntries(names.map((option) => [option, json[option] ?? null])) as Settings),
    compression: options.compression?.format ?? null,
    backupName: options.backupName?.replace("{host}", hostName()) ?? null,
    lockFileDirectory: lockFileDirectory === dirname(filename) ? null : (lockFileDirectory ?? null),
    encoding: byteOrderMark.length === 0 ? name : `${name} with a byte order mark`,
    terminator: terminator.toString("latin1"),
  };
}

/** Readers know a header by it, and a sweep writes it: of a function, all but the numbers. */
function headerSettings(encoder: Encoder): Settings {
  if (!encoder.hasHeader) return { header: null };
  if (!encoder.hasVaryingHeader) return { header: encoder.headerText() };
  try {
    return { header: withoutNumbers(encoder.headerText()), headerIsFunction: true };
  } catch {
    return { header: null }; // whatever the function throws: that is told of each file
  }
}

/** As sentences. An option that only one of two versions of this package knows is no difference. */
function differences(own: Settings, theirs: Settings): string[] {
  const names = Object.keys(own).filter((name) => name in theirs && own[name] !== theirs[name]);
  return names.map(
    (name) => `${name} is ${JSON.stringify(own[name])} here and ${JSON.stringify(theirs[name])} in another writer`,
  );
}

/**
 * Their `maxBytes` where it is smaller. But a rotation also removes backups: a handler that keeps so many files obeys
 * nobody's limit, else it would delete records that its own options keep.
 */
function stricterLimit(own: Settings, theirs: Settings): number | undefined {
  const limit = limitOf(theirs);
  const keepsAll = own.backupCount === null;
  return keepsAll && own.kind === theirs.kind && limit < limitOf(own) ? limit : undefined;
}

function limitOf({ maxBytes }: Settings): number {
  return Number.isSafeInteger(maxBytes) && (maxBytes as number) > 0 ? (maxBytes as number) : Number.POSITIVE_INFINITY;
}
