import { ConcurrentFileTransport } from "concurrent-log-handler/winston";
import winston from "winston";

const logger = winston.createLogger({
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  transports: [new ConcurrentFileTransport({ filename: "app.log", maxBytes: "10MiB", backupCount: 5, useGzip: true })],
});
for (let i = 0; i < 100; i++) logger.info("a record", { i });
logger.on("finish", () => process.stdout.write("all of them are in the file\n"));
logger.end();
