import type { EventEmitter } from "node:events";
import type { HandlerEvents } from "../events/handler-events.js";
import type { HandlerJson } from "../options/handler-json.js";
import type { WaitOptions } from "../options/options.js";

/** What a stream needs of the handler that writes its records. */
export interface RecordSink extends EventEmitter<HandlerEvents> {
  write(record: string | Uint8Array): boolean;
  writeLines(lines: string | Buffer): boolean;
  readonly writableNeedDrain: boolean;
  flush(options?: WaitOptions): Promise<void>;
  flushSync(): boolean;
  toJSON(): HandlerJson;
}
