const { pinoDestination } = require("concurrent-log-handler/pino");
const { pino } = require("pino");

// In a worker thread: logging costs the service no time for files.
const threaded = pino({
  transport: {
    target: "concurrent-log-handler/pino",
    options: { filename: "thread.log", maxBytes: "10MiB", backupCount: 5, useGzip: true },
  },
});
threaded.info("written by pino's thread");

// In the process itself: the record is in the file when the call returns, whatever happens next.
const destination = pinoDestination({ filename: "app.log", when: "midnight", maxAge: "14d" });
destination.handler.on("rotated", ({ from, to }) => process.stdout.write(`${from} is now ${to}\n`));
const logger = pino(destination);
for (let i = 0; i < 100; i++) logger.info({ i }, "written by the process");
