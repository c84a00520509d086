import { configureSync, getLogger } from "@logtape/logtape";
import { getConcurrentRotatingFileSink } from "concurrent-log-handler/logtape";

configureSync({
  sinks: { file: getConcurrentRotatingFileSink("app.log", { maxBytes: "10MiB", backupCount: 5 }) },
  loggers: [
    { category: ["example"], sinks: ["file"], lowestLevel: "info" },
    { category: ["logtape", "meta"], sinks: ["file"], lowestLevel: "warning" },
  ],
});
const logger = getLogger(["example"]);
for (let i = 0; i < 100; i++) logger.info("record {i}", { i });
