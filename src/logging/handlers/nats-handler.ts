import { makeNatsHandler } from "../../nats/late.js";
import type { NatsHandler as Stream } from "../../nats/nats-handler.js";
import type { NatsHandlerOptions } from "../../nats/nats-options.js";
import type { HandlerOptions } from "./handler.js";
import { SinkHandler } from "./sink-handler.js";

/** A handler for loggers over the one of the same name, whose options it takes: records go to a stream of NATS. */
export class NatsHandler extends SinkHandler {
  /** The stream with its events and its statistics. */
  readonly stream: Stream;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, and where the packages of NATS are missing */
  constructor({ level, formatter, ...options }: NatsHandlerOptions & HandlerOptions) {
    const stream = makeNatsHandler(options);
    super(stream, { level, formatter });
    this.stream = stream;
  }
}
