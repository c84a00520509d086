import { Worker } from "node:worker_threads";
import { LogFileError, type LogFileErrorCode } from "../../base/errors.js";
import type { HandlerEvents, Tell } from "../../events/handler-events.js";
import type { HandlerJson } from "../../options/handler-json.js";
import type { RingMemory } from "./ring.js";

/* The thread of delivery `background`, seen from the one that logs. Its other half is worker.ts. */

/** From what the other thread makes a handler; crosses to it by structured clone. */
export interface FarJob {
  readonly json: HandlerJson;
  readonly memory: RingMemory;
  /** Bytes. */
  readonly maxBatchBytes: number;
}

export type ToFar = { readonly id: number } & (
  | { readonly type: "open"; readonly job: FarJob }
  | { readonly type: "swept" | "close" }
);

/** An error that has crossed between threads. */
export interface FarError {
  readonly code: LogFileErrorCode;
  readonly message: string;
  readonly path: string | undefined;
  readonly cause: { readonly message: string; readonly code: string | undefined } | undefined;
}

export type FromFar = { readonly id: number } & (
  | { readonly type: "event"; readonly name: keyof HandlerEvents; readonly payload: unknown }
  | { readonly type: "error" | "warning"; readonly error: FarError }
  | { readonly type: "progress" | "swept" }
);

export interface FarObserver {
  readonly tell: Tell;
  readonly onProgress: () => void;
  /** The thread has ended. */
  readonly onLost: (why: string) => void;
}

/** A handler in the other thread. */
export class FarHandler {
  readonly #thread: BackgroundThread;
  readonly #id: number;

  constructor(thread: BackgroundThread, id: number) {
    this.#thread = thread;
    this.#id = id;
  }

  /** Resolves when it compresses nothing any more. */
  swept(): Promise<void> {
    return this.#thread.swept(this.#id);
  }

  close(): void {
    this.#thread.close(this.#id);
  }
}

/** One for all handlers of this thread, started when first needed. By itself it keeps no process alive. */
class BackgroundThread {
  #worker: Worker | undefined;
  #lastId = 0;
  #holds = 0;
  readonly #observers = new Map<number, FarObserver>();
  readonly #sweeps = new Map<number, { promise: Promise<void>; resolve: () => void }>();

  open(job: FarJob, observer: FarObserver): FarHandler {
    const id = ++this.#lastId;
    this.#observers.set(id, observer);
    try {
      this.#post({ type: "open", id, job });
    } catch (error) {
      this.#observers.delete(id);
      observer.onLost((error as Error).message); // such as Node's permission model, without --allow-worker
    }
    return new FarHandler(this, id);
  }

  close(id: number): void {
    if (this.#observers.delete(id)) this.#post({ type: "close", id });
  }

  async swept(id: number): Promise<void> {
    if (!this.#observers.has(id)) return;
    let sweep = this.#sweeps.get(id);
    if (sweep === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      sweep = { promise, resolve };
      this.#sweeps.set(id, sweep);
      this.#hold(true);
      this.#post({ type: "swept", id });
    }
    await sweep.promise;
  }

  /** Keeps the process alive. */
  #hold(isHeld: boolean): void {
    this.#holds += isHeld ? 1 : -1;
    if (this.#holds > 0) this.#worker?.ref();
    else this.#worker?.unref();
  }

  #post(message: ToFar): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.js", import.meta.url), {
      name: "clh-background",
      ...execArgvOfWorker(),
    });
    worker.on("message", (message: FromFar) => this.#receive(message));
    worker.on("error", (error) => this.#lose(worker, error.message));
    worker.on("exit", (code) => this.#lose(worker, `it ended with code ${code}`));
    if (this.#holds === 0) worker.unref(); // after the listeners, which keep it
    return worker;
  }

  #receive(message: FromFar): void {
    if (message.type === "swept") {
      this.#endSweep(message.id);
      return;
    }
    const observer = this.#observers.get(message.id);
    if (observer === undefined) return; // it was closed
    switch (message.type) {
      case "progress":
        observer.onProgress();
        return;
      case "error":
      case "warning":
        observer.tell(message.type, toError(message.error));
        return;
      case "event":
        observer.tell(message.name, ...([message.payload] as never));
        if (message.name === "rotated") void this.swept(message.id); // the process stays until it is compressed
    }
  }

  #endSweep(id: number): void {
    this.#sweeps.get(id)?.resolve();
    if (this.#sweeps.delete(id)) this.#hold(false);
  }

  #lose(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const id of [...this.#sweeps.keys()]) this.#endSweep(id);
    const lost = [...this.#observers.values()];
    this.#observers.clear();
    for (const { onLost } of lost) onLost(why);
  }
}

function toError({ code, message, path, cause }: FarError): LogFileError {
  return new LogFileError(code, message, {
    ...(path !== undefined && { path }),
    ...(cause !== undefined && { cause: Object.assign(new Error(cause.message), { code: cause.code }) }),
  });
}

/** `--input-type` is said of the code that `--eval` has, and refused for a file. What else there is, a thread inherits. */
function execArgvOfWorker(): { execArgv?: string[] } {
  const at = process.execArgv.findIndex((argument) => argument.startsWith("--input-type"));
  if (at < 0) return {};
  return { execArgv: process.execArgv.toSpliced(at, process.execArgv[at]!.includes("=") ? 1 : 2) };
}

const thread = new BackgroundThread();

/** Makes a handler in the other thread, which writes what is put into the ring. */
export function farHandlerFor(job: FarJob, observer: FarObserver): FarHandler {
  return thread.open(job, observer);
}
