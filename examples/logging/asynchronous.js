// Log calls that do not wait for the file or its lock: records are written in later turns of the event loop.
import { basicConfig, getLogger } from "concurrent-log-handler/logging";
import { setupLoggingQueues, stopQueueListeners } from "concurrent-log-handler/queue";

basicConfig({ filename: "asynchronous.log", level: "DEBUG", format: "%(asctime)s %(levelname)s %(name)s %(message)s" });

// After logging is configured. What waits when the process ends is written then.
const queues = setupLoggingQueues();

const logger = getLogger("MyExample");
for (let i = 0; i < 20; i++) {
  logger.debug("%d > A debug message.", i);
  if (i % 2 === 0) logger.info("%d > An info message.", i);
}

await queues.flush(); // all is in the file
stopQueueListeners(); // from here on, log calls write at once again
logger.info("Done.");
