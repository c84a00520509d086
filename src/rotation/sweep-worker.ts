import { parentPort } from "node:worker_threads";
import { systemEnvironment } from "../environment.js";
import { LogFileError } from "../errors.js";
import { FileLock } from "../lock/lock.js";
import { LockFile } from "../lock/lock-file.js";
import { Permissions } from "../permissions.js";
import { FORMATS } from "./formats.js";
import { numberedName } from "./naming.js";
import { NumberedBackups } from "./numbered-backups.js";
import { sweep } from "./sweep.js";
import type { SweepJob, SweepMessage } from "./sweeper.js";

/* The thread that compresses, one job after another. Its other half is sweeper.ts. */

type Outgoing = SweepMessage extends infer Message ? (Message extends unknown ? Omit<Message, "id"> : never) : never;

let previous = Promise.resolve();
parentPort!.on("message", ({ id, job }: { id: number; job: SweepJob }) => {
  previous = previous.then(() => run(job, (message) => parentPort!.postMessage({ id, ...message })));
});

async function run(job: SweepJob, send: (message: Outgoing) => void): Promise<void> {
  try {
    const { fs, clock, lockBackend } = systemEnvironment();
    const permissions = new Permissions(job.permissions, ({ code, message, path }) =>
      send({ type: "warning", code, message, ...(path !== undefined && { path }) }),
    );
    const name = (n: number) => job.names?.[n - 1] ?? numberedName(job.log, n);
    await sweep(
      {
        fs,
        log: job.log,
        lock: new FileLock(new LockFile(job.lockPath, fs, permissions), lockBackend, clock),
        lockTimeout: job.lockTimeout,
        lockBackend,
        backups: new NumberedBackups(fs, job.backupCount, name),
        extension: FORMATS[job.compression.format].extension,
        compression: job.compression,
      },
      send,
    );
    send({ type: "done" });
  } catch (error) {
    const { code, message, path } = error instanceof LogFileError ? error : unexpected(error, job.log);
    send({ type: "failed", code, message, ...(path !== undefined && { path }) });
  }
}

function unexpected(cause: unknown, path: string): LogFileError {
  return new LogFileError("ERR_CLH_COMPRESS", `Cannot compress rotated files of ${path}: ${String(cause)}`, {
    cause,
    path,
  });
}
