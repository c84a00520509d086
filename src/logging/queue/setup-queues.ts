import { sharedState } from "../../base/shared-state.js";
import type { WaitOptions } from "../../options/options.js";
import { Handler } from "../handlers/handler.js";
import { WARNING } from "../levels.js";
import type { Logger } from "../logger.js";
import { manager } from "../manager.js";
import { LogRecord } from "../record.js";
import { LogQueue, type LogQueueOptions } from "./log-queue.js";

/** A record on its way to handlers. */
interface Parcel {
  readonly record: LogRecord;
  readonly from: QueuedHandlers;
  /** Those of the moment of the log call. */
  readonly to: readonly Handler[];
}

/** Stands in a logger for the handlers that it had, and puts its records into the queue. */
class QueuedHandlers extends Handler {
  handlers: readonly Handler[];
  readonly #queue: LogQueue<Parcel>;
  #dropped = 0;
  #isClosed = false;

  constructor(handlers: readonly Handler[], queue: LogQueue<Parcel>) {
    super();
    this.handlers = handlers;
    this.#queue = queue;
  }

  override emit(record: LogRecord): void {
    record.settle(this.needsCaller());
    if (!this.#queue.put({ record, from: this, to: this.handlers })) this.#dropped++;
    if (this.#isClosed) this.#queue.deliverNow(); // an exit listener tells something: there is no later turn
  }

  deliver(record: LogRecord, to: readonly Handler[] = this.handlers): void {
    if (this.#dropped > 0) this.#tellDropped();
    for (const handler of to) if (record.levelno >= handler.level) handler.handle(record);
  }

  override needsCaller(): boolean {
    return this.handlers.some((handler) => handler.needsCaller());
  }

  override async flush(options?: WaitOptions): Promise<void> {
    await Promise.all(this.handlers.map((handler) => handler.flush(options)));
  }

  override flushSync(): void {
    this.#queue.deliverNow();
  }

  /** Closes those that it stands for as well, which nobody else will. */
  override close(): void {
    this.flushSync();
    this.#isClosed = true;
    for (const handler of this.handlers) handler.close();
    super.close();
  }

  /** Steps aside for those that it stands for. */
  release(): readonly Handler[] {
    super.close();
    return this.handlers;
  }

  #tellDropped(): void {
    const count = this.#dropped;
    this.#dropped = 0;
    const msg = "%d records dropped: the logging queue was full";
    this.deliver(new LogRecord("concurrent_log_handler.queue", WARNING, msg, [count]));
  }
}

/** The queue between loggers and their handlers; see {@link setupLoggingQueues}. */
export class LoggingQueues {
  readonly #queue: LogQueue<Parcel>;
  readonly #queued = new Map<Logger, QueuedHandlers>();

  /** @internal */
  constructor(options: LogQueueOptions) {
    this.#queue = new LogQueue(options);
    this.#queue.deliverTo(({ record, from, to }) => from.deliver(record, to));
  }

  /** How many records wait. */
  get pending(): number {
    return this.#queue.size;
  }

  /** How many were dropped, since the queue was full; none but with `onFull: "drop"`. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /**
   * Resolves when every record that was told before is where it belongs; rejects when a handler cannot bring it there.
   * @param options `signal`: ends the wait, with its reason; what waits is delivered all the same
   */
  async flush(options?: WaitOptions): Promise<void> {
    await this.#queue.flush(options);
    await Promise.all([...this.#queued.values()].map((handlers) => handlers.flush(options)));
  }

  /** Delivers what waits, and gives the loggers their handlers back. */
  stop(): void {
    this.#queue.deliverNow();
    for (const [logger, queued] of this.#queued) {
      const released = queued.release();
      logger.handlers = logger.handlers.flatMap((handler) => (handler === queued ? released : [handler]));
    }
    this.#queued.clear();
    if (state.active === this) state.active = undefined;
  }

  /** @internal Puts the queue before all handlers of all loggers that it is not before already. */
  adopt(): void {
    for (const logger of [manager.root, ...manager.loggers()]) {
      const queued = this.#queued.get(logger);
      const direct = logger.handlers.filter((handler) => handler !== queued);
      if (direct.length === 0) continue;
      if (queued !== undefined && logger.handlers.includes(queued)) {
        queued.handlers = [...queued.handlers, ...direct];
        logger.handlers = [queued];
      } else {
        const fresh = new QueuedHandlers(direct, this.#queue);
        this.#queued.set(logger, fresh);
        logger.handlers = [fresh];
      }
    }
  }
}

const state = sharedState<{ active: LoggingQueues | undefined }>("queues", 1, () => ({ active: undefined }));

/**
 * Puts a queue between all loggers and the handlers that they have now: log calls return without waiting for a file or
 * its lock, and the records are delivered in later turns of the event loop, in order, and when the process ends. Called
 * again, it does the same for handlers that were added meanwhile.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong option
 */
export function setupLoggingQueues(options: LogQueueOptions = {}): LoggingQueues {
  state.active ??= new LoggingQueues(options);
  state.active.adopt();
  return state.active;
}

/** Undoes {@link setupLoggingQueues}: delivers what waits, and gives the loggers their handlers back. */
export function stopQueueListeners(): void {
  state.active?.stop();
}
