import { makeNatsHandler } from "../../nats/late.js";
import type { NatsHandler as Stream } from "../../nats/nats-handler.js";
import type { NatsHandlerOptions } from "../../nats/nats-options.js";
import type { WaitOptions } from "../../options/options.js";
import type { LogRecord } from "../record.js";
import { Handler, type HandlerOptions } from "./handler.js";

/** A handler for loggers over the one of the same name, whose options it takes: records go to a stream of NATS. */
export class NatsHandler extends Handler {
  /** The stream with its events and its statistics. */
  readonly stream: Stream;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, and where the packages of NATS are missing */
  constructor({ level, formatter, ...options }: NatsHandlerOptions & HandlerOptions) {
    super({ level, formatter });
    this.stream = makeNatsHandler(options);
  }

  override emit(record: LogRecord): void {
    this.stream.write(this.format(record));
  }

  /**
   * Resolves when all that was emitted is acknowledged, in the sense of the option `acknowledge`.
   * @param options `signal`: ends the wait, with its reason; what waits is sent all the same
   * @throws {LogFileError} as `flush()` of the stream
   */
  override flush(options?: WaitOptions): Promise<void> {
    return this.stream.flush(options);
  }

  override flushSync(): void {
    this.stream.flushSync();
  }

  override close(): void {
    this.stream.close();
    super.close();
  }
}
