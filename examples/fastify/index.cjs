const { pinoDestination } = require("concurrent-log-handler/pino");
const { fastify } = require("fastify");

const app = fastify({
  logger: { stream: pinoDestination({ filename: "app.log", maxBytes: "10MiB", backupCount: 5 }) },
});
app.get("/", () => "hello");

async function main() {
  for (let i = 0; i < 100; i++) await app.inject("/");
  await app.close();
}
main();
