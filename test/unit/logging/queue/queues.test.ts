import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, mock, test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import {
  basicConfig,
  ConcurrentRotatingFileHandler,
  Formatter,
  getLogger,
  Handler,
  JsonFormatter,
  type LogRecord,
  MemoryHandler,
  makeLogRecord,
  shutdown,
} from "../../../../src/logging.js";
import {
  LogQueue,
  type LogQueueOptions,
  QueueHandler,
  QueueListener,
  setupLoggingQueues,
  stopQueueListeners,
} from "../../../../src/queue.js";
import { Fixture } from "../../../support/child.js";
import { temporaryDirectory } from "../../../support/temporary.js";

class Lines extends Handler {
  readonly lines: string[] = [];
  flushed = 0;

  override emit(record: LogRecord): void {
    this.lines.push(this.format(record));
  }

  override async flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.flushed++;
  }
}

function lines(name: string, format?: string): Lines {
  const handler = new Lines({ formatter: new Formatter(format) });
  getLogger(name).addHandler(handler);
  getLogger(name).setLevel("DEBUG");
  return handler;
}

afterEach(() => {
  stopQueueListeners();
  for (const logger of [getLogger(), ...getLogger().getChildren()]) logger.handlers = [];
});

describe("queues before all handlers", () => {
  test("deliver off the call, in order, also of several loggers, and say when all is written", async () => {
    const root = lines("");
    lines("queue");
    const queues = setupLoggingQueues();
    for (let i = 0; i < 2000; i++) getLogger(i % 2 === 0 ? "queue" : "other").info("m%d", i);
    assert.deepEqual(root.lines, []);
    assert.equal(queues.pending, 3000);
    await queues.flush();
    assert.deepEqual(
      root.lines,
      Array.from({ length: 2000 }, (_, i) => `m${i}`),
    );
    assert.equal(root.flushed, 1);
    assert.equal(queues.pending, 0);
  });

  test("say what was so when the call was made", async () => {
    const { lines: written } = lines("", "%(message)s %(funcName)s");
    const queues = setupLoggingQueues();
    const list = [1];
    (function caller() {
      getLogger().info("%s", list);
    })();
    list.push(2);
    await queues.flush();
    assert.deepEqual(written, ["[ 1 ] caller"]);
  });

  test("deliver what a filter has made of a record since", async () => {
    const redacts = (record: LogRecord) => {
      record.msg = "pin ****";
      record.args = undefined;
      return true;
    };
    const { lines: written } = Object.assign(lines(""), { filters: [redacts] });
    const target = Object.assign(new Lines(), { filters: [redacts] });
    getLogger().addHandler(new MemoryHandler(1, { target }));
    const queues = setupLoggingQueues();
    getLogger().info("pin %d", 1234);
    await queues.flush();
    assert.deepEqual([written, target.lines], [["pin ****"], ["pin ****"]]);
  });

  test("take in handlers that are added later, and give all back", async () => {
    const first = lines("");
    const queues = setupLoggingQueues();
    getLogger().info("one");
    const second = lines("");
    const third = lines("new");
    assert.equal(setupLoggingQueues(), queues);
    getLogger("new").info("two");
    assert.deepEqual([...first.lines, ...second.lines, ...third.lines], []);
    stopQueueListeners();
    assert.deepEqual([first.lines, second.lines, third.lines], [["one", "two"], ["two"], ["two"]]);
    assert.deepEqual(getLogger().handlers, [first, second]);
    assert.deepEqual(getLogger("new").handlers, [third]);
    getLogger().info("three");
    assert.equal(first.lines.at(-1), "three");
    stopQueueListeners();
  });

  test("that are full deliver at once, and lose nothing", async () => {
    const { lines: written } = lines("");
    const queues = setupLoggingQueues({ capacity: 10 });
    for (let i = 0; i < 95; i++) getLogger().info("m%d", i);
    assert.ok(queues.pending <= 10 && written.length >= 85);
    await queues.flush();
    assert.deepEqual(
      written,
      Array.from({ length: 95 }, (_, i) => `m${i}`),
    );
    assert.equal(queues.dropped, 0);
  });

  test("that are full lose nothing that a handler tells while it is given a record", async () => {
    const written: string[] = [];
    getLogger().addHandler(
      Object.assign(new Lines(), {
        emit(record: LogRecord) {
          const message = record.getMessage();
          written.push(message);
          if (message.startsWith("m")) for (let i = 0; i < 3; i++) getLogger().warning("inner");
        },
      }),
    );
    const queues = setupLoggingQueues({ capacity: 5 });
    for (let i = 0; i < 40; i++) getLogger().warning("m%d", i);
    while (queues.pending > 0) await queues.flush();
    assert.equal(queues.dropped, 0);
    assert.deepEqual(
      written.filter((message) => message !== "inner"),
      Array.from({ length: 40 }, (_, i) => `m${i}`),
    );
    assert.equal(written.length, 160);
  });

  test("that are full may drop, which is counted and told", async () => {
    const { lines: written } = lines("");
    const queues = setupLoggingQueues({ capacity: 10, onFull: "drop" });
    for (let i = 0; i < 95; i++) getLogger().info("m%d", i);
    await queues.flush();
    getLogger().info("later");
    await queues.flush();
    assert.equal(queues.dropped, 85);
    const told = written.filter((line) => line.includes("85 records dropped"));
    assert.equal(told.length, 1);
    assert.deepEqual(
      written.filter((line) => !told.includes(line)),
      [...Array.from({ length: 10 }, (_, i) => `m${i}`), "later"],
    );
  });

  test("go on when a handler itself logs, or throws", async () => {
    const written: string[] = [];
    getLogger().addHandler(
      Object.assign(new Lines(), {
        emit(record: LogRecord) {
          written.push(record.getMessage());
          if (record.getMessage() === "outer") getLogger().warning("inner");
          if (record.getMessage() === "bad") throw new Error("on purpose");
        },
        handleError: () => written.push("told"),
      }),
    );
    const queues = setupLoggingQueues();
    for (const message of ["outer", "bad", "last"]) getLogger().warning(message);
    await queues.flush();
    await queues.flush();
    assert.deepEqual(written, ["outer", "bad", "told", "last", "inner"]);
  });

  test("that are full while a handler logs keep the order, and their size", async () => {
    const written: string[] = [];
    getLogger().addHandler(
      Object.assign(new Lines(), {
        emit(record: LogRecord) {
          const message = record.getMessage();
          written.push(message);
          if (!message.includes("inner") && !message.includes("dropped")) getLogger().warning("%s inner", message);
        },
      }),
    );
    const queues = setupLoggingQueues({ capacity: 2 });
    for (const message of ["a", "b", "c"]) getLogger().warning(message);
    assert.ok(queues.pending <= 2);
    await queues.flush();
    await queues.flush();
    assert.deepEqual(
      written.filter((message) => !message.includes("dropped")),
      ["a", "b", "a inner", "b inner", "c", "c inner"],
    );
  });

  test("are delivered at the end to handlers that are newer than they", () => {
    lines("");
    setupLoggingQueues();
    const target = new Lines();
    getLogger().addHandler(new MemoryHandler(100, { target }));
    setupLoggingQueues();
    getLogger().warning("kept");
    shutdown();
    assert.deepEqual(target.lines, ["kept"]);
  });

  test("are closed with the handlers behind them when the root is configured anew", async (t) => {
    const file = join(temporaryDirectory(t), "app.log");
    basicConfig({ filename: file, format: "%(message)s" });
    const closed = mock.method(getLogger().handlers[0]!, "close");
    setupLoggingQueues();
    getLogger().error("x");
    basicConfig({ force: true });
    assert.equal(closed.mock.callCount(), 1);
    assert.equal(readFileSync(file, "utf8"), "x\n");
  });

  test("deliver all the same when a flush is aborted", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const file = new ConcurrentRotatingFileHandler(log);
    getLogger().addHandler(new MemoryHandler(10, { target: file }));
    const flushed = mock.method(file.file, "flush");
    const queues = setupLoggingQueues();
    for (let i = 0; i < 2000; i++) getLogger().error("m%d", i);
    const ending = new AbortController();
    const { signal } = ending;
    const flush = queues.flush({ signal });
    ending.abort("stop");
    await assert.rejects(flush, (reason) => reason === "stop");
    assert.ok(queues.pending > 0);
    const calm = { signal: new AbortController().signal };
    await queues.flush(calm);
    assert.deepEqual(flushed.mock.calls.at(-1)?.arguments, [calm], "those behind other handlers are told");
    assert.equal(readFileSync(log, "utf8").split("\n").length, 2001);
    file.close();
  });

  test("refuse wrong options", () => {
    assert.throws(() => setupLoggingQueues({ size: 5 } as LogQueueOptions), { code: "ERR_CLH_OPTION" });
    assert.throws(() => setupLoggingQueues({ capacity: 0 }), { code: "ERR_CLH_OPTION" });
    assert.throws(() => setupLoggingQueues({ onFull: "block" as "drop" }), { code: "ERR_CLH_OPTION" });
  });
});

