import type { EventEmitter } from "node:events";
import type { ConcurrentFileHandler } from "./handler.js";

/** Of a delivery that queues: true from a `write` that filled the queue until its `drain` event. */
interface Queueing {
  readonly writableNeedDrain?: boolean;
}

/** Who waits for which handler. */
const waiting = new Map<() => void, ConcurrentFileHandler>();
let isExiting = false;

/**
 * Calls `callback` when the handler takes more records: at once, or when its queue has drained. When the process exits,
 * nobody waits: the queue is written first, so that what is behind it follows before the process is gone.
 */
export function whenReady(handler: ConcurrentFileHandler, callback: () => void): void {
  if ((handler as Queueing).writableNeedDrain !== true) {
    callback();
    return;
  }
  if (isExiting) {
    handler.flushSync();
    callback();
    return;
  }
  const goOn = () => {
    if (waiting.delete(goOn)) callback();
  };
  if (waiting.size === 0) process.once("exit", atExit);
  waiting.set(goOn, handler);
  (handler as EventEmitter).once("drain", goOn);
}

function atExit(): void {
  isExiting = true;
  for (const [goOn, handler] of waiting) {
    handler.flushSync();
    goOn();
  }
}
