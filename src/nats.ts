export { LogFileError, type LogFileErrorCode } from "./base/errors.js";
export type { Gap } from "./collect/collector.js";
export type { HandlerEvents } from "./events/handler-events.js";
export type { HandlerStream, StreamOptions } from "./handler/stream.js";
export type { CollectNatsOptions, CollectOptions } from "./nats/collect/collect-options.js";
export { type CollectEvents, Collection, type CollectStats, collect } from "./nats/collect/collection.js";
export { NatsHandler, type NatsHandlerJson, type NatsHandlerStats } from "./nats/nats-handler.js";
export type {
  Acknowledge,
  NatsHandlerOptions,
  NatsQueueLimits,
  NatsServerOptions,
  NatsTlsOptions,
} from "./nats/nats-options.js";
export type { Duration, Overflow, Size, WaitOptions } from "./options/options.js";
