import assert from "node:assert/strict";
import { Console } from "node:console";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, type TestContext, test } from "node:test";
import { HandlerStream, type StreamOptions } from "../../../src/handler/stream.js";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../../src/index.js";
import { LineSplitter } from "../../../src/records/line-splitter.js";
import { temporaryDirectory } from "../../support/temporary.js";

interface Made {
  readonly handler: ConcurrentRotatingFileHandler;
  readonly stream: HandlerStream;
  /** The records of the file so far. */
  readonly lines: () => string[];
}

function make(t: TestContext, options?: StreamOptions, of: RotatingFileHandlerOptions = {}): Made {
  const handler = new ConcurrentRotatingFileHandler(join(temporaryDirectory(t), "app.log"), of);
  const lines = () => readFileSync(handler.filename, (of.encoding ?? "utf8") as BufferEncoding).split("\n");
  t.after(() => handler.close());
  return { handler, stream: new HandlerStream(handler, options), lines };
}

const TEXT = "one\n\nzwei ü\n三 €\n😀 last\n";

describe("bytes in any pieces come out as their lines", () => {
  for (const size of [1, 2, 3, 7, 1000]) {
    test(`pieces of ${size} bytes`, async (t) => {
      const { handler, stream, lines } = make(t);
      const bytes = Buffer.from(TEXT);
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      await pipeline(Readable.from(pieces, { objectMode: false }), stream);
      assert.deepEqual(lines(), TEXT.split("\n"));
      assert.equal(handler.stats().records, 5);
    });
  }

  test("into a log of another encoding", async (t) => {
    const { stream, lines } = make(t, {}, { encoding: "latin1" });
    await pipeline(Readable.from([Buffer.from("Größe\nü")]), stream);
    assert.deepEqual(lines(), ["Größe", "ü", ""]);
  });

  test("bytes that are no text stay as they are", async (t) => {
    const { handler, stream } = make(t);
    await pipeline(Readable.from([Buffer.from([0xff, 0xfe, 0x0a, 0x80])]), stream);
    assert.deepEqual([...readFileSync(handler.filename)], [0xff, 0xfe, 0x0a, 0x80, 0x0a]);
  });
});

test("a handler that throws when the lock is not free is refused: nobody would catch that", (t) => {
  assert.throws(() => make(t, {}, { onLockTimeout: "throw" }), { code: "ERR_CLH_OPTION", option: "onLockTimeout" });
});

describe("texts", () => {
  test("what is written at once is one record", (t) => {
    const { handler, stream, lines } = make(t);
    stream.write("Error: x\n  at y\n");
    assert.deepEqual(lines(), ["Error: x", "  at y", ""]);
    assert.equal(handler.stats().records, 1);
  });

  test("or as many as it has lines", (t) => {
    const { handler, stream } = make(t, { lines: true });
    stream.write("one\ntwo\nthr");
    stream.write("ee\n");
    assert.equal(handler.stats().records, 3);
  });

  test("a part of a line waits for the rest, and for no longer than the stream lives", async (t) => {
    const { handler, stream, lines } = make(t);
    stream.write("one ");
    stream.write("record\nan");
    stream.write("other\n");
    stream.write("the last");
    assert.deepEqual(lines(), ["one record", "another", ""]);
    stream.end();
    await once(stream, "close");
    assert.deepEqual(lines(), ["one record", "another", "the last", ""]);
    assert.equal(handler.stats().records, 3);
  });

  test("console.Console", (t) => {
    const { stream, lines } = make(t);
    const logger = new Console(stream);
    logger.log("%s is %d", "answer", 42);
    logger.error({ a: 1 });
    assert.deepEqual(lines(), ["answer is 42", "{ a: 1 }", ""]);
  });
});

test("a record is in the file when write returns", (t) => {
  const { stream, lines } = make(t);
  for (let i = 0; i < 100_000 / 16; i++) assert.equal(stream.write("x".repeat(16)) && stream.write("\n"), true);
  assert.equal(lines().length, 100_000 / 16 + 1);
});

test("flush calls back when all that was written before is in the file, also after the end", async (t) => {
  const { stream, lines } = make(t);
  stream.write("one\n");
  for (const end of [false, true]) {
    if (end) stream.end();
    assert.equal(await new Promise((resolve) => stream.flush(resolve)), undefined);
    assert.deepEqual(lines(), ["one", ""]);
  }
});

