import bunyan from "bunyan";
import { ConcurrentRotatingFileHandler } from "concurrent-log-handler";

const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "10MiB", backupCount: 5 });
const logger = bunyan.createLogger({ name: "example", streams: [{ stream: handler.toStream() }] });
for (let i = 0; i < 100; i++) logger.info({ i }, "a record");
