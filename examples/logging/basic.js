// One logger, one file that other processes may write as well. Run it several times at once: node basic.js & node basic.js
import { ConcurrentRotatingFileHandler, Formatter, getLogger } from "concurrent-log-handler/logging";

const handler = new ConcurrentRotatingFileHandler("basic.log", { maxBytes: "1MiB", backupCount: 5 });
handler.setFormatter(new Formatter("[%(asctime)s][%(levelname)s][%(filename)s:%(lineno)s][%(process)d][%(message)s]"));

const logger = getLogger("MyExample");
logger.setLevel("DEBUG");
logger.addHandler(handler);

for (let i = 0; i < 20; i++) {
  logger.debug("%d > A debug message.", i);
  if (i % 2 === 0) logger.info("%d > An info message.", i);
}
