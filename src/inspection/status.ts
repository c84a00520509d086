import { dirname } from "node:path";
import * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import type { LogFile } from "../log-files/list-files.js";
import { anObject, parse } from "../options/validation.js";
import type { Environment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";
import { unreadable } from "../reading/files/open-files.js";
import { stillPicture } from "../reading/files/snapshot.js";
import { blockReader } from "../reading/read-log.js";
import { logFields } from "../reading/reading-options.js";
import { type SettingsLeft, unknownNames } from "../writer/settings-file.js";
import { type CollectedStream, collectedStreams, streamFindings } from "./collected-streams.js";
import { type Finding, finding } from "./finding.js";
import { keptBackups } from "./kept-backups.js";
import { limitFindings, limitsOf } from "./limits.js";
import { lockHolders } from "./lock-holders.js";
import { numberingFindings } from "./numbering.js";
import { type ProcessInfo, processInfo, writersOf } from "./processes.js";
import { type Leftover, listOnTheWay } from "./unfinished-files.js";

/** A file of a log, as the system tells of it. */
export interface FileState {
  /** Its absolute path. */
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** How a log and its writers are at this moment. */
export interface LogStatus {
  /** Its absolute path. */
  readonly log: string;
  /** Undefined when there is none just now. */
  readonly active: FileState | undefined;
  /** The lock of its writers. */
  readonly lock: {
    /** Path of the lock file. */
    readonly path: string;
    /** Whether there is a lock file: its first writer makes it. */
    readonly exists: boolean;
    /** Who has it; undefined where that is not known. */
    readonly holders: readonly ProcessInfo[] | undefined;
  };
  /** Processes that have the active file open for writing; undefined where that is not known. */
  readonly writers: readonly ProcessInfo[] | undefined;
  /** When the file is rotated next; what is undefined is no reason, or not known. */
  readonly next: {
    /** Bytes at which it is rotated. */
    readonly maxBytes?: number;
    /** Bytes that the active file has until then. */
    readonly bytesLeft?: number;
    /** Milliseconds since 1970. */
    readonly at?: number;
  };
  /** Oldest first. */
  readonly backups: readonly (FileState & { readonly isWaiting: boolean })[];
  /** What waits to be compressed. */
  readonly backlog: {
    /** How many. */
    readonly files: number;
    /** All of them together. */
    readonly bytes: number;
  };
  /** Files on their way to something else: spills, and what is compressed or left half-way. */
  readonly onTheWay: readonly Leftover[];
  /** Streams of NATS that are collected into it, by name. */
  readonly streams: readonly CollectedStream[];
  /** What the writers have left beside the log. */
  readonly settings: SettingsLeft | undefined;
  /** What differs from these settings. */
  readonly findings: readonly Finding[];
}

const LONGEST_CONTENT = 256;

/** Options of {@link logStatus}. */
export interface LogStatusOptions {
  /** Directory of the lock file, if the writers have left nothing or something else. Default: as they have left it. */
  readonly lockFileDirectory?: string | undefined;
  /** Template of the names of its backups, if the writers have left nothing or something else. Default: as they have left it. */
  readonly backupName?: string | undefined;
  /** Where its backups are, from the directory of the log on, or absolute. Default: as its writers have left it. */
  readonly archiveDirectory?: string | undefined;
}

const { lockFileDirectory, backupName, archiveDirectory } = logFields;
const optionsSchema = v.strictObject({ lockFileDirectory, backupName, archiveDirectory });

/**
 * Tells who writes a log, its size, its next rotation, its backups and the files that wait, as `clh status --json` prints
 * it. The function takes no lock, and disturbs nobody. When backups seem to be beyond the limits, it looks again after a second.
 * @param path of the log: a path, or a `file:` URL
 * @throws {LogFileError} `ERR_CLH_READ` when there is no such log; `ERR_CLH_OPTION` for a wrong option; `ERR_CLH_NATIVE`
 */
export async function logStatus(path: string | URL, options: LogStatusOptions = {}): Promise<LogStatus> {
  const reader = blockReader(path, parse(optionsSchema, anObject(options)));
  const { environment, log, lockPath, left: settings } = reader;
  const { fs, clock } = environment;
  if (!fs.exists(dirname(log))) throw unreadable(log, new Error("its directory is not there"));
  const look = () => stillPicture(environment, log, lockPath);
  const files = look();
  const unfound = unknownNames(log, settings, reader.naming);
  const onTheWay = listOnTheWay(environment, log);
  const streams = collectedStreams(environment, log);
  const isThere = fs.exists(lockPath);
  if (files.length === 0 && onTheWay.length === 0 && !isThere) {
    throw new LogFileError("ERR_CLH_READ", `There is no log ${log}, nor a backup of one.`, { path: log });
  }
  const active = files.find(({ kind }) => kind === "active");
  const backups = files.filter(({ kind }) => kind !== "active");
  const waiting = backups.filter(({ kind }) => kind === "waiting");
  const limits = limitsOf({}, settings);
  const processes = (pids: readonly number[] | undefined) => pids?.map((pid) => processInfo(fs, clock, pid));
  return {
    log,
    active: active && stateOf(active),
    lock: { path: lockPath, exists: isThere, holders: processes(holdersOf(environment, lockPath)) },
    writers: processes(writersOf(fs, log)),
    next: {
      ...(limits.maxBytes > 0 && {
        maxBytes: limits.maxBytes,
        bytesLeft: Math.max(0, limits.maxBytes - (active?.status.size ?? 0)),
      }),
      ...rolloverTime(environment, lockPath, settings),
    },
    backups: backups.map((file) => ({ ...stateOf(file), isWaiting: file.kind === "waiting" })),
    backlog: { files: waiting.length, bytes: waiting.reduce((sum, { status }) => sum + status.size, 0) },
    onTheWay,
    streams,
    settings,
    findings: [
      ...(unfound === undefined ? [] : [finding("problem", "unreadable", log, unfound.message)]),
      ...numberingFindings(environment, log, keptBackups(log, files, settings)),
      ...(await limitFindings(environment, log, () => keptBackups(log, look(), settings), limits)),
      ...streamFindings(streams).filter(({ severity }) => severity === "problem"),
    ],
  };
}

function stateOf({ path, status }: LogFile): FileState {
  return { path, size: status.size, modifiedAt: status.modifiedAt * 1000 };
}

function holdersOf({ fs }: Environment, lockPath: string): readonly number[] | undefined {
  const status = new FileStatus();
  return fs.status(new FilePath(lockPath), status) ? lockHolders(fs)(lockPath, status) : [];
}

/** The content of the lock file, as the writers of a log that is rotated by time share it. */
function rolloverTime({ fs }: Environment, lockPath: string, settings: SettingsLeft | undefined): { at?: number } {
  if (settings?.settings.kind === "size") return {};
  const text = readSmallFile(fs, lockPath, LONGEST_CONTENT)?.replaceAll("\0", "").trim() ?? "";
  return /^\d{1,15}$/.test(text) ? { at: Number(text) * 1000 } : {};
}
