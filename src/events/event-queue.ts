import { AsyncResource } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import type { EventEmitter } from "node:events";
import { inspect } from "node:util";
import type { LogFileError } from "../base/errors.js";
import { writeToStandardError } from "../platform/standard-error.js";
import { type HandlerEvents, NAMES, type Tell } from "./handler-events.js";

const CHANNELS = new Map(NAMES.map((name) => [name, channel(`concurrent-log-handler:${name}`)]));

/** Emits a warning or an error, or tells it on standard error when nobody listens. */
export function report(handler: EventEmitter<HandlerEvents>, type: "warning" | "error", error: LogFileError): void {
  if (handler.listenerCount(type) > 0) handler.emit(type, error);
  else writeToStandardError(`concurrent-log-handler: ${error.message} [${error.code}]\n`);
}

/**
 * The events of one handler, and what else follows, in their order: held back while a listener would disturb by writing.
 * All of it runs in the async context in which the handler was made, not in that of the request that happened to log.
 */
export class News {
  readonly #handler: EventEmitter<HandlerEvents>;
  readonly #trace: ((message: string) => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  readonly #context = new AsyncResource("concurrent-log-handler");
  /** True while the lock is held, and while a delivery has records in hand. */
  isHeld = false;

  constructor(handler: EventEmitter<HandlerEvents>, trace?: (message: string) => void) {
    this.#handler = handler;
    this.#trace = trace;
  }

  /** Errors and warnings as {@link report} does. */
  readonly tell: Tell = (name, ...payload) => {
    this.#trace?.(`${name} ${inspect(payload[0], { breakLength: Number.POSITIVE_INFINITY })}`);
    this.add(() => {
      const told = CHANNELS.get(name)!;
      if (told.hasSubscribers) told.publish({ handler: this.#handler, payload: payload[0] });
      if (name === "error" || name === "warning") report(this.#handler, name, payload[0] as LogFileError);
      else (this.#handler as EventEmitter).emit(name, ...payload);
    });
  };

  add(news: () => void): void {
    this.#waiting.push(news);
    this.catchUp();
  }

  /** Tells what was held back, unless it still is. */
  catchUp(): void {
    while (!this.isHeld && this.#waiting.length > 0) this.#context.runInAsyncScope(this.#waiting.shift()!);
  }
}
