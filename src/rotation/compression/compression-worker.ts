import { parentPort } from "node:worker_threads";
import { LogFileError } from "../../base/errors.js";
import { advice, reason } from "../../base/system-errors.js";
import { Mount } from "../../disk/mount.js";
import { Permissions } from "../../disk/permissions.js";
import { FileLock } from "../../lock/file-lock.js";
import { LockFile } from "../../lock/lock-file.js";
import { FORMATS } from "../../log-files/compression-formats.js";
import { sweepLockPath } from "../../log-files/hidden-names.js";
import { systemEnvironment } from "../../platform/environment.js";
import type { FileSystem } from "../../platform/file-system.js";
import { serializeError } from "../../platform/worker-channel.js";
import type { Publisher } from "../backups.js";
import { DatedPublisher } from "../dated-backups.js";
import { NumberedBackups } from "../numbered-backups.js";
import type { SweepJob, SweepMessage } from "./compression-thread.js";
import { sweep } from "./sweep.js";

/* The thread that compresses, one job after another. Its other half is compression-thread.ts. */

type Outgoing = SweepMessage extends infer Message ? (Message extends unknown ? Omit<Message, "id"> : never) : never;

let previous = Promise.resolve();
parentPort!.on("message", ({ id, job }: { id: number; job: SweepJob }) => {
  previous = previous.then(() => run(job, (message) => parentPort!.postMessage({ id, ...message })));
});

async function run(job: SweepJob, send: (message: Outgoing) => void): Promise<void> {
  try {
    const environment = systemEnvironment();
    const { fs, clock } = environment;
    const permissions = new Permissions(job.permissions, (warning) =>
      send({ type: "warning", error: serializeError(warning) }),
    );
    const isComplete = await sweep(
      {
        fs,
        log: job.log,
        lock: new FileLock(new LockFile(job.lockPath, new Mount(environment, job.lockPath), permissions), clock),
        lockTimeout: job.lockTimeout,
        sweepLock: new LockFile(sweepLockPath(job.log), new Mount(environment, job.log), permissions),
        publisher: publisherOf(job, fs),
        extension: FORMATS[job.compression.format].extension,
        compression: job.compression,
        isDelayed: job.isDelayed,
      },
      send,
    );
    send({ type: "done", isComplete });
  } catch (error) {
    const failure = error instanceof LogFileError ? error : unexpected(error, job.log);
    send({ type: "failed", error: serializeError(failure) });
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
