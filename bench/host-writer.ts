import { once } from "node:events";
import { createRequire } from "node:module";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { configureSync, getLogger } from "@logtape/logtape";
import log4js from "log4js";
import { pino } from "pino";
import winston from "winston";
import * as appender from "../src/adapters/log4js.js";
import { getConcurrentRotatingFileSink } from "../src/adapters/logtape.js";
import { pinoDestination } from "../src/adapters/pino.js";
import { ConcurrentFileTransport } from "../src/adapters/winston.js";
import { HandlerStream } from "../src/handler/stream.js";
import { ConcurrentRotatingFileHandler } from "../src/index.js";

/* host-writer host sink file: logs through one host, and prints what a record cost, in microseconds. */

const [host, sink, file] = process.argv.slice(2) as [string, string, string];
const RECORDS = host === "pino transport" ? 500_000 : 100_000;
const WARM_UP = 20_000;
const isFile = sink === "file";
const text = "x".repeat(120);
const nowhere = new Writable({ decodeStrings: false, objectMode: true, write: (_chunk, _encoding, done) => done() });

/** What logs a record, what waits until all are written, and what until it may begin. */
type Logger = [log: () => unknown, end?: () => Promise<unknown>, ready?: Promise<unknown>];

const hosts: Record<string, () => Logger> = {
  none() {
    const handler = new ConcurrentRotatingFileHandler(file);
    return [() => handler.write(text)];
  },
  stream() {
    const stream = isFile ? new HandlerStream(new ConcurrentRotatingFileHandler(file)) : nowhere;
    return [() => stream.write(`${text}\n`)];
  },
  pino() {
    const logger = pino({}, isFile ? pinoDestination({ filename: file }) : { write() {} });
    return [() => logger.info(text)];
  },
  "pino transport"() {
    const target = isFile
      ? fileURLToPath(new URL("../src/adapters/pino.js", import.meta.url))
      : createRequire(new URL("../../test/hosts/", import.meta.url)).resolve("pino-roll");
    const transport = pino.transport({ target, options: { file, size: "10m" } });
    const logger = pino(transport);
    const end = () => {
      const alive = setInterval(() => {}, 1000);
      return new Promise((resolve) => transport.on("close", resolve).end()).finally(() => clearInterval(alive));
    };
    return [() => logger.info(text), end, once(transport, "ready")];
  },
  winston() {
    const stream = new winston.transports.Stream({ stream: nowhere });
    const logger = winston.createLogger({
      format: winston.format.printf(({ message }) => message as string),
      transports: [isFile ? new ConcurrentFileTransport({ filename: file }) : stream],
    });
    return [() => logger.info(text)];
  },
  log4js() {
    const layout = { type: "messagePassThrough" };
    const nothing = {
      configure: (_: unknown, { messagePassThroughLayout }: log4js.LayoutsParam) => messagePassThroughLayout,
    };
    log4js.configure({
      appenders: { to: { type: (isFile ? appender : nothing) as unknown as string, layout, filename: file } },
      categories: { default: { appenders: ["to"], level: "all" } },
    });
    const logger = log4js.getLogger();
    return [() => logger.info(text)];
  },
  logtape() {
    const formatter = ({ message }: { message: readonly unknown[] }) => `${message.join("")}\n`;
    const to = isFile ? getConcurrentRotatingFileSink(file, { formatter }) : formatter;
    configureSync({
      sinks: { to },
      loggers: [
        { category: ["bench"], sinks: ["to"] },
        { category: ["logtape", "meta"], lowestLevel: "warning" },
      ],
    });
    const logger = getLogger(["bench"]);
    return [() => logger.info(text)];
  },
};

const [log, end, ready] = hosts[host]!();
await ready;
for (let i = 0; i < WARM_UP; i++) log();
await new Promise(setImmediate);
const start = process.hrtime.bigint();
const before = process.cpuUsage();
for (let i = 0; i < RECORDS; i++) log();
const { user, system } = process.cpuUsage(before);
await end?.();
// With a thread it is the time until all is written that counts, else that of the processor, which others do not disturb.
const microseconds = end === undefined ? user + system : Number(process.hrtime.bigint() - start) / 1000;
process.stdout.write(`${microseconds / RECORDS}`);
process.exit();
