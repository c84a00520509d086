import { basename, join } from "node:path";
import * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import { Mount } from "../disk/mount.js";
import { Permissions } from "../disk/permissions.js";
import { lockTimeoutError } from "../events/throttled-reporter.js";
import { FileLock, withLock } from "../lock/file-lock.js";
import { LockFile } from "../lock/lock-file.js";
import { believedTimes } from "../log-files/file-order.js";
import { logOfSettings } from "../log-files/hidden-names.js";
import { type LogFile, listLogFiles } from "../log-files/list-files.js";
import { archiveOf } from "../log-files/named-backups.js";
import { parseSize } from "../options/parsers.js";
import { absolutePath, anObject, converted, flag, parse } from "../options/validation.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import { isSameContent, stillPicture } from "../reading/files/snapshot.js";
import { blockReader } from "../reading/read-log.js";
import { type SettingsLeft, settingsLeft, unknownNames } from "../writer/settings-file.js";
import { keptBackups } from "./kept-backups.js";
import { rehearse } from "./sweep-log.js";

/** Options of {@link pruneLogs}. */
export interface PruneLogsOptions {
  /** What all files of the logs may have together: bytes, or a text such as `"20GiB"`. */
  readonly maxTotalBytes: number | string;
  /** Only find out what would be deleted. Default: false. */
  readonly dryRun?: boolean | undefined;
}

/** A backup that was deleted, or would be. */
export interface PrunedBackup {
  /** Absolute path of the log. */
  readonly log: string;
  /** Its absolute path, by the name that it had then. */
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
}

/** The result of {@link pruneLogs}. */
export interface PruneResult {
  /** Absolute paths of the logs that were found. */
  readonly logs: readonly string[];
  /** Bytes of their files before. */
  readonly bytesBefore: number;
  /** The same afterwards: more than `maxTotalBytes` when nothing more may be deleted, or could be. */
  readonly bytesAfter: number;
  /** Oldest first. */
  readonly removed: readonly PrunedBackup[];
  /** Backups that could not be deleted, and logs that were left out. */
  readonly failures: readonly LogFileError[];
}

const schema = v.strictObject({
  maxTotalBytes: converted(parseSize, 'a size such as "20GiB", or a number of bytes'),
  dryRun: v.optional(flag, false),
});

// As the default of `lockTimeout`.
const LONGEST_WAIT = 10_000;

interface Log {
  readonly path: string;
  /** On which its backups have default names. */
  readonly environment: Environment;
  readonly lockPath: string;
  /** Where its backups are, if not beside it. */
  readonly archive: string | undefined;
  readonly left: SettingsLeft | undefined;
}

/** A backup that may go. */
interface Candidate {
  readonly log: Log;
  readonly file: LogFile;
  readonly endsAt: number;
}

/**
 * Keeps all logs of a directory together below a size, as `clh prune` does: deletes their oldest backups, under the locks
 * of their writers, which may go on. The active files and the newest backup of each log stay, and so does all that no
 * writer of ours counts among its backups. Logs are those beside which a writer has left its settings.
 * @param directory a path, or a `file:` URL
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong option; `ERR_CLH_READ` when there is no such directory; `ERR_CLH_NATIVE`
 */
export async function pruneLogs(directory: string | URL, options: PruneLogsOptions): Promise<PruneResult> {
  const path = absolutePath("directory", directory);
  const { maxTotalBytes, dryRun } = parse(schema, anObject(options));
  const rehearsal = dryRun ? await rehearse(systemEnvironment()) : undefined;
  const environment = rehearsal?.environment ?? systemEnvironment();
  const failures: LogFileError[] = [];
  const logs = findLogs(environment, path, failures);
  for (const { path, lockPath, archive } of logs) rehearsal?.begin(path, lockPath, archive);
  const now = environment.clock.now() / 1000;
  const active = new Set(logs.map((log) => log.path));
  let bytes = 0;
  const candidates = logs.flatMap((log) => {
    const files = stillPicture(log.environment, log.path, log.lockPath);
    const backups = keptBackups(log.path, files, log.left).filter((file) => !active.has(file.path));
    for (const file of new Set([...files.filter(({ kind }) => kind === "active"), ...backups]))
      bytes += file.status.size;
    const times = believedTimes([...backups.map(({ status }) => status.modifiedAt), now], now);
    return backups.slice(0, -1).map((file, i): Candidate => ({ log, file, endsAt: times[i]! }));
  });
  const bytesBefore = bytes;
  const chosen: Candidate[] = [];
  for (const candidate of candidates.sort((a, b) => (a.endsAt === b.endsAt ? 0 : a.endsAt < b.endsAt ? -1 : 1))) {
    if (bytes <= maxTotalBytes) break;
    bytes -= candidate.file.status.size;
    chosen.push(candidate);
  }
  const removed = inRuns(chosen).flatMap((run) => removeOf(run, failures));
  const bytesAfter = removed.reduce((left, { size }) => left - size, bytesBefore);
  return { logs: logs.map((log) => log.path), bytesBefore, bytesAfter, removed, failures };
}

