export { LogFileError, type LogFileErrorCode } from "./base/errors.js";
export type { HandlerEvents } from "./events/handler-events.js";
export type { HandlerStream, StreamOptions } from "./handler/stream.js";
export { NatsHandler, type NatsHandlerJson, type NatsHandlerStats } from "./nats/nats-handler.js";
export type {
  Acknowledge,
  NatsHandlerOptions,
  NatsQueueLimits,
  NatsServerOptions,
  NatsTlsOptions,
} from "./nats/nats-options.js";
export type { Duration, Overflow, Size, WaitOptions } from "./options/options.js";