describe("what waits when the process ends is written", () => {
  for (const [ending, code] of [
    ["return", 0],
    ["exit", 0],
    ["throw", 3],
    ["listener", 0],
    ["configured listener", 0],
  ] as const) {
    test(ending, async (t) => {
      const file = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "queued-logger", file, 5000, ending);
      assert.equal(await fixture.ended, code);
      const written = readFileSync(file, "utf8").trimEnd().split("\n");
      assert.deepEqual(written, [
        ...Array.from({ length: 5000 }, (_, i) => `record ${i}`),
        ...(ending.endsWith("listener") ? ["bye"] : []),
      ]);
    });
  }
});

test("a listener that is stopped has delivered all, and starts again where it was", async () => {
  const queue = new LogQueue<LogRecord>();
  const handler = new Lines();
  const listener = new QueueListener(queue, [handler]);
  const sender = new QueueHandler(queue);
  sender.handle(makeLogRecord({ msg: "before" }));
  listener.start();
  sender.handle(makeLogRecord({ msg: "while" }));
  listener.stop();
  sender.handle(makeLogRecord({ msg: "after" }));
  assert.deepEqual(handler.lines, ["before", "while"]);
  await queue.flush();
  listener.start();
  await listener.flush();
  assert.deepEqual(handler.lines, ["before", "while", "after"]);
  listener.stop();
});

