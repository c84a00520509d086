import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import log4js from "log4js";
import pino from "pino";
import winston from "winston";
import { configure } from "../../src/adapters/log4js.js";
import { getConcurrentRotatingFileSink } from "../../src/adapters/logtape.js";
import transport, { pinoDestination } from "../../src/adapters/pino.js";
import { ConcurrentFileTransport } from "../../src/adapters/winston.js";
import { dictConfig, fileConfig, getLogger, shutdown } from "../../src/logging.js";
import type { NatsHandler } from "../../src/nats.js";
import { makeStream, messagesOf, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const { writeFileSync } = await import("node:fs");

describe("with `nats` in place of a file, records of every host go to the stream:", needsNats, () => {
  test("pino, winston, log4js, LogTape, logging", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const spillDirectory = join(temporaryDirectory(t), "spool");
    const nats = {
      servers: server.url,
      stream: "logs",
      subject: "clh.app",
      spillDirectory,
      acknowledge: "stored",
    } as const;

    const destination = pinoDestination({ nats });
    pino({ base: null, timestamp: false }, destination).info("pino");
    await destination.handler.flush();

    const thread = transport({ nats });
    thread.write('{"msg":"pino thread"}\n');
    await new Promise<void>((resolve) => thread.end(resolve));

    const winstonTransport = new ConcurrentFileTransport<NatsHandler>({ nats, format: winston.format.json() });
    const logger = winston.createLogger({ transports: [winstonTransport] });
    const finished = new Promise((resolve) => winstonTransport.on("finish", resolve));
    logger.info("winston");
    logger.end();
    await finished;
    winstonTransport.query({}, (error) => assert.match(String(error), /it is in the collector's log/));

    log4js.configure({
      appenders: { nats: { type: { configure } as never, nats, layout: { type: "messagePassThrough" } } },
      categories: { default: { appenders: ["nats"], level: "info" } },
    });
    log4js.getLogger().info("log4js");
    await new Promise((resolve) => log4js.shutdown(resolve));

    const sink = getConcurrentRotatingFileSink({ nats, formatter: ({ rawMessage }) => `${String(rawMessage)}\n` });
    sink({ rawMessage: "logtape" } as never);
    await sink.drain();

    for (const [name, configuration] of Object.entries({
      ours: { class: "concurrent_log_handler.nats.NatsHandler", ...nats },
      pythons: {
        class: "concurrent_log_handler.nats.NatsHandler",
        servers: [server.url],
        stream: "logs",
        subject: "clh.app",
        spill_directory: spillDirectory,
        acknowledge: "stored",
      },
    })) {
      dictConfig({ version: 1, handlers: { nats: configuration }, root: { handlers: ["nats"], level: "INFO" } });
      getLogger().info(`logging, ${name}`);
      await getLogger().handlers[0]!.flush();
    }
    const ini = join(temporaryDirectory(t), "logging.ini");
    writeFileSync(
      ini,
      `[loggers]\nkeys=root\n[handlers]\nkeys=nats\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\nhandlers=nats\n[handler_nats]\nclass=concurrent_log_handler.nats.NatsHandler\nargs=(${JSON.stringify(server.url)}, "logs", "clh.app")\nkwargs={"acknowledge": "stored", "spill_directory": ${JSON.stringify(spillDirectory)}}\n`,
    );
    fileConfig(ini);
    getLogger().info("logging, an INI file");
    await getLogger().handlers[0]!.flush();
    shutdown();

    const texts = (await messagesOf(server)).map(({ text }) => text.trim());
    assert.deepEqual(texts, [
      '{"level":30,"msg":"pino"}',
      '{"msg":"pino thread"}',
      '{"level":"info","message":"winston"}',
      "log4js",
      "logtape",
      "logging, ours",
      "logging, pythons",
      "logging, an INI file",
    ]);
    assert.ok(!existsSync(spillDirectory) || readdirSync(spillDirectory).length === 0);
  });
});

test("options of files beside it are refused, and those that are wrong in it", () => {
  const nats = { servers: "a", stream: "logs" };
  const beside = {
    code: "ERR_CLH_OPTION",
    option: "maxBytes",
    message: /left out: with `nats`, the file .* collector's/,
  };
  assert.throws(() => pinoDestination({ nats, maxBytes: 1 } as never), beside);
  assert.throws(() => new ConcurrentFileTransport({ nats, maxBytes: 1 } as never), beside);
  assert.throws(() => configure({ type: 0, nats, maxBytes: 1 } as never, { basicLayout: String } as never), beside);
  assert.throws(() => getConcurrentRotatingFileSink({ nats, maxBytes: 1 } as never), beside);
  const typo = { code: "ERR_CLH_OPTION", message: "Unknown option `streem`. Did you mean `stream`?" };
  assert.throws(() => pinoDestination({ nats: { servers: "a", streem: "logs" } as never }), typo);
});

test("nothing of NATS is loaded by who imports anything else", () => {
  const load = (file: string, seen: Set<string>): Set<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, path] of text.matchAll(/(?:from|import|require\()\s*["'](\.\/[^"']+)["']/g))
      load(join(dirname(file), path!), seen);
    return seen;
  };
  const ofNats = (name: string) =>
    [...load(join(root, "dist", name), new Set())].filter((file) => readFileSync(file, "utf8").includes("Clh-Writer"));
  for (const entry of ["index", "logging", "queue", "pino", "winston", "log4js", "logtape"])
    for (const format of ["js", "cjs"]) assert.deepEqual(ofNats(`${entry}.${format}`), [], entry);
  assert.equal(ofNats("nats.js").length, 1);
});
