import { flushAtExit } from "./delivery/at-exit.js";
import type { ConcurrentFileHandler } from "./handler.js";

/** Who waits for which handler. */
const waiting = new Map<() => void, ConcurrentFileHandler>();
let isExiting = false;

/**
 * Calls `callback` when the handler takes more records: at once, or when its queue has drained. When the process exits,
 * nobody waits: the queue is written first, so that what is behind it follows before the process is gone.
 */
export function whenReady(handler: ConcurrentFileHandler, callback: () => void): void {
  if (!handler.writableNeedDrain) {
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
  if (waiting.size === 0) flushAtExit(everybody);
  waiting.set(goOn, handler);
  handler.once("drain", goOn);
}

const everybody = {
  flushSync(): void {
    isExiting = true;
    for (const [goOn, handler] of waiting) {
      handler.flushSync();
      goOn();
    }
  },
};