test("null in a field of the program's own stays null behind a queue", async () => {
  const { lines: direct } = Object.assign(lines("null"), { formatter: new JsonFormatter({ fields: {} }) });
  const queue = new LogQueue<LogRecord>();
  const behind = new Lines({ formatter: new JsonFormatter({ fields: {} }) });
  const listener = new QueueListener(queue, [behind]);
  listener.start();
  getLogger("null").addHandler(new QueueHandler(queue));
  getLogger("null")
    .with({ extra: { user: null } })
    .error("x");
  await listener.flush();
  listener.stop();
  assert.deepEqual([direct, behind.lines], [['{"user":null}'], ['{"user":null}']]);
});

test("a prepared record can be sent to another thread", async () => {
  const { port1, port2 } = new MessageChannel();
  const received = new Promise<Record<string, unknown>>((resolve) => port2.once("message", resolve));
  const sender = new QueueHandler({ put: (record: LogRecord) => port1.postMessage({ ...record }) });
  getLogger("thread").addHandler(sender);
  getLogger("thread").exception(new Error("sent"), "with %s", "arguments");
  const text = new Formatter("%(name)s %(levelname)s %(message)s").format(makeLogRecord(await received));
  assert.match(text, /^thread ERROR with arguments\nError: sent\n/);
  port1.close();
});
