const { Console } = require("node:console");
const { ConcurrentRotatingFileHandler } = require("concurrent-log-handler");

const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "10MiB", backupCount: 5 });
const logger = new Console(handler.toStream());
for (let i = 0; i < 100; i++) logger.log("record %d", i);
logger.error(new Error("its stack stays in one piece"));
