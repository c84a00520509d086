import { setImmediate } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import type { LogFileError } from "../../base/errors.js";
import type { HandlerEvents } from "../../events/handler-events.js";
import type { ConcurrentFileHandler } from "../../handler/file-handler.js";
import { ConcurrentRotatingFileHandler } from "../../handler/rotating-file-handler.js";
import { ConcurrentTimedRotatingFileHandler } from "../../handler/timed-rotating-file-handler.js";
import type { HandlerJson } from "../../options/handler-json.js";
import { type Environment, systemEnvironment } from "../../platform/environment.js";
import { COUNTS } from "../../writer/stats.js";
import type { Pump } from "../source.js";
import { RingReader } from "./ring-reader.js";
import type { FarError, FarJob, FromFar, ToFar } from "./thread.js";

/* The thread of delivery `background`: for each log a handler that writes what it finds in a ring. */

type Outgoing = FromFar extends infer Message ? (Message extends unknown ? Omit<Message, "id"> : never) : never;

// After records have come, more are looked for so many times, a millisecond apart, before the other thread must wake
// this one: that takes it longer than a hundred records.
const LOOKS = 10;
const BETWEEN_LOOKS = 1;
const EVENTS = [
  "rotated",
  "compressed",
  "removed",
  "recovered",
  "drop",
] as const satisfies readonly (keyof HandlerEvents)[];

class FarLog {
  readonly #reader: RingReader;
  readonly #handler: ConcurrentFileHandler;
  readonly #environment = systemEnvironment();
  readonly #counts: Float64Array;
  readonly #send: (message: Outgoing) => void;
  #pump: Pump | undefined;
  #isClosed = false;

  constructor({ json, memory, maxBatchBytes }: FarJob, send: (message: Outgoing) => void) {
    this.#send = send;
    this.#reader = new RingReader(memory, maxBatchBytes);
    this.#counts = new Float64Array(memory.counts);
    const source = {
      queue: this.#reader,
      attach: (pump: Pump) => {
        this.#pump = pump;
      },
      onProgress: () => this.#proceed(),
    };
    this.#handler = makeHandler(json, { ...this.#environment, source });
    for (const name of EVENTS) this.#handler.on(name, (payload: unknown) => send({ type: "event", name, payload }));
    for (const type of ["error", "warning"] as const)
      this.#handler.on(type, (error) => send({ type, error: toFar(error) }));
  }

  /** Until it is closed. */
  async serve(): Promise<void> {
    const { clock } = this.#environment;
    let looks = 0;
    while (!this.#isClosed) {
      if (looks === 0) await this.#reader.sleep();
      const isNew = this.#reader.count > 0;
      if (!this.#pump!.isStuck) this.#pump!.run();
      looks = isNew ? LOOKS : Math.max(0, looks - 1);
      if (looks > 0 || this.#pump!.isStuck) await clock.delay(BETWEEN_LOOKS);
      else await setImmediate(); // timers and messages have their turn
    }
    this.#handler.close();
  }

  async swept(): Promise<void> {
    await this.#handler.swept();
    this.#send({ type: "swept" });
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.wake();
  }

  #proceed(): void {
    const stats = this.#handler.stats();
    for (const [i, name] of COUNTS.entries()) this.#counts[i] = stats[name];
    if (this.#reader.tellProgress(this.#pump!.spilled)) this.#send({ type: "progress" });
  }
}

function makeHandler({ type: _, ...options }: HandlerJson, environment: Environment): ConcurrentFileHandler {
  return "when" in options
    ? new ConcurrentTimedRotatingFileHandler(options, undefined, environment)
    : new ConcurrentRotatingFileHandler(options, undefined, environment);
}

function toFar({ code, message, path, cause }: LogFileError): FarError {
  const reason =
    cause instanceof Error ? { message: cause.message, code: (cause as NodeJS.ErrnoException).code } : undefined;
  return { code, message, path, cause: reason };
}

const logs = new Map<number, FarLog>();

parentPort!.on("message", (message: ToFar) => {
  const { id } = message;
  switch (message.type) {
    case "open": {
      const log = new FarLog(message.job, (outgoing) => parentPort!.postMessage({ id, ...outgoing }));
      logs.set(id, log);
      void log.serve().then(() => logs.delete(id));
      return;
    }
    case "swept":
      void (logs.get(id)?.swept() ?? parentPort!.postMessage({ id, type: "swept" }));
      return;
    case "close":
      logs.get(id)?.close();
  }
});
