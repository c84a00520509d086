// Logging configured by one object, the same as Python's logging.config.dictConfig takes.
import { dictConfig, getLogger } from "concurrent-log-handler/logging";

dictConfig({
  version: 1,
  disable_existing_loggers: false,
  formatters: {
    default: { format: "%(asctime)s %(levelname)s %(name)s %(message)s" },
    example2: { format: "[%(asctime)s][%(levelname)s][%(filename)s:%(lineno)s][%(process)d][%(message)s]" },
  },
  handlers: {
    my_concurrent_log: {
      level: "DEBUG",
      class: "concurrent_log_handler.ConcurrentRotatingFileHandler",
      formatter: "example2",
      filename: "example.log",
      chmod: 0o660,
      // Far too little for anything but to see it rotate; "10MiB" would be sensible.
      maxBytes: 240,
      backupCount: 20,
    },
  },
  root: { handlers: ["my_concurrent_log"], level: "DEBUG" },
});

const logger = getLogger("MyExample");
for (let i = 0; i < 20; i++) {
  logger.debug("%d > A debug message.", i);
  if (i % 2 === 0) logger.info("%d > An info message.", i);
}
