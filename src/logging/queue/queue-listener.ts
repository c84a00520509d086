import type { WaitOptions } from "../../options/options.js";
import type { Handler } from "../handlers/handler.js";
import { addHandler, forgetHandler } from "../handlers/handler-registry.js";
import type { LogRecord } from "../record.js";
import type { LogQueue } from "./log-queue.js";

/** Options of {@link QueueListener}. */
export interface QueueListenerOptions {
  /**
   * Bring a record only to handlers whose level it reaches.
   * @default false
   */
  readonly respectHandlerLevel?: boolean;
}

/** Brings the records of a queue to handlers, off the log calls that have put them there. */
export class QueueListener {
  /** Where records come from. */
  readonly queue: LogQueue<LogRecord>;
  /** Where they go, in this order. */
  handlers: readonly Handler[];
  /** Whether handlers are given only records that reach their level. */
  readonly respectHandlerLevel: boolean;

  constructor(
    queue: LogQueue<LogRecord>,
    handlers: readonly Handler[],
    { respectHandlerLevel = false }: QueueListenerOptions = {},
  ) {
    this.queue = queue;
    queue.needsCaller = () => this.handlers.some((handler) => handler.needsCaller());
    this.handlers = handlers;
    this.respectHandlerLevel = respectHandlerLevel;
  }

  /** From now on records are delivered, with those that wait already. */
  start(): void {
    addHandler(this);
    this.queue.deliverTo((record) => this.handle(record));
  }

  /** Delivers what waits, then stops; what is put after that waits for the next `start()`. */
  stop(): void {
    this.flushSync();
    this.queue.deliverTo(undefined);
    forgetHandler(this);
  }

  /** Delivers what waits, now; done by itself when the process ends. */
  flushSync(): void {
    this.queue.deliverNow();
  }

  /** Delivers what waits, and at once what is put from now on, as exit listeners do: there may be no later turn. */
  close(): void {
    this.flushSync();
    this.queue.deliverTo((record) => this.handle(record), true);
    forgetHandler(this);
  }

  /**
   * Resolves when all that was put before is delivered, and where it belongs.
   * @param options `signal`: ends the wait, with its reason; what waits is delivered all the same
   */
  async flush(options?: WaitOptions): Promise<void> {
    await this.queue.flush(options);
    await Promise.all(this.handlers.map((handler) => handler.flush(options)));
  }

  /** Brings one record to the handlers. */
  handle(record: LogRecord): void {
    const prepared = this.prepare(record);
    for (const handler of this.handlers)
      if (!this.respectHandlerLevel || prepared.levelno >= handler.level) handler.handle(prepared);
  }

  /** For subclasses: what is to be done with a record before it is handled. */
  prepare(record: LogRecord): LogRecord {
    return record;
  }
}
