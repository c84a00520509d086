import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { configureSync, getLogger, resetSync } from "@logtape/logtape";
import { pino } from "pino";
import winston from "winston";
import { configure } from "../../../src/adapters/log4js.js";
import { getConcurrentRotatingFileSink } from "../../../src/adapters/logtape.js";
import transport, { pinoDestination } from "../../../src/adapters/pino.js";
import { ConcurrentFileTransport } from "../../../src/adapters/winston.js";
import type { ConcurrentFileHandler } from "../../../src/handler/file-handler.js";
import { ConcurrentRotatingFileHandler } from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* What each host asks of an adapter, beyond what all of them do (test/adapters). */

const log = (t: TestContext) => join(temporaryDirectory(t), "app.log");
const linesOf = (file: string) => readFileSync(file, "utf8").split("\n").slice(0, -1);
const messagesOf = (file: string) => linesOf(file).map((line) => JSON.parse(line).msg);

/** Makes the queue of a handler seem full; returns how it drains. */
function fillQueue(handler: ConcurrentFileHandler): () => void {
  let isFull = true;
  Object.defineProperty(handler, "writableNeedDrain", { get: () => isFull });
  return () => {
    isFull = false;
    (handler as NodeJS.EventEmitter).emit("drain");
  };
}

describe("pino", () => {
  test("flush, and flushSync after a fatal record", async (t) => {
    const filename = log(t);
    const destination = pinoDestination({ filename });
    let flushed = 0;
    destination.flushSync = () => flushed++;
    const logger = pino({}, destination);
    logger.info("one");
    assert.equal(flushed, 0);
    logger.fatal("two");
    assert.equal(flushed, 1);
    await new Promise<void>((resolve, reject) => logger.flush((error) => (error ? reject(error) : resolve())));
    assert.deepEqual(messagesOf(filename), ["one", "two"]);
  });

  test("flush says what could not be written", async (t) => {
    const destination = pinoDestination({ filename: log(t) });
    destination.handler.flush = () => Promise.reject(new Error("full"));
    const error = await new Promise((resolve) => destination.flush(resolve));
    assert.match(String(error), /full/);
  });

  test("tells what it writes, by the symbol", (t) => {
    const destination = pinoDestination({ filename: log(t) });
    pino({}, destination).warn({ a: 1 }, "hello");
    assert.equal(destination.lastLevel, 40);
    assert.equal(destination.lastMsg, "hello");
    assert.deepEqual(destination.lastObj, { a: 1 });
  });

  test("end closes the file, reopen opens it again", async (t) => {
    const filename = log(t);
    const destination = pinoDestination({ filename });
    destination.write("one\n");
    destination.reopen();
    destination.write("two\n");
    let closed = 0;
    destination.on("close", () => closed++);
    destination.end();
    destination.end();
    await once(destination, "close");
    await new Promise(setImmediate);
    assert.equal(closed, 1);
    assert.deepEqual(linesOf(filename), ["one", "two"]);
  });

  test("the options of the transport survive the way to a thread; what pino adds is left out", async (t) => {
    const options = { file: log(t), size: 1, frequency: "daily", limit: { count: 3 } } as const;
    const added = { $context: { threadStreamVersion: "4" }, pinoWillSendConfig: true };
    const stream = transport(structuredClone({ ...options, ...added }));
    stream.write('{"a":1}\n{"b"');
    stream.end(":2}\n");
    await once(stream, "close");
    assert.deepEqual(linesOf(options.file), ['{"a":1}', '{"b":2}']);
  });

  for (const delivery of ["sync", "batched", "background", { mode: "batched", flushInterval: 60_000 }] as const) {
    test(`the transport acknowledges nothing that is not in the file, delivery ${inspect(delivery)}`, async (t) => {
      const file = log(t);
      const stream = transport({ file, delivery });
      for (const [written, inFile] of [
        ["1\n2\n3", ["1", "2"]],
        ["\n4\n", ["1", "2", "3", "4"]],
      ] as const) {
        stream.write(written); // thread-stream goes on when it returns, and the process may be gone
        assert.deepEqual(linesOf(file), inFile);
      }
      stream.end();
      await once(stream, "close");
    });
  }

  test("a stream of ours that is not the transport's acknowledges before", (t) => {
    const file = log(t);
    const handler = new ConcurrentRotatingFileHandler(file, { delivery: "batched" });
    handler.toStream().write("1\n");
    assert.equal(existsSync(file), false);
    handler.close();
  });

  test("the transport says at once that the log cannot be opened, and waits for a lock that is not free", (t) => {
    const file = log(t);
    writeFileSync(file, "");
    assert.throws(() => transport({ file: join(file, "app.log") }), {
      code: "ERR_CLH_LOCK",
      message: /app\.log.*ENOTDIR/,
    });
    const other = makeLock(lockFilePath(file));
    assert.ok(other.acquire(1000));
    const stream = transport({ file, lockTimeout: 20 });
    other.close();
    stream.destroy();
  });

  test("a destination that was closed refuses records, as pino's own do", async (t) => {
    const filename = log(t);
    for (const end of ["end", "destroy"] as const) {
      const destination = pinoDestination({ filename });
      const logger = pino({}, destination);
      logger.info(end);
      destination[end]();
      await new Promise(setImmediate);
      assert.throws(() => logger.info("too late"), /Cannot log to .*app\.log: its destination was closed/);
    }
    assert.deepEqual(messagesOf(filename), ["end", "destroy"]);
  });

  test("the transport closes when all is in the file", async (t) => {
    const file = log(t);
    const stream = transport({ file });
    stream.end("the last one");
    await once(stream, "close");
    assert.deepEqual(linesOf(file), ["the last one"]);
  });
});

