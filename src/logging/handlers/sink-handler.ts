import type { WaitOptions } from "../../options/options.js";
import type { LogRecord } from "../record.js";
import { Handler, type HandlerOptions } from "./handler.js";

/** The part of a handler without levels that the handlers for loggers need. */
interface Sink {
  write(record: string): boolean;
  flush(options?: WaitOptions): Promise<void>;
  flushSync(): boolean;
  close(): void;
}

/** Formats records, and gives them to a handler that knows nothing of levels. */
export abstract class SinkHandler extends Handler {
  readonly #sink: Sink;

  protected constructor(sink: Sink, options: HandlerOptions) {
    super(options);
    this.#sink = sink;
  }

  override emit(record: LogRecord): void {
    this.#sink.write(this.format(record));
  }

  /**
   * Resolves when all that was emitted is in the file; for NATS, when all is acknowledged in the sense of the option `acknowledge`.
   * @param options `signal`: ends the wait, with its reason; what waits is written all the same
   * @throws {LogFileError} as `flush()` of the file or the stream
   */
  override flush(options?: WaitOptions): Promise<void> {
    return this.#sink.flush(options);
  }

  override flushSync(): void {
    this.#sink.flushSync();
  }

  override close(): void {
    this.#sink.close();
    super.close();
  }
}
