import { AsyncResource } from "node:async_hooks";
import { type Worker, type WorkerOptions, workerData } from "node:worker_threads";
import { LogFileError, type LogFileErrorCode } from "../base/errors.js";
import { hasCode, isError } from "../base/system-errors.js";

export interface WorkerObserver<Incoming> {
  readonly onMessage: (message: Incoming) => void;
  /** Told once that the thread has ended; what is posted afterwards starts another one. */
  readonly onLost: (why: string) => void;
}

interface OurData {
  readonly threadOfConcurrentLogHandler?: string;
}

/**
 * The name of this thread when it is one of ours. What a program preloads (`--import`, `--require`, NODE_OPTIONS) runs in
 * these as well, and a handler that is made there must start no further one.
 */
export const nameOfOurThread: string | undefined = (workerData as OurData | null)?.threadOfConcurrentLogHandler;

// Whoever happens to need a thread first is not to be remembered by it: async contexts hold requests in memory.
const nobody = new AsyncResource("concurrent-log-handler");

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
    this.#worker ??= nobody.runInAsyncScope(() => this.#open());
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
    const workerData: OurData = { threadOfConcurrentLogHandler: this.#name };
    const worker = startWith(this.#start, { name: this.#name, workerData, ...withoutInputType() });
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

const INPUT_TYPE = "--input-type";
// In NODE_OPTIONS, where blanks are between options and double quotes around blanks (node(1)).
const INPUT_TYPE_IN_TEXT = /(?<=^|\s)"?--input-type(?:=|"?\s+"?)\S+/g;

/**
 * `--input-type` is said of code that `--eval` or standard input has, and refused for a file. What else there is, on the
 * command line or in NODE_OPTIONS, a thread inherits: loaders and agents need it.
 */
function withoutInputType(): Pick<WorkerOptions, "execArgv" | "env"> {
  const { execArgv, env } = process;
  const kept = execArgv.filter((one, i) => !one.startsWith(INPUT_TYPE) && execArgv[i - 1] !== INPUT_TYPE);
  const inherited = env.NODE_OPTIONS;
  return {
    ...(kept.length < execArgv.length && { execArgv: kept }),
    ...(inherited?.includes(INPUT_TYPE) && {
      env: { ...env, NODE_OPTIONS: inherited.replace(INPUT_TYPE_IN_TEXT, "") },
    }),
  };
}

/** Flags that are those of the whole process are refused where they are given, though a thread inherits them. */
function startWith(start: (options: WorkerOptions) => Worker, options: WorkerOptions): Worker {
  try {
    return start(options);
  } catch (error) {
    if (!hasCode(error, "ERR_WORKER_INVALID_EXEC_ARGV")) throw error;
    const refused = new Set((error as Error).message.replace(/^.*?: /, "").split(", "));
    const execArgv = options.execArgv!.filter((one) => !refused.has(one));
    if (execArgv.length === options.execArgv!.length) throw error;
    return startWith(start, { ...options, execArgv });
  }
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