describe("winston", () => {
  const message = winston.format.printf((info) => String(info.message));

  test("next is called when the queue has drained; records that wait keep their order and their format", async (t) => {
    const filename = log(t);
    const format = winston.format.combine(
      winston.format((info) => (info.message === "no" ? false : info))(),
      winston.format.printf((info) => `<${info.message}>`),
    );
    const file = new ConcurrentFileTransport({ filename, format });
    const drain = fillQueue(file.handler);
    const logger = winston.createLogger({ format: message, transports: [file] });
    for (const text of ["1", "2", "no", "3"]) logger.info(text);
    assert.deepEqual(linesOf(filename), ["<1>"]);
    drain();
    logger.end();
    await once(logger, "finish");
    assert.deepEqual(linesOf(filename), ["<1>", "<2>", "<3>"]);
  });

  test("log without a callback, and one that throws, spoil nothing", (t) => {
    const filename = log(t);
    const file = new ConcurrentFileTransport({ filename });
    const info = (text: string) => ({ level: "info", message: text, [Symbol.for("message")]: text });
    assert.equal(file.log(info("1")), true);
    const failing = () => {
      throw new Error("of the callback");
    };
    assert.throws(() => file.log(info("2"), failing), /of the callback/);
    const logger = winston.createLogger({ format: message, transports: [file] });
    file.format = winston.format.printf(() => {
      throw new RangeError("of the format");
    });
    assert.throws(() => logger.info("3"), RangeError); // at whoever logs, and not later
    assert.deepEqual(linesOf(filename), ["1", "2"]);
  });

  test("tells what it has logged to who listens", async (t) => {
    const file = new ConcurrentFileTransport({ filename: log(t), level: "warn" });
    const logged = once(file, "logged");
    const logger = winston.createLogger({ transports: [file] });
    logger.info("not this");
    logger.warn("this");
    assert.equal((await logged)[0].message, "this");
  });

  /** What winston does when an exception ends the process, or would have ended it. */
  const waitForEnd = (file: ConcurrentFileTransport, done: () => void) => {
    file._ending = true;
    file.once("finish", done);
  };
  const exception = { level: "error", message: "the exception", exception: true };

  test("who waits for an exception is told once it is written, and the logger stays", (t) => {
    const filename = log(t);
    const file = new ConcurrentFileTransport({ filename, format: message, handleExceptions: true });
    const logger = winston.createLogger({ transports: [file] });
    let finished = 0;
    let told = 0;
    file.on("finish", () => finished++);
    logger.info("before");
    for (let i = 1; i <= 2; i++) {
      waitForEnd(file, () => told++);
      waitForEnd(file, () => told++); // another logger, which shares the transport
      logger.info("on its way");
      assert.equal(told, 2 * (i - 1));
      logger.log(exception);
      assert.deepEqual([told, finished], [2 * i, 0]);
    }
    logger.info("after"); // `exitOnError` was false
    assert.equal(linesOf(filename).length, 6);
    assert.equal(linesOf(filename).at(-1), "after");
  });

  test("who waits for an exception behind a full queue is told when that is written", (t) => {
    const filename = log(t);
    const file = new ConcurrentFileTransport({ filename, format: message, handleExceptions: true });
    const drain = fillQueue(file.handler);
    const logger = winston.createLogger({ transports: [file] });
    for (let i = 0; i < 40; i++) logger.info(`record ${i}`);
    let written: string[] = [];
    waitForEnd(file, () => {
      written = linesOf(filename);
    });
    logger.log(exception);
    assert.deepEqual(written, []);
    drain();
    assert.equal(written.length, 41);
    assert.equal(written.at(-1), "the exception");
  });

  for (const waiting of [["bad"], ["2", "bad", "3"]]) {
    test(`a format that throws costs no other record, also when ${waiting} waited`, async (t) => {
      const filename = log(t);
      const format = winston.format.printf((info) => {
        if (info.message === "bad") throw new Error("this format fails");
        return String(info.message);
      });
      const file = new ConcurrentFileTransport({ filename, format });
      const logger = winston.createLogger({ transports: [file] });
      assert.throws(() => logger.info("bad"), /this format fails/);
      const drain = fillQueue(file.handler);
      for (const text of ["1", ...waiting]) logger.info(text);
      const thrown: Error[] = [];
      process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error));
      drain();
      logger.info("4");
      logger.end();
      await once(logger, "finish");
      process.setUncaughtExceptionCaptureCallback(null);
      assert.match(String(thrown), /^Error: this format fails$/);
      assert.deepEqual(linesOf(filename), ["1", ...waiting.filter((text) => text !== "bad"), "4"]);
    });
  }

  test("a lock that is not had in time costs the record that its caller is told of, and no other", async (t) => {
    const filename = log(t);
    const file = new ConcurrentFileTransport({ filename, format: message, lockTimeout: 20, onLockTimeout: "throw" });
    const logger = winston.createLogger({ transports: [file] });
    logger.info("1");
    const other = makeLock(lockFilePath(filename));
    assert.ok(other.acquire(1000));
    assert.throws(() => logger.info("2"), { code: "ERR_CLH_LOCK_TIMEOUT" });
    other.close();
    for (const text of ["3", "4"]) logger.info(text);
    logger.end();
    await once(logger, "finish");
    assert.deepEqual(linesOf(filename), ["1", "3", "4"]);
  });

  test("what cannot be written at the end is an error for who listens, and no crash", async (t) => {
    for (const isHeard of [true, false]) {
      const file = new ConcurrentFileTransport({ filename: log(t) });
      const told: unknown[] = [];
      file.handler.on("error", (error) => told.push(error));
      file.handler.flush = () => Promise.reject(new Error("full"));
      const logger = winston.createLogger({ transports: [file] });
      const heard: unknown[] = [];
      if (isHeard) logger.on("error", (error) => heard.push(error));
      const ended = new Promise((resolve) => file.on(isHeard ? "error" : "finish", resolve));
      logger.end();
      await ended;
      assert.equal(heard.length, isHeard ? 1 : 0);
      assert.equal(told.length, isHeard ? 0 : 1);
    }
  });

  test("is one of winston's own", (t) => {
    const file = new winston.transports.ConcurrentFile({ filename: log(t) });
    assert.ok(file instanceof ConcurrentFileTransport);
    const logger = winston.createLogger({ transports: [file] });
    let closed = 0;
    file.handler.close = () => closed++;
    logger.remove(file);
    assert.equal(closed, 1);
  });
});

