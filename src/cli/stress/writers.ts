import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { WriterJob, WriterMessage } from "./writer.js";

/** What the writers of a stress test are; `mix` takes each in turn. */
export const WRITER_KINDS = ["process", "thread", "cluster", "mix"] as const;
export type WriterKind = (typeof WRITER_KINDS)[number];

export interface RunningWriter {
  /** Starts it writing. */
  go(): void;
  /** Resolves when it has ended; rejects when it failed. */
  readonly ended: Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("./writer.js", import.meta.url));

/** Starts the `index`th writer and resolves when it is loaded; it writes when it is told to. */
export async function startWriter(
  kind: WriterKind,
  index: number,
  job: WriterJob,
  onMessage: (message: WriterMessage) => void,
): Promise<RunningWriter> {
  const one = kind === "mix" ? (["process", "thread", "cluster"] as const)[index % 3]! : kind;
  const writer = one === "thread" ? startThread() : startProcess(one);
  let ready: () => void = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const ended = new Promise<void>((resolve, reject) => {
    let isDone = false;
    writer.events.on("message", (message: WriterMessage) => {
      if (message.type === "ready") ready();
      else onMessage(message);
      if (message.type !== "done") return;
      isDone = true;
      writer.letGo();
    });
    writer.events.on("error", reject);
    writer.events.on("exit", (code: number | null, signal?: string) => {
      if (isDone) resolve();
      else reject(new Error(`writer ${job.writer} ended with ${signal ?? `exit code ${code}`} before it was done`));
    });
  });
  await Promise.race([isReady, ended]);
  return { go: () => writer.send(job), ended };
}

interface Started<Events> {
  readonly events: Events;
  send(message: unknown): void;
  /** Lets it end, now that its last message is here: Deno would tell of its end first. */
  letGo(): void;
}

function startThread(): Started<Worker> {
  const worker = new Worker(PROGRAM);
  return { events: worker, send: (message) => worker.postMessage(message), letGo: () => {} };
}

function startProcess(kind: "process" | "cluster"): Started<ChildProcess> {
  let child: ChildProcess;
  if (kind === "process") child = fork(PROGRAM, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  else {
    cluster.setupPrimary({ exec: PROGRAM });
    child = cluster.fork().process;
  }
  const letGo = () => {
    if (child.connected) child.disconnect();
  };
  return { events: child, send: (message) => void child.send(message as object), letGo };
}
