// Logging configured by the ini file beside this program, which Python's logging.config.fileConfig reads as well.
import { fileConfig, getLogger } from "concurrent-log-handler/logging";

fileConfig(new URL("logging.ini", import.meta.url));

const logger = getLogger("MyExample");
for (let i = 0; i < 20; i++) logger.info("%d > An info message.", i);
