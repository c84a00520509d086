const log4js = require("log4js");

log4js.configure({
  appenders: {
    file: { type: "concurrent-log-handler/log4js", filename: "app.log", maxBytes: "10MiB", backupCount: 5 },
  },
  categories: { default: { appenders: ["file"], level: "info" } },
  disableClustering: true, // each process writes for itself
});
const logger = log4js.getLogger("example");
for (let i = 0; i < 100; i++) logger.info("record %d", i);
log4js.shutdown(() => process.stdout.write("all of them are in the file\n"));
