import { LogFileError } from "../../base/errors.js";
import { advice, reason } from "../../base/system-errors.js";
import { Mount } from "../../disk/mount.js";
import { type PermissionOptions, Permissions } from "../../disk/permissions.js";
import { FileLock } from "../../lock/file-lock.js";
import { LockFile } from "../../lock/lock-file.js";
import { type Compression, FORMATS } from "../../log-files/compression-formats.js";
import { sweepLockPath } from "../../log-files/hidden-names.js";
import type { BackupNaming } from "../../log-files/named-backups.js";
import type { Environment } from "../../platform/environment.js";
import type { FileSystem } from "../../platform/file-system.js";
import type { Publisher, PublisherData } from "../backups.js";
import { DatedPublisher } from "../dated-backups.js";
import { NumberedBackups } from "../numbered-backups.js";
import { type SweepEvent, sweep } from "./sweep.js";

/** What the sweep thread must know of a log; crosses to it by structured clone. */
export interface SweepJob {
  readonly log: string;
  readonly naming: BackupNaming;
  readonly lockPath: string;
  readonly lockTimeout: number;
  readonly permissions: PermissionOptions;
  readonly publisher: PublisherData;
  readonly compression: Compression;
  readonly isDelayed: boolean;
}

/**
 * Does what {@link sweep} does, and returns what that returns.
 * @param environment one on which the backups have the names of the job
 * @throws {LogFileError} whatever fails
 */
export async function runSweepJob(
  environment: Environment,
  job: SweepJob,
  report: (event: SweepEvent) => void,
  warn: (warning: LogFileError) => void,
): Promise<boolean> {
  const { fs, clock } = environment;
  const permissions = new Permissions(job.permissions, warn);
  const plan = {
    fs,
    log: job.log,
    lock: new FileLock(new LockFile(job.lockPath, new Mount(environment, job.lockPath), permissions), clock),
    lockTimeout: job.lockTimeout,
    sweepLock: new LockFile(sweepLockPath(job.log), new Mount(environment, job.log), permissions),
    publisher: publisherOf(job, fs),
    extension: FORMATS[job.compression.format].extension,
    compression: job.compression,
    isDelayed: job.isDelayed,
  };
  try {
    return await sweep(plan, report);
  } catch (error) {
    throw error instanceof LogFileError ? error : unexpected(error, job.log);
  }
}

function publisherOf({ log, publisher: { kind, count, names } }: SweepJob, fs: FileSystem): Publisher {
  if (kind === "dated") return new DatedPublisher(fs, log, names);
  return new NumberedBackups(fs, log, count, () => names && ((name) => names.get(name)!));
}

function unexpected(cause: unknown, path: string): LogFileError {
  return new LogFileError(
    "ERR_CLH_COMPRESS",
    `Cannot compress rotated files of ${path}: ${reason(cause)}. ${advice(cause)}They stay as they are and are tried again after the next rotation.`,
    {
      cause,
      path,
    },
  );
}
