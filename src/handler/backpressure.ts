import { flushAtExit } from "../platform/exit-hooks.js";
import type { RecordSink } from "./record-sink.js";

/** Who waits for which handler, in order. */
const waiting = new Map<RecordSink, (() => void)[]>();
let isExiting = false;

/**
 * Calls `callback` when the handler takes more records: at once, or when its queue has drained. When the process exits,
 * nobody waits: the queue is written first, so that what is behind it follows before the process is gone.
 */
export function whenReady(handler: RecordSink, callback: () => void): void {
  if (!handler.writableNeedDrain) {
    callback();
    return;
  }
  if (isExiting) {
    handler.flushSync();
    callback();
    return;
  }
  const callbacks = waiting.get(handler);
  if (callbacks !== undefined) {
    callbacks.push(callback);
    return;
  }
  if (waiting.size === 0) flushAtExit(everybody);
  waiting.set(handler, [callback]);
  handler.once("drain", () => goOn(handler)); // one for all: a handler may have many streams
}

/** When one of them fills the queue again, the others wait on, and it waits behind them. */
function goOn(handler: RecordSink): void {
  const callbacks = waiting.get(handler) ?? [];
  while (callbacks.length > 0 && (isExiting || !handler.writableNeedDrain)) callbacks.shift()!();
  if (callbacks.length === 0) waiting.delete(handler);
  else handler.once("drain", () => goOn(handler));
}

const everybody = {
  flushSync(): void {
    isExiting = true;
    for (const handler of waiting.keys()) {
      handler.flushSync();
      goOn(handler);
    }
  },
};
