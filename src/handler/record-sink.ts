import type { EventEmitter } from "node:events";
import type { HandlerEvents } from "../events/handler-events.js";
import type { WaitOptions } from "../options/options.js";

/** What a stream needs of the handler that writes its records. */
export interface RecordSink extends EventEmitter<HandlerEvents> {
  /** Appends one record; false when it is not in the file, or the caller should pause until `drain`. */
  write(record: string | Uint8Array): boolean;
  /** As `write`, of each line of text, or of bytes in UTF-8 for a log in UTF-8. */
  writeLines(lines: string | Buffer): boolean;
  /** True after `write` has asked for a pause, until `drain`. */
  readonly writableNeedDrain: boolean;
  /**
   * Resolves when every record written before is in the file.
   * @param options `signal`: ends the wait, with its reason
   * @throws {LogFileError} `ERR_CLH_FLUSH` when one cannot be written
   */
  flush(options?: WaitOptions): Promise<void>;
  /** Writes what is kept in memory, waiting for the lock; true when nothing is left. */
  flushSync(): boolean;
  /** The options from which another process can make the same handler. */
  toJSON(): Readonly<Record<string, unknown>>;
}
