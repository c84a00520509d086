import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import winston from "winston";
import { ConcurrentFileTransport, type ConcurrentFileTransportOptions } from "../../../src/adapters/winston.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* `query()` and `stream()` of a winston logger: what winston's own File answers, of the whole log. */

type Found = Record<string, unknown>[];

const HOUR = 3_600_000;
const json = winston.format.json();

const log = (t: TestContext) => join(temporaryDirectory(t), "app.log");

const loggerOf = (t: TestContext, filename: string, options: Partial<ConcurrentFileTransportOptions> = {}) => {
  const file = new ConcurrentFileTransport({ filename, ...options });
  t.after(() => file.close());
  return winston.createLogger({ format: json, transports: [file] });
};

const found = (logger: winston.Logger, options: object, name: string): Promise<Found> =>
  new Promise((resolve, reject) =>
    logger.query(options as winston.QueryOptions, (error, results) => {
      const answer = results[name];
      if (error || !Array.isArray(answer)) reject(error ?? answer);
      else resolve(answer);
    }),
  );

const ask = (logger: winston.Logger, options: object = {}) => found(logger, options, "concurrentFile");

describe("query", () => {
  // From half an hour to a day and a half old, of two levels, and one record that says nothing of its time.
  const now = Date.now();
  const records = Array.from({ length: 12 }, (_, i) => ({
    level: i % 3 === 0 ? "error" : "info",
    message: `record ${i}`,
    ...(i !== 7 && { timestamp: new Date(now - ((12 - i) * 3 - 2.5) * HOUR).toISOString() }),
  }));
  const ago = (hours: number) => new Date(now - hours * HOUR);

  const QUESTIONS: object[] = [
    {},
    { limit: 3 },
    { rows: 2, order: "asc" },
    { rows: 100, from: ago(1000) },
    { rows: 100, from: ago(1000).getTime(), until: ago(20).toISOString(), order: "asc" },
    { rows: 100, from: ago(1000), level: "error", fields: ["message", "no such key"] },
    { rows: 100, from: ago(1000), start: 4, order: "asc" },
    { rows: 3, from: ago(1000), start: 4, level: "info" },
    { rows: 100, start: 100 },
    { rows: 5, from: ago(10), until: ago(3) },
  ];

  test("answers as winston's File does", async (t) => {
    const filename = log(t);
    writeFileSync(filename, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    const logger = loggerOf(t, filename);
    logger.add(new winston.transports.File({ filename }));
    for (const question of QUESTIONS) {
      const expected = await found(logger, { ...question }, "file");
      assert.deepEqual(await ask(logger, { ...question }), expected, JSON.stringify(question));
    }
    assert.equal((await found(logger, { rows: 100, from: ago(1000) }, "file")).length, 12); // or nothing was compared
    logger.end();
  });

  test("of all files of the log, also where what was logged waits in a queue", async (t) => {
    const options = { maxBytes: 200, backupCount: 100, delivery: "batched" } as const;
    const logger = loggerOf(t, log(t), options);
    for (let i = 0; i < 50; i++) logger.info(`record ${i}`);
    const all = await ask(logger, { rows: 1000, order: "asc" });
    assert.deepEqual(
      all.map(({ message }) => message),
      Array.from({ length: 50 }, (_, i) => `record ${i}`),
    );
    assert.deepEqual(await ask(logger, { rows: 2 }), all.slice(-2).reverse());
  });

  test("of a log in another encoding, with another terminator", async (t) => {
    const logger = loggerOf(t, log(t), { encoding: "utf-16-le", terminator: "\r\n" });
    logger.info("größer");
    assert.deepEqual(await ask(logger), [{ level: "info", message: "größer" }]);
  });

  test("what others have written in another way is passed over", async (t) => {
    const filename = log(t);
    const logger = loggerOf(t, filename);
    appendFileSync(filename, "2024-05-17 INFO from Python\n17\nnull\n");
    logger.info("ours");
    assert.deepEqual(await ask(logger), [{ level: "info", message: "ours" }]);
  });

  test("a log without JSON is an error that says what to do; one without records is none", async (t) => {
    const logger = loggerOf(t, log(t), { format: winston.format.printf(({ message }) => String(message)) });
    assert.deepEqual(await ask(logger), []);
    logger.info("{ no JSON");
    await assert.rejects(ask(logger), { code: "ERR_CLH_READ", message: /none of its records is JSON.*format\.json/ });
  });
});

describe("stream", () => {
  test("the records of the log and what follows, across a rotation, until it is destroyed", async (t) => {
    const filename = log(t);
    const file = new ConcurrentFileTransport({ filename });
    t.after(() => file.close());
    const logger = winston.createLogger({ format: json, transports: [file] });
    logger.info("1");
    const stream = file.stream();
    const told: unknown[] = [];
    const lines: string[] = [];
    stream.on("data", (line) => lines.push(line));
    const heard = new Promise<void>((resolve) =>
      stream.on("log", ({ message }) => {
        told.push(message);
        if (message === "1") {
          logger.info("2");
          file.handler.rotate();
          appendFileSync(filename, "not JSON\n");
          logger.info("3");
        }
        if (message === "3") resolve();
      }),
    );
    await heard;
    assert.deepEqual(told, ["1", "2", "3"]);
    assert.deepEqual(lines[2], "not JSON");
    const closed = once(stream, "close");
    stream.destroy();
    await closed;
    logger.info("4");
    assert.equal(told.length, 3);
  });

  test("from a record on, and from the end of the log; by the logger, which says whose record it is", async (t) => {
    const logger = loggerOf(t, log(t));
    for (const text of ["0", "1", "2"]) logger.info(text);
    const [fromTwo, fromEnd] = [2, -1].map((start) => logger.stream({ start }));
    t.after(() => [fromTwo, fromEnd].forEach((stream) => void (stream as unknown as { destroy(): void }).destroy()));
    const first = once(fromTwo!, "log");
    const last = once(fromEnd!, "log");
    assert.deepEqual(await first, [{ level: "info", message: "2", transport: ["concurrentFile"] }]);
    logger.info("3");
    assert.deepEqual(await last, [{ level: "info", message: "3", transport: ["concurrentFile"] }]);
  });
});