function findLogs(environment: Environment, directory: string, failures: LogFileError[]): Log[] {
  const { fs } = environment;
  let names: string[];
  try {
    names = fs.readdir(directory);
  } catch (cause) {
    const message = `Cannot look for logs in ${directory}: ${reason(cause)}. ${advice(cause)}`.trimEnd();
    throw new LogFileError("ERR_CLH_READ", message, { cause, path: directory });
  }
  return names.sort().flatMap((name): Log[] => {
    const log = logOfSettings(name);
    const path = log === undefined ? undefined : join(directory, log);
    if (path === undefined || settingsLeft(fs, path) === undefined) return []; // nobody's, or not to be believed
    try {
      const { lockPath, left, naming, environment: named } = blockReader(path, {}, environment);
      const unknown = unknownNames(path, left);
      if (unknown !== undefined) throw unknown;
      return [{ path, environment: named, lockPath, archive: archiveOf(path, naming), left }];
    } catch (error) {
      if (!(error instanceof LogFileError)) throw error;
      failures.push(error);
      return [];
    }
  });
}

/** Neighbours of one log together, so that its lock is taken once for them. */
function inRuns(candidates: readonly Candidate[]): Candidate[][] {
  const runs: Candidate[][] = [];
  for (const candidate of candidates) {
    if (runs.at(-1)?.[0]?.log === candidate.log) runs.at(-1)!.push(candidate);
    else runs.push([candidate]);
  }
  return runs;
}

function removeOf(run: readonly Candidate[], failures: LogFileError[]): PrunedBackup[] {
  const { path: log, environment, lockPath, left } = run[0]!.log;
  const removed: PrunedBackup[] = [];
  const fail = (path: string, cause: unknown) => {
    const message = `Cannot delete old backups of ${log} (${path}): ${reason(cause)}. ${advice(cause)}`.trimEnd();
    failures.push(new LogFileError("ERR_CLH_PRUNE", message, { cause, path }));
  };
  try {
    underLock(environment, lockPath, () => {
      // Rotations may have given them other names since: each is looked for by what it is.
      const mayGo = keptBackups(log, listLogFiles(environment.fs, log), left).slice(0, -1);
      for (const { file } of run) {
        const found = mayGo.find((now) => isSameContent(file, now));
        if (found === undefined) continue; // its writers have deleted it, or compressed it
        try {
          environment.fs.unlink(found.path);
          removed.push({ log, path: found.path, size: file.status.size });
        } catch (error) {
          if (!hasCode(error, "ENOENT")) fail(found.path, error);
        }
      }
    });
  } catch (error) {
    if (error instanceof LogFileError) failures.push(error);
    else fail(log, error);
  }
  return removed;
}

/** A lock file that is not there is not made: it would belong to who prunes, and its writers could not open it. */
function underLock(environment: Environment, path: string, body: () => void): void {
  if (!environment.fs.exists(path)) throw new Error(`its lock file ${basename(path)} is not there`);
  const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, () => {});
  const lock = new FileLock(new LockFile(path, new Mount(environment, path), permissions), environment.clock);
  try {
    if (!withLock(lock, LONGEST_WAIT, body))
      throw lockTimeoutError(path, LONGEST_WAIT, "Its backups were not deleted.");
  } finally {
    lock.close();
  }
}
