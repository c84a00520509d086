import { pinoDestination } from "concurrent-log-handler/pino";
import { fastify } from "fastify";

const app = fastify({
  logger: { stream: pinoDestination({ filename: "app.log", maxBytes: "10MiB", backupCount: 5 }) },
});
app.get("/", () => "hello");
for (let i = 0; i < 100; i++) await app.inject("/");
await app.close();
