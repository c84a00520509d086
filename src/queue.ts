export { LogQueue, type LogQueueOptions } from "./logging/log-queue.js";
export { type LoggingQueues, setupLoggingQueues, stopQueueListeners } from "./logging/logging-queues.js";
export { QueueHandler, type RecordSink } from "./logging/queue-handler.js";
export { QueueListener, type QueueListenerOptions } from "./logging/queue-listener.js";
