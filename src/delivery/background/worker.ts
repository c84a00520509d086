import { EventEmitter } from "node:events";
import { parentPort } from "node:worker_threads";
import { News } from "../../events/event-queue.js";
import type { HandlerEvents } from "../../events/handler-events.js";
import { tracer } from "../../events/trace.js";
import { nextTurn } from "../../platform/clock.js";
import { systemEnvironment } from "../../platform/environment.js";
import { serializeError } from "../../platform/worker-channel.js";
import { LogWriter } from "../../writer/log-writer.js";
import { COUNTS } from "../../writer/stats.js";
import { Drain } from "../queue-drain.js";
import { RingReader } from "./ring-reader.js";
import type { FarJob, FromFar, ToFar } from "./thread.js";

/* The thread of delivery `background`: for each log a writer of what is in its ring. */

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
  readonly #writer: LogWriter;
  readonly #drain: Drain;
  readonly #counts: Float64Array;
  readonly #send: (message: Outgoing) => void;
  #isClosed = false;

  constructor({ options, memory, maxBatchBytes }: FarJob, send: (message: Outgoing) => void) {
    this.#send = send;
    this.#reader = new RingReader(memory, maxBatchBytes);
    this.#counts = new Float64Array(memory.counts);
    const events = new EventEmitter<HandlerEvents>();
    this.#writer = new LogWriter(options, systemEnvironment(), new News(events, tracer(options.debug)));
    this.#drain = new Drain(this.#writer, this.#reader, {
      onProgress: () => this.#proceed(),
      onLost: (count) => this.#writer.noteDrop(count),
    });
    for (const name of EVENTS) events.on(name, (payload: unknown) => send({ type: "event", name, payload }));
    for (const type of ["error", "warning"] as const)
      events.on(type, (error) => send({ type, error: serializeError(error) }));
  }

  /** Until it is closed. */
  async serve(): Promise<void> {
    const { clock } = this.#writer;
    let looks = 0;
    while (!this.#isClosed) {
      if (looks === 0) await this.#reader.sleep();
      const isNew = this.#reader.count > 0;
      if (!this.#drain.isStuck) this.#drain.run();
      looks = isNew ? LOOKS : Math.max(0, looks - 1);
      if (looks > 0 || this.#drain.isStuck) await clock.delay(BETWEEN_LOOKS);
      else await nextTurn(); // timers and messages have their turn
    }
    const isDone = this.#drain.run();
    this.#writer.close();
    if (isDone) this.#reader.leave(); // else it tries again
  }

  /** When all is written that can be, too: that may bring a rotation with it. */
  async swept(): Promise<void> {
    const { clock } = this.#writer;
    while (this.#reader.count > 0 && !this.#drain.isStuck && !this.#isClosed) await clock.delay(BETWEEN_LOOKS);
    await this.#writer.whenSwept();
    this.#send({ type: "swept" });
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.wake();
  }

  #proceed(): void {
    const { counts } = this.#writer;
    for (const [i, name] of COUNTS.entries()) this.#counts[i] = counts[name];
    if (this.#reader.tellProgress(this.#drain.spilled)) this.#send({ type: "progress" });
  }
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
