import type { Worker, WorkerOptions } from "node:worker_threads";
import { isError, LogFileError, type LogFileErrorCode } from "../base/errors.js";

export interface WorkerObserver<Incoming> {
  readonly onMessage: (message: Incoming) => void;
  /** Told once that the thread has ended; what is posted afterwards starts another one. */
  readonly onLost: (why: string) => void;
}

/** A thread of ours: started when first needed, and keeping the process alive only while somebody holds it. */
export class WorkerChannel<Outgoing, Incoming> {
  readonly #start: (options: WorkerOptions) => Worker;
  readonly #name: string;
  readonly #observer: WorkerObserver<Incoming>;
  #worker: Worker | undefined;
  #holds = 0;

  /** @param start makes the worker: its URL must stand in the caller's code, where bundlers and tracers look for it */
  constructor(start: (options: WorkerOptions) => Worker, name: string, observer: WorkerObserver<Incoming>) {
    this.#start = start;
    this.#name = name;
    this.#observer = observer;
  }

  /** @throws where no thread can be started, such as under Node's permission model without `--allow-worker` */
  post(message: Outgoing): void {
    this.#worker ??= this.#open();
    this.#worker.postMessage(message);
  }

  /** Keeps the process alive until {@link release} was called as often. */
  hold(): void {
    if (this.#holds++ === 0) this.#worker?.ref();
  }

  release(): void {
    if (--this.#holds === 0) this.#worker?.unref();
  }

  /** Ends the thread as soon as it returns from what it does; {@link WorkerObserver.onLost} is told then. */
  terminate(): void {
    void this.#worker?.terminate();
  }

  #open(): Worker {
    const worker = this.#start({ name: this.#name, ...execArgvOfWorker() });
    worker.on("message", (message: Incoming) => this.#observer.onMessage(message));
    worker.on("error", (error) => this.#lose(worker, error.message));
    worker.on("exit", (code) => this.#lose(worker, `it ended with code ${code}`));
    if (this.#holds === 0) worker.unref(); // after the listeners, which keep it
    return worker;
  }

  #lose(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#observer.onLost(why);
  }
}

/** `--input-type` is said of the code that `--eval` has, and refused for a file. What else there is, a thread inherits. */
function execArgvOfWorker(): { execArgv?: string[] } {
  const at = process.execArgv.findIndex((argument) => argument.startsWith("--input-type"));
  if (at < 0) return {};
  return { execArgv: process.execArgv.toSpliced(at, process.execArgv[at]!.includes("=") ? 1 : 2) };
}

/** An error that crosses between threads. */
export interface ErrorData {
  readonly code: LogFileErrorCode;
  readonly message: string;
  readonly path: string | undefined;
  readonly cause: { readonly message: string; readonly code: string | undefined } | undefined;
}

export function serializeError({ code, message, path, cause }: LogFileError): ErrorData {
  const reason = isError(cause) ? { message: cause.message, code: (cause as NodeJS.ErrnoException).code } : undefined;
  return { code, message, path, cause: reason };
}

export function deserializeError({ code, message, path, cause }: ErrorData): LogFileError {
  return new LogFileError(code, message, {
    ...(path !== undefined && { path }),
    ...(cause !== undefined && { cause: Object.assign(new Error(cause.message), { code: cause.code }) }),
  });
}
