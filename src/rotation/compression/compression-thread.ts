import { Worker } from "node:worker_threads";
import { LogFileError } from "../../base/errors.js";
import { advice, reason } from "../../base/system-errors.js";
import type { Environment } from "../../platform/environment.js";
import { deserializeError, type ErrorData, nameOfOurThread, WorkerChannel } from "../../platform/worker-channel.js";
import type { SweepEvent } from "./sweep.js";
import type { SweepJob } from "./sweep-job.js";

/** The messages that a sweep thread sends for the job `id`. The last one is `done` or `failed`. */
export type SweepMessage = { readonly id: number } & (
  | SweepEvent
  | { readonly type: "done"; readonly isComplete: boolean }
  | { readonly type: "warning" | "failed"; readonly error: ErrorData }
);

type OnEvent = (event: SweepEvent) => void;
type OnError = (type: "warning" | "error", error: LogFileError) => void;

interface Running {
  readonly onEvent: OnEvent;
  readonly onError: OnError;
  readonly resolve: (isComplete: boolean) => void;
  readonly reject: (error: LogFileError) => void;
}

const NAME = "clh-sweep";

/** Our half of the thread that compresses: one for all handlers of this thread. It keeps the process alive while it works. */
class SweepThread {
  readonly #channel = new WorkerChannel<{ id: number; job: SweepJob }, SweepMessage>(
    (options) => new Worker(new URL("./compression-worker.js", import.meta.url), options),
    NAME,
    { onMessage: (message) => this.#receive(message), onLost: (why) => this.#lose(why) },
  );
  #lastId = 0;
  readonly #running = new Map<number, Running>();

  /** Resolves when nothing of this log waits any more, or another process is at it; with what `sweep` returns. */
  run(job: SweepJob, onEvent: OnEvent, onError: OnError): Promise<boolean> {
    if (nameOfOurThread === NAME) return Promise.resolve(true); // a preload has made this handler: other threads compress
    const id = ++this.#lastId;
    try {
      this.#channel.post({ id, job });
    } catch (cause) {
      const message = `Cannot start the thread that compresses rotated files of ${job.log}: ${reason(cause)}. ${advice(cause)}They stay as they are until the next rotation.`;
      return Promise.reject(new LogFileError("ERR_CLH_COMPRESS", message, { cause, path: job.log }));
    }
    this.#channel.hold();
    return new Promise((resolve, reject) => this.#running.set(id, { onEvent, onError, resolve, reject }));
  }

  #receive(message: SweepMessage): void {
    const { onEvent, onError, resolve, reject } = this.#running.get(message.id)!;
    switch (message.type) {
      case "compressed":
      case "removed":
        onEvent(message);
        return;
      case "warning":
        onError("warning", deserializeError(message.error));
        return;
      case "failed":
        reject(deserializeError(message.error));
        break;
      case "done":
        resolve(message.isComplete);
        break;
    }
    this.#running.delete(message.id);
    this.#channel.release();
  }

  /** The thread is gone: what it had to do stays on disk for the next one. */
  #lose(why: string): void {
    const lost = [...this.#running.values()];
    this.#running.clear();
    const message = `The thread that compresses rotated files was lost: ${why}. They stay as they are until the next rotation.`;
    for (const { reject } of lost) {
      this.#channel.release();
      reject(new LogFileError("ERR_CLH_COMPRESS", message));
    }
  }
}

const thread = new SweepThread();

/** Sweeps of one handler: asked for again while one runs, it runs once more when that has ended, never twice at a time. */
export class Sweeper {
  readonly #environment: Environment;
  readonly #job: () => SweepJob;
  readonly #onEvent: OnEvent;
  readonly #onError: OnError;
  readonly #onEnd: () => void;
  #current: Promise<void> | undefined;
  #again = false;

  /** @param onEnd called when a sweep has ended, whether or not all was done */
  constructor(environment: Environment, job: () => SweepJob, onEvent: OnEvent, onError: OnError, onEnd: () => void) {
    this.#environment = environment;
    this.#job = job;
    this.#onEvent = onEvent;
    this.#onError = onError;
    this.#onEnd = onEnd;
  }

  start(): void {
    this.#again = true;
    this.#current ??= this.#run();
  }

  /** Resolves when no sweep of this handler is under way. */
  async idle(): Promise<void> {
    while (this.#current !== undefined) await this.#current;
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        // Incomplete: there are files now whose names were not yet asked for.
        if (!(await this.#sweep())) this.#again = true;
      } catch (error) {
        this.#onError("error", error as LogFileError);
      }
      this.#onEnd();
    }
    this.#current = undefined;
  }

  async #sweep(): Promise<boolean> {
    if (!this.#environment.isRehearsed) return thread.run(this.#job(), this.#onEvent, this.#onError);
    const { runSweepJob } = await import("./sweep-job.js"); // in every other program the thread alone needs it
    return runSweepJob(this.#environment, this.#job(), this.#onEvent, (warning) => this.#onError("warning", warning));
  }
}
