import { Worker } from "node:worker_threads";
import { advice, reason } from "../../base/system-errors.js";
import type { HandlerEvents, Tell } from "../../events/handler-events.js";
import type { ResolvedOptions } from "../../options/resolved-options.js";
import { deserializeError, type ErrorData, WorkerChannel } from "../../platform/worker-channel.js";
import type { RingMemory } from "./ring.js";

/* The thread of delivery `background`, seen from the one that logs. Its other half is worker.ts. */

/** From what the other thread makes a writer; crosses to it by structured clone. */
export interface FarJob {
  /** Without functions, which cannot cross. */
  readonly options: ResolvedOptions;
  readonly memory: RingMemory;
  /** Bytes. */
  readonly maxBatchBytes: number;
}

export type ToFar = { readonly id: number } & (
  | { readonly type: "open"; readonly job: FarJob }
  | { readonly type: "swept" | "close" }
);

export type FromFar = { readonly id: number } & (
  | { readonly type: "event"; readonly name: keyof HandlerEvents; readonly payload: unknown }
  | { readonly type: "error" | "warning"; readonly error: ErrorData }
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

  /** Ends the thread, which shows no sign of life; its other handlers are told that it is lost when it has ended. */
  terminate(): void {
    this.#thread.terminate(this.#id);
  }
}

/** One for all handlers of this thread, started when first needed. By itself it keeps no process alive. */
class BackgroundThread {
  readonly #channel = new WorkerChannel<ToFar, FromFar>(
    (options) => new Worker(new URL("./worker.js", import.meta.url), options),
    "clh-background",
    { onMessage: (message) => this.#receive(message), onLost: (why) => this.#lose(why) },
  );
  #lastId = 0;
  readonly #observers = new Map<number, FarObserver>();
  readonly #sweeps = new Map<number, { promise: Promise<void>; resolve: () => void }>();

  open(job: FarJob, observer: FarObserver): FarHandler {
    const id = ++this.#lastId;
    this.#observers.set(id, observer);
    try {
      this.#channel.post({ type: "open", id, job });
    } catch (error) {
      this.#observers.delete(id);
      observer.onLost(`${reason(error)}. ${advice(error)}`.trim().replace(/\.$/, "")); // such as Node's permission model, without --allow-worker
    }
    return new FarHandler(this, id);
  }

  close(id: number): void {
    if (this.#observers.delete(id)) this.#channel.post({ type: "close", id });
  }

  terminate(id: number): void {
    this.#observers.delete(id);
    this.#endSweep(id);
    this.#channel.terminate();
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
      this.#channel.hold();
      this.#channel.post({ type: "swept", id });
    }
    await sweep.promise;
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
        observer.tell(message.type, deserializeError(message.error));
        return;
      case "event":
        observer.tell(message.name, ...([message.payload] as never));
        if (message.name === "rotated") void this.swept(message.id); // the process stays until it is compressed
    }
  }

  #endSweep(id: number): void {
    this.#sweeps.get(id)?.resolve();
    if (this.#sweeps.delete(id)) this.#channel.release();
  }

  #lose(why: string): void {
    for (const id of [...this.#sweeps.keys()]) this.#endSweep(id);
    const lost = [...this.#observers.values()];
    this.#observers.clear();
    for (const { onLost } of lost) onLost(why);
  }
}

const thread = new BackgroundThread();

/** Makes a handler in the other thread, which writes what is put into the ring. */
export function farHandlerFor(job: FarJob, observer: FarObserver): FarHandler {
  return thread.open(job, observer);
}