test("log4js: shutdown calls back when all is in the file, or with what keeps it from it", async (t) => {
  const filename = log(t);
  const layouts = { basicLayout: () => "a record", layout: () => () => "" };
  const appender = configure({ type: "", filename }, layouts);
  assert.equal(existsSync(filename), false);
  appender({} as never);
  assert.deepEqual(linesOf(filename), ["a record"]);
  assert.equal(await new Promise((resolve) => appender.shutdown(resolve)), undefined);
  appender({} as never); // as of log4js' own file, which is closed
  assert.deepEqual(linesOf(filename), ["a record"]);
  appender.handler.flush = () => Promise.reject(new Error("full"));
  assert.match(String(await new Promise((resolve) => appender.shutdown(resolve))), /full/);
});

test("LogTape: drains, and is disposed of with the configuration", async (t) => {
  const filename = log(t);
  const sink = getConcurrentRotatingFileSink(filename);
  configureSync({
    sinks: { file: sink },
    loggers: [
      { category: "app", sinks: ["file"] },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  getLogger("app").info("hello {name}", { name: "you" });
  assert.match(linesOf(filename)[0]!, /\[INF\].*app.*hello .?you/);
  await sink.drain();
  await assert.rejects(sink.drain({ signal: AbortSignal.abort("stop") }), (reason) => reason === "stop");
  const { close } = sink.handler;
  let closed = 0;
  sink.handler.close = () => {
    closed++;
    close.call(sink.handler);
  };
  resetSync();
  assert.equal(closed, 1);
  sink({ category: [], level: "info", message: ["too late"], rawMessage: "", timestamp: 0, properties: {} });
  assert.equal(linesOf(filename).length, 1);
});
