import { parentPort } from "node:worker_threads";
import type { LogFileError } from "../../base/errors.js";
import { namedBackups } from "../../log-files/named-backups.js";
import { systemEnvironment } from "../../platform/environment.js";
import { serializeError } from "../../platform/worker-channel.js";
import type { SweepMessage } from "./compression-thread.js";
import { runSweepJob, type SweepJob } from "./sweep-job.js";

/* The thread that compresses, one job after another. Its other half is compression-thread.ts. */

type Outgoing = SweepMessage extends infer Message ? (Message extends unknown ? Omit<Message, "id"> : never) : never;

let previous = Promise.resolve();
parentPort!.on("message", ({ id, job }: { id: number; job: SweepJob }) => {
  previous = previous.then(() => run(job, (message) => parentPort!.postMessage({ id, ...message })));
});

async function run(job: SweepJob, send: (message: Outgoing) => void): Promise<void> {
  try {
    const environment = namedBackups(systemEnvironment(), job.log, job.naming);
    const warn = (warning: LogFileError) => send({ type: "warning", error: serializeError(warning) });
    send({ type: "done", isComplete: await runSweepJob(environment, job, send, warn) });
  } catch (error) {
    send({ type: "failed", error: serializeError(error as LogFileError) });
  }
}
