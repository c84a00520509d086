import cluster from "node:cluster";
import { ConcurrentRotatingFileHandler } from "concurrent-log-handler";

if (cluster.isPrimary) for (let i = 0; i < 4; i++) cluster.fork();
else {
  const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "4KiB", backupCount: 1000 });
  for (let i = 0; i < 100; i++) handler.write(`worker ${cluster.worker?.id} record ${i}`);
  process.exit();
}
