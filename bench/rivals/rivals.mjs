import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, openSync, writeFileSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/*
 * Each rival, set up as its documentation says for one file that is rotated at 1 MiB and keeps 1,000 backups, and told to
 * write nothing but the text. `open` resolves to a writer: `write(text)`; `ready()`, if `false` of `write` asks for a pause, which
 * resolves when that is over; and `end()`, which resolves when all is written.
 */

const MAX_BYTES = 1024 * 1024;
const BACKUPS = 1000;

const ended = (stream, event = "finish") =>
  new Promise((resolve) => {
    stream.once(event, resolve);
    stream.end();
  });

const finished = (logger, transport) =>
  new Promise((resolve) => {
    transport.once("finish", resolve);
    logger.end();
  });

const ours = (options) => async (file) => {
  const { ConcurrentRotatingFileHandler } = await import("../../dist/index.js");
  const handler = new ConcurrentRotatingFileHandler(file, { maxBytes: MAX_BYTES, backupCount: BACKUPS, ...options });
  return {
    write: (text) => handler.write(text),
    ready: options.delivery === undefined ? undefined : () => once(handler, "drain"),
    async end() {
      await handler.flush();
      handler.close();
    },
  };
};

/** False where this version of the package has no such delivery. */
export async function hasDelivery(delivery) {
  const { LogFileError, ConcurrentRotatingFileHandler } = await import("../../dist/index.js");
  try {
    new ConcurrentRotatingFileHandler("app.log", { delivery });
    return true;
  } catch (error) {
    if (error instanceof LogFileError && error.code === "ERR_CLH_OPTION") return false;
    throw error;
  }
}

export const RIVALS = {
  "concurrent-log-handler": { isOurs: true, open: ours({}) },
  "concurrent-log-handler, batched": { isOurs: true, delivery: "batched", open: ours({ delivery: "batched" }) },
  "concurrent-log-handler, background": {
    isOurs: true,
    delivery: "background",
    open: ours({ delivery: "background" }),
  },
  "pino + pino-roll": {
    async open(file) {
      const { default: pino } = await import("pino");
      const { default: roll } = await import("pino-roll");
      const stream = await roll({ file, size: "1m", limit: { count: BACKUPS } });
      const logger = pino({ base: null, timestamp: false }, stream);
      return { write: (text) => logger.info(text), end: () => ended(stream, "close") };
    },
  },
  "winston File": {
    async open(file) {
      const { default: winston } = await import("winston");
      const format = winston.format.printf(({ message }) => message);
      const transport = new winston.transports.File({ filename: file, maxsize: MAX_BYTES, maxFiles: BACKUPS, format });
      const logger = winston.createLogger({ transports: [transport] });
      return {
        write: (text) => logger.info(text),
        end: () => finished(logger, transport),
      };
    },
  },
  "winston-daily-rotate-file": {
    async open(file) {
      const { default: winston } = await import("winston");
      const { default: DailyRotateFile } = await import("winston-daily-rotate-file");
      const format = winston.format.printf(({ message }) => message);
      const transport = new DailyRotateFile({ filename: `${file}.%DATE%`, maxSize: "1m", maxFiles: BACKUPS, format });
      const logger = winston.createLogger({ transports: [transport] });
      return {
        write: (text) => logger.info(text),
        end: () => finished(logger, transport),
      };
    },
  },
  log4js: {
    async open(file) {
      const { default: log4js } = await import("log4js");
      const layout = { type: "messagePassThrough" };
      log4js.configure({
        appenders: { file: { type: "file", filename: file, maxLogSize: MAX_BYTES, backups: BACKUPS, layout } },
        categories: { default: { appenders: ["file"], level: "info" } },
        disableClustering: true,
      });
      const logger = log4js.getLogger();
      let isPaused = false;
      process.on("log4js:pause", (value) => {
        isPaused = value;
      });
      return {
        write(text) {
          logger.info(text);
          return !isPaused;
        },
        async ready() {
          while (isPaused) await once(process, "log4js:pause");
        },
        end: () => new Promise((resolve) => log4js.shutdown(resolve)),
      };
    },
  },
  "rotating-file-stream": {
    async open(file) {
      const { createStream } = await import("rotating-file-stream");
      const stream = createStream(basename(file), { path: dirname(file), size: "1M", maxFiles: BACKUPS });
      return {
        write: (text) => stream.write(`${text}\n`),
        ready: () => once(stream, "drain"),
        end: () => ended(stream),
      };
    },
  },
  "file-stream-rotator": {
    async open(file) {
      const { default: rotator } = await import("file-stream-rotator");
      const stream = rotator.getStream({
        filename: file,
        size: "1m",
        max_logs: String(BACKUPS),
        audit_file: `${file}.audit`,
        end_stream: true, // without it, what is in memory is thrown away at each rotation
      });
      stream.on("error", () => {}); // it would end the process; what it loses is counted
      return { write: (text) => stream.write(`${text}\n`), end: async () => void stream.end() };
    },
  },
  LogTape: {
    async open(file) {
      const { configure, dispose, getLogger } = await import("@logtape/logtape");
      const { getRotatingFileSink } = await import("@logtape/file");
      const formatter = ({ rawMessage }) => `${rawMessage}\n`;
      await configure({
        sinks: { file: getRotatingFileSink(file, { maxSize: MAX_BYTES, maxFiles: BACKUPS, formatter }) },
        loggers: [
          { category: "bench", sinks: ["file"], lowestLevel: "info" },
          { category: ["logtape", "meta"], lowestLevel: "fatal" },
        ],
      });
      const logger = getLogger("bench");
      return { write: (text) => logger.info(text), end: dispose };
    },
  },
  "bunyan (rotates by time only)": {
    async open(file) {
      const { default: bunyan } = await import("bunyan");
      const streams = [{ type: "rotating-file", path: file, period: "1d", count: 3 }];
      const logger = bunyan.createLogger({ name: "bench", streams });
      const { stream } = logger.streams[0];
      return {
        write: (text) => logger.info(text),
        end() {
          clearTimeout(stream.timeout);
          return ended(stream.stream);
        },
      };
    },
  },
  "proper-lockfile + append": {
    async open(file) {
      const { lockSync } = (await import("proper-lockfile")).default;
      writeFileSync(file, "", { flag: "a" });
      const lock = () => {
        for (;;) {
          try {
            return lockSync(file);
          } catch (error) {
            if (error.code !== "ELOCKED") throw error;
          }
        }
      };
      return {
        write(text) {
          const unlock = lock();
          appendFileSync(file, `${text}\n`);
          unlock();
        },
        end: async () => {},
      };
    },
  },
  "raw append: no lock, no rotation": {
    isLimit: true,
    async open(file) {
      const fd = openSync(file, "a");
      return { write: (text) => writeSync(fd, `${text}\n`), end: async () => {} };
    },
  },
};

/** Rivals that are programs of their own, which print what writer.mjs reports. */
export function otherPrograms(directory) {
  const programs = {};
  const here = import.meta.dirname;
  const hasUpstream = spawnSync("python3", ["-c", "import concurrent_log_handler"]).status === 0;
  if (hasUpstream) programs["upstream, in Python"] = { command: ["python3", join(here, "upstream.py")] };
  const limit = join(directory, "limit");
  if (spawnSync("cc", ["-O2", "-o", limit, join(here, "limit.c")]).status === 0) {
    programs["C: lock, stat, write, unlock"] = { isLimit: true, command: [limit] };
  }
  return programs;
}
