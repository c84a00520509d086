// Names of backups by a function of one's own: namer_test_2024_05_17_(1).log
import { ConcurrentRotatingFileHandler, getLogger } from "concurrent-log-handler/logging";

const today = new Date().toISOString().slice(0, 10).replaceAll("-", "_");

/** "…/namer_test.log.1" -> "…/namer_test_2024_05_17_(1).log" */
function namer(defaultName) {
  const [, name, n] = /^(.*)\.log\.(\d+)$/.exec(defaultName);
  return `${name}_${today}_(${n}).log`;
}

const logger = getLogger("MyExample");
logger.setLevel("DEBUG");
logger.addHandler(new ConcurrentRotatingFileHandler("namer_test.log", { maxBytes: 512, backupCount: 2, namer }));

for (let i = 0; i < 50; i++) {
  logger.debug("%d > A debug message.", i);
  if (i % 2 === 0) logger.info("%d > An info message.", i);
}
