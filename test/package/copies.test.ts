import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { installed, pack } from "../support/package.js";

/* One process that has the package three times: by import, by require, and as another installation of it. */

const NAME = "concurrent-log-handler";

let tarball: string;
before((t) => {
  tarball = pack(t as TestContext);
});

const PROGRAM = `
  import { renameSync } from "node:fs";
  import { createRequire } from "node:module";
  import * as imported from "${NAME}";
  import * as importedLogging from "${NAME}/logging";
  import * as importedQueue from "${NAME}/queue";
  const require = createRequire(import.meta.url);
  const elsewhere = createRequire(new URL("other/program.js", import.meta.url));
  const copies = [imported, require("${NAME}"), elsewhere("${NAME}")];
  const loggings = [importedLogging, require("${NAME}/logging"), elsewhere("${NAME}/logging")];
  const queues = [importedQueue, require("${NAME}/queue"), elsewhere("${NAME}/queue")];
  const seen = {};
  seen.copies = new Set(copies.map(({ LogFileError }) => LogFileError)).size;

  // Writers of one log with other settings are told of, also where they are in one process.
  seen.warnings = 0;
  const handlers = copies.map(({ ConcurrentRotatingFileHandler }, i) => {
    const handler = new ConcurrentRotatingFileHandler("app.log", { delivery: "batched", backupCount: i });
    handler.on("warning", ({ code }) => { if (code === "ERR_CLH_SETTINGS") seen.warnings++; });
    return handler;
  });
  for (const handler of handlers) handler.write("early");
  await Promise.all(handlers.map((handler) => handler.flush()));
  seen.listeners = process.listenerCount("SIGTERM");

  // An error of any copy is an error of every copy.
  const errors = copies.map(({ ConcurrentRotatingFileHandler }) => {
    try { new ConcurrentRotatingFileHandler(""); } catch (error) { return error; }
  });
  seen.errors = copies.every(({ LogFileError }) => errors.every((error) => error instanceof LogFileError));
  seen.foreign = copies.some(({ LogFileError }) => new Error() instanceof LogFileError || null instanceof LogFileError);
  class Own extends imported.LogFileError {}
  seen.own = errors[0] instanceof Own || !(new Own("ERR_CLH_READ", "") instanceof Own);

  // One tree of loggers, one table of levels, one registry of handlers.
  loggings[0].addLevelName(25, "NOTICE");
  loggings[0].dictConfig({
    version: 1,
    handlers: { file: { class: "ConcurrentRotatingFileHandler", filename: "logging.log" } },
    root: { level: "DEBUG", handlers: ["file"] },
  });
  seen.level = loggings.map(({ getLevelName }) => getLevelName(25)).join();
  seen.loggers = new Set(loggings.map(({ getLogger }) => getLogger("a.b"))).size;
  try {
    loggings[2].dictConfig({ version: 1, incremental: true, handlers: { file: { level: "INFO" } } });
  } catch (error) {
    seen.refused = error.code;
  }
  const queue = queues[0].setupLoggingQueues();
  seen.queues = new Set(queues.map(({ setupLoggingQueues }) => setupLoggingQueues())).size;
  for (const { getLogger } of loggings) { getLogger("a.b").info("told"); getLogger("a.b").debug("not told"); }
  queues[1].stopQueueListeners();
  seen.pending = queue.pending;

  // One that logs while another rotates does not wait for the lock that its own thread has.
  const limits = { maxBytes: 2000, backupCount: 9, lockTimeout: 5000 };
  const inner = new copies[1].ConcurrentRotatingFileHandler("rotated.log", limits);
  inner.on("error", () => {});
  const rotator = (from, to) => {
    const start = performance.now();
    inner.write("in a rotator");
    seen.hasWaited = performance.now() - start >= limits.lockTimeout;
    renameSync(from, to);
  };
  const outer = new imported.ConcurrentRotatingFileHandler("rotated.log", { ...limits, rotator });
  for (let i = 0; i < 2; i++) outer.write("x".repeat(1500));
  inner.close();
  outer.close();

  for (const handler of handlers) handler.write("late"); // written at the exit
  console.log(JSON.stringify(seen));
`;

/** What the copies have seen of each other. @param change what becomes of the files of the package */
function seenBy(t: TestContext, change: (text: string) => string = (text) => text): Record<string, unknown> {
  const folder = installed(t, tarball);
  const dist = join(folder, "node_modules", NAME, "dist");
  for (const file of readdirSync(dist).filter((name) => /\.c?js$/.test(name))) {
    writeFileSync(join(dist, file), change(readFileSync(join(dist, file), "utf8")));
  }
  cpSync(join(folder, "node_modules"), join(folder, "other", "node_modules"), { recursive: true });
  writeFileSync(join(folder, "program.mjs"), PROGRAM);
  const { stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], { cwd: folder, encoding: "utf8" });
  const lines = (name: string) => readFileSync(join(folder, name), "utf8").trim().split("\n");
  return { ...JSON.parse(stdout || "{}"), stderr, log: lines("app.log"), told: lines("logging.log") };
}

test("copies of the package know of each other", (t) => {
  const seen = seenBy(t);
  assert.equal(seen.stderr, "");
  assert.deepEqual(seen, {
    copies: 3,
    warnings: 2,
    listeners: 1,
    errors: true,
    foreign: false,
    own: false,
    level: "NOTICE,NOTICE,NOTICE",
    loggers: 1,
    queues: 1,
    pending: 0,
    hasWaited: false,
    stderr: "",
    log: ["early", "early", "early", "late", "late", "late"],
    told: ["told", "told", "told"],
  });
});

test("copies that do not are found out", (t) => {
  const seen = seenBy(t, (text) => text.replace(/Symbol\.for\(`(?=[^`]*\$\{)/g, "Symbol(`"));
  const { warnings, listeners, errors, level, loggers, queues, refused, hasWaited, told } = seen;
  assert.deepEqual(
    { warnings, listeners, errors, level, loggers, queues, refused, hasWaited, told },
    {
      warnings: 2, // by the lock on them, whichever copy asks
      listeners: 3,
      errors: false,
      level: "NOTICE,Level 25,Level 25",
      loggers: 3,
      queues: 3,
      refused: "ERR_CLH_CONFIG",
      hasWaited: true,
      told: ["told", "not told"],
    },
  );
});