describe("a handler whose queue is full", () => {
  /** Its queue takes `room` pieces of lines until it drains. */
  function queueing(t: TestContext, room: number) {
    const made = make(t, { lines: true });
    const write = made.handler.writeLines.bind(made.handler);
    let queued = 0;
    made.handler.writeLines = (lines) => {
      write(lines);
      queued++;
      return queued < room;
    };
    Object.defineProperty(made.handler, "writableNeedDrain", { get: () => queued >= room });
    const drain = () => {
      queued = 0;
      (made.handler as NodeJS.EventEmitter).emit("drain");
    };
    return { ...made, drain };
  }

  test("is waited for", async (t) => {
    const { stream, lines, drain } = queueing(t, 2);
    for (const text of ["1\n", "2\n", "3\n", "4\n", "5\n"]) stream.write(text);
    assert.deepEqual(lines(), ["1", "2", ""]);
    drain();
    assert.deepEqual(lines(), ["1", "2", "3", "4", ""]);
    const flushed = new Promise((resolve) => stream.flush(resolve));
    drain();
    await flushed;
    assert.deepEqual(lines(), ["1", "2", "3", "4", "5", ""]);
  });

  test("in another thread drains as often as it fills", { timeout: 60_000 }, async (t) => {
    const { stream, lines } = make(t, {}, { delivery: { mode: "background", queueBytes: "64KiB" } });
    const records = Array.from({ length: 20_000 }, (_, i) => `record ${i}`);
    for (const record of records) if (!stream.write(`${record}\n`)) await once(stream, "drain");
    stream.end();
    await once(stream, "finish");
    assert.deepEqual(lines(), [...records, ""]);
  });

  test("of many streams of one handler: each has its turn, and one listener is enough", (t) => {
    const { handler, lines, drain } = queueing(t, 1);
    const streams = Array.from({ length: 12 }, () => handler.toStream({ lines: true }));
    for (const [i, stream] of streams.entries()) for (const part of ["a", "b"]) stream.write(`${i}${part}\n`);
    assert.ok(handler.listenerCount("drain") <= 1, `${handler.listenerCount("drain")} listeners`);
    for (let i = 0; i < 24; i++) drain();
    const turns = ["a", "b"].flatMap((part) => streams.map((_, i) => `${i}${part}`));
    assert.deepEqual(lines().slice(0, -1), turns);
  });

  test("makes its producer wait", async (t) => {
    const { stream, lines, drain } = queueing(t, 1);
    let made = 0;
    const source = new Readable({
      highWaterMark: 16,
      read() {
        this.push(made < 300 ? `${"x".repeat(1000)}${made++}\n` : null);
      },
    });
    let isDone = false;
    const done = pipeline(source, stream).then(() => {
      isDone = true;
    });
    let most = 0;
    while (!isDone) {
      most = Math.max(most, stream.writableLength);
      await new Promise(setImmediate);
      drain();
    }
    await done;
    assert.equal(lines().length, 301);
    const limit = stream.writableHighWaterMark + 2000; // 16 KiB, or from Node 22 on 64 KiB
    assert.ok(most < limit, `${most} bytes waited in the stream`);
  });
});

describe("lines", () => {
  test("that never end come in pieces", () => {
    const splitter = new LineSplitter(10);
    const lines = ["abcd", "efgh", "ijkl", "mn\nop"].flatMap((text) => splitter.push(Buffer.from(text)));
    assert.deepEqual([...lines, ...splitter.end()].map(String), ["abcdefghijkl", "mn", "op"]);
  });

  test("that come byte by byte take no more memory than they have bytes", () => {
    const splitter = new LineSplitter();
    const before = process.memoryUsage();
    for (let i = 0; i < 2_000_000; i++) splitter.push(Buffer.from("x"));
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    assert.ok(grown < 64 * 1024 ** 2, `${grown} bytes`);
    assert.equal(splitter.end()[0]!.length, 2_000_000);
  });
});

test("a stream that ends while the disk fails is ended, and says so", async (t) => {
  const { handler, stream } = make(t);
  const errors: unknown[] = [];
  handler.on("error", (error) => errors.push(error));
  handler.flush = () => Promise.reject(new Error("full"));
  stream.end("x\n");
  await new Promise((resolve) => stream.on("close", resolve)); // `once` would listen for errors
  assert.equal(String(errors[0]), "Error: full");

  await assert.rejects(pipeline(Readable.from(["y\n"]), new HandlerStream(handler)), /full/);
  assert.equal(errors.length, 1);
});
