import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { dirname, isAbsolute } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { threadId } from "node:worker_threads";
import * as v from "valibot";
import { hasCode, isError, LogFileError, reason } from "../base/errors.js";
import { sharedState } from "../base/shared-state.js";
import type { Permissions } from "../disk/permissions.js";
import type { Namer } from "../log-files/backup-names.js";
import { settingsPath } from "../log-files/hidden-names.js";
import { optionsToJson } from "../options/handler-json.js";
import { OPTIONS, TIME_OPTIONS } from "../options/option-table.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import type { Environment } from "../platform/environment.js";
import { closing, FileStatus, type FileSystem, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";
import { findCodec } from "../records/encodings.js";

const NEW_SETTINGS_FILE_MODE = 0o666; // as the log's, so that whoever may write the one may write the other
const LONGEST = 16 * 1024; // it may hold a path

/** As far as who only reads a log relies on it. */
const leftSchema = v.object({
  writer: v.optional(v.object({ pid: v.number(), host: v.string(), thread: v.number() })),
  settings: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
});

/** What the writers of a log have left beside it: their settings, and which of them was the first. */
export interface SettingsLeft {
  writer?: { pid: number; host: string; thread: number } | undefined;
  settings: Record<string, string | number | boolean | null>;
}

/** Options that all writers of a log must agree on, but for those that are compared in another form. */
const AGREED = Object.keys(OPTIONS).filter((name) => OPTIONS[name]?.shared === "as it is");

const writerSchema = v.object({
  ...leftSchema.entries.writer.wrapped.entries,
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Of the handler, since processes and threads have the same numbers again. */
  id: v.string(),
});
const storedSchema = v.object({ ...leftSchema.entries, writer: writerSchema });
type Writer = v.InferOutput<typeof writerSchema>;
type Stored = v.InferOutput<typeof storedSchema>;
type Settings = Stored["settings"] & { readonly maxBytes?: Value; readonly backupCount?: Value; readonly kind?: Value };
type Value = Stored["settings"][string];

/** Handlers of this thread that have left their settings somewhere and are not closed. */
const living = sharedState("living-settings", 1, () => new Set<string>());

/**
 * Finds out that processes write one log with different settings, by a hidden file beside it.
 * @internal
 */
export class SharedSettings {
  readonly #path: string;
  #own: Settings;
  readonly #me: Writer = { pid: process.pid, host: hostname(), thread: threadId, id: randomUUID() };
  readonly #fs: FileSystem;
  readonly #permissions: Permissions;

  /** @param terminator what ends a record, in bytes */
  constructor(options: ResolvedOptions, terminator: Buffer, environment: Environment, permissions: Permissions) {
    const { fs } = environment;
    this.#path = settingsPath(options.filename);
    this.#own = settingsOf(options, terminator);
    this.#fs = fs;
    this.#permissions = permissions;
  }

  /**
   * Compares with what another process has left, and leaves what the next one is to compare with. Called with the lock
   * held, once. The file is a help and no more: whatever fails here, of whatever code, is for the trace alone.
   * @param namer that of the handler by now
   * @param warn is given `ERR_CLH_SETTINGS` when a process that may still run has other settings
   * @returns the `maxBytes` to obey in place of our own, if that is to be
   */
  agree(
    namer: Namer | undefined,
    warn: (warning: LogFileError) => void,
    trace: ((message: string) => void) | undefined,
  ): number | undefined {
    this.#own = { ...this.#own, namer: namer === undefined ? null : true };
    try {
      const opening = { path: this.#path, flags: O_RDWR | O_NOFOLLOW, mode: NEW_SETTINGS_FILE_MODE };
      const { fd } = this.#permissions.open(this.#fs, opening);
      return closing(this.#fs, fd, () => this.#agreeWith(fd, warn));
    } catch (error) {
      trace?.(`cannot compare settings in ${this.#path}: ${reason(error)}`);
      return undefined;
    }
  }

  /** The settings left here are those of nobody any more. */
  close(): void {
    living.delete(this.#me.id);
  }

  #agreeWith(fd: number, warn: (warning: LogFileError) => void): number | undefined {
    const status = new FileStatus();
    this.#fs.statusOfOpen(fd, status);
    if (!status.isFile) throw new Error("it is not a regular file");
    const found = this.#read(fd);
    const theirs = found === undefined ? "ended" : stateOf(found.writer);
    const differing = found === undefined ? [] : differences(this.#own, found.settings);
    if (theirs === "ended") this.#write(fd, this.#me, this.#own); // a change of settings, and no disagreement
    if (found === undefined || theirs === "ended" || differing.length === 0) return undefined;
    const stricter = stricterLimit(this.#own, found.settings);
    warn(this.#warning(differing, stricter));
    // Theirs stays while they are known to run; else the newest settings win, or nobody could ever raise the limit.
    if (stricter !== undefined && theirs === "running") {
      this.#write(fd, found.writer, { ...this.#own, maxBytes: stricter }, found);
    } else {
      this.#write(fd, this.#me, this.#own);
    }
    return stricter;
  }

  #read(fd: number): Stored | undefined {
    const bytes = Buffer.alloc(LONGEST);
    const length = this.#fs.read(fd, bytes, 0, bytes.length, 0);
    return parseAs(storedSchema, bytes.toString("utf8", 0, length));
  }

  #write(fd: number, writer: Writer, settings: Settings, found?: Stored): void {
    if (writer === this.#me) living.add(writer.id);
    if (isDeepStrictEqual({ writer, settings }, found)) return;
    const bytes = Buffer.from(`${JSON.stringify({ writer, settings })}\n`);
    this.#fs.truncate(fd, 0); // else a process that dies here might leave a mixture that reads as something
    this.#fs.writeAt(fd, bytes, 0);
  }

  #warning(differing: string[], stricter: number | undefined): LogFileError {
    const message =
      `Not all processes write with the same options: ${differing.join(", ")}. Give all writers of this log the same` +
      `${stricter === undefined ? "" : "; until then, the smaller maxBytes is used here"} (${this.#path}).`;
    return new LogFileError("ERR_CLH_SETTINGS", message, { path: this.#path });
  }
}

/** Undefined when there is nothing, or something else, such as half of it. */
function parseAs<Schema extends typeof leftSchema | typeof storedSchema>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (isError(error, "SyntaxError")) return undefined;
    throw error;
  }
}

/** Undefined when there is nothing of the kind: it is a help and no more. */
export function settingsLeft(fs: FileSystem, log: string): SettingsLeft | undefined {
  return parseAs(leftSchema, readSmallFile(fs, settingsPath(log), LONGEST) ?? "");
}

/** Where the lock file of these writers is, if not beside the log. */
export function lockDirectoryLeft(left: SettingsLeft | undefined): string | undefined {
  const directory = left?.settings.lockFileDirectory;
  return typeof directory === "string" && isAbsolute(directory) && !directory.includes("\0") ? directory : undefined;
}

/** What to tell of a log whose backups have names that only its writers know; undefined for any other. */
export function unknownNames(log: string, left: SettingsLeft | undefined): LogFileError | undefined {
  if (left?.settings.namer !== true) return undefined;
  const message = `Cannot find all backups of ${log}: its writers name them by a function (namer). Read them by their own names.`;
  return new LogFileError("ERR_CLH_READ", message, { path: log });
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
    lockFileDirectory: lockFileDirectory === dirname(filename) ? null : (lockFileDirectory ?? null),
    encoding: byteOrderMark.length === 0 ? name : `${name} with a byte order mark`,
    terminator: terminator.toString("latin1"),
  };
}

/** As sentences. An option that only one of two versions of this package knows is no difference. */
function differences(own: Settings, theirs: Settings): string[] {
  const names = Object.keys(own).filter((name) => name in theirs && own[name] !== theirs[name]);
  return names.map(
    (name) => `${name} is ${JSON.stringify(own[name])} here and ${JSON.stringify(theirs[name])} in another process`,
  );
}

/**
 * Their `maxBytes` where it is smaller. But a rotation also removes backups: a handler that keeps fewer than they do
 * must not rotate more often than it was told to, else it would delete records that they keep.
 */
function stricterLimit(own: Settings, theirs: Settings): number | undefined {
  const limit = limitOf(theirs);
  if (own.kind !== theirs.kind || limit >= limitOf(own)) return undefined;
  return backupsOf(own) >= backupsOf(theirs) ? limit : undefined;
}

function limitOf({ maxBytes }: Settings): number {
  return Number.isSafeInteger(maxBytes) && (maxBytes as number) > 0 ? (maxBytes as number) : Number.POSITIVE_INFINITY;
}

function backupsOf({ backupCount }: Settings): number {
  return typeof backupCount === "number" ? backupCount : Number.POSITIVE_INFINITY;
}

/** Whether the handler still runs; another thread, and another host or container, cannot be asked. */
function stateOf({ pid, host, thread, id }: Writer): "running" | "ended" | "unknown" {
  if (host !== hostname()) return "unknown";
  if (pid === process.pid) return living.has(id) ? "running" : thread === threadId ? "ended" : "unknown";
  try {
    process.kill(pid, 0);
    return "running";
  } catch (error) {
    return hasCode(error, "ESRCH") ? "ended" : "running"; // EPERM: it is another user's
  }
}
