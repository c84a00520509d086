import { fileConfig, getLogger } from "concurrent-log-handler/logging";

fileConfig(new URL("logging.ini", import.meta.url));

const logger = getLogger("node");
for (let i = 0; i < 2000; i++) logger.info("record %d of %s", i, "Node");
