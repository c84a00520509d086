export { LogQueue, type LogQueueOptions } from "./logging/queue/log-queue.js";
export { QueueHandler, type RecordSink } from "./logging/queue/queue-handler.js";
export { QueueListener, type QueueListenerOptions } from "./logging/queue/queue-listener.js";
export { type LoggingQueues, setupLoggingQueues, stopQueueListeners } from "./logging/queue/setup-queues.js";
export type { WaitOptions } from "./options/options.js";
