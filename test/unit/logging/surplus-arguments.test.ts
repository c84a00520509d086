import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  ConcurrentRotatingFileHandler,
  error as errorOfRoot,
  Formatter,
  getLogger,
  Handler,
  JsonFormatter,
  type LogRecord,
  MemoryHandler,
} from "../../../src/logging.js";
import { LogQueue, QueueHandler, QueueListener, setupLoggingQueues, stopQueueListeners } from "../../../src/queue.js";
import { standardErrorOf } from "../../support/standard-error.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* `error("failed", err)` and `info("done", { a: 1 })`: values that the message has no place for are written. */

class Lines extends Handler {
  readonly lines: string[] = [];

  override emit(record: LogRecord): void {
    this.lines.push(this.format(record));
  }
}

const logger = getLogger("surplus");
const boom = new TypeError("boom", { cause: "inner" });
/** What a log call writes: message and exception, apart. */
const BOOM = /^TypeError: boom\n +at .*\[cause\]: 'inner'/s;

beforeEach(() => {
  logger.propagate = false;
  logger.setLevel("DEBUG");
});
afterEach(() => {
  for (const handler of [...logger.handlers, ...getLogger().handlers]) {
    logger.removeHandler(handler);
    getLogger().removeHandler(handler);
  }
});

function written(call: () => void, formatter?: Formatter): [message: string, exception: string] {
  const handler = new Lines({ formatter });
  logger.handlers = [handler];
  const told = standardErrorOf(() => {
    call();
  });
  assert.equal(handler.lines.length, 1, told);
  const [message = "", ...exception] = handler.lines[0]!.split("\n");
  return [message, exception.join("\n")];
}

describe("an Error that the message has no place for is what was thrown", () => {
  for (const [name, call, expected] of [
    ["behind a text", () => logger.error("failed", boom), "failed"],
    ["behind conversions", () => logger.warning("%s failed at %d", "it", 5, boom), "it failed at 5"],
    ["behind a mapping", () => logger.error("%(user)s failed", { user: "bob" }, boom), "bob failed"],
    ["behind a starred width", () => logger.error("%*d", 3, 5, boom), "  5"],
    ["between other values", () => logger.error("failed", { a: 1 }, boom, 5), "failed { a: 1 } 5"],
    ["with others behind conversions", () => logger.error("%s failed", "it", boom, { a: 1 }), "it failed { a: 1 }"],
    ["of log", () => logger.log("INFO", "failed", [boom]), "failed"],
    ["with fields of one's own", () => logger.with({ extra: { user: "bob" } }).info("failed", boom), "failed"],
    ["that is given twice", () => logger.exception(boom, "failed", boom), "failed"],
  ] as const)
    test(name, () => {
      const [message, exception] = written(call);
      assert.equal(message, expected);
      assert.match(exception, BOOM);
    });

  test("of the root's functions", () => {
    const handler = new Lines();
    getLogger().addHandler(handler);
    errorOfRoot("failed", boom);
    assert.match(handler.lines.join("\n"), /^failed\nTypeError: boom/);
  });

  test("a second one, and one beside what was thrown, are written behind the message", () => {
    const second = new Error("second");
    assert.match(
      written(() => logger.error("failed", boom, second)).join("\n"),
      /^failed Error: second\n +at .*TypeError: boom/s,
    );
    assert.match(
      written(() => logger.exception(boom, "%s", "failed", second)).join("\n"),
      /^failed Error: second\n.*TypeError: boom/s,
    );
  });

  test("in every style", () => {
    for (const [format, style] of [
      ["%(levelname)s %(message)s", "%"],
      ["{levelname} {message}", "{"],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Python writes it
      ["${levelname} ${message}", "$"],
    ] as const) {
      const [message, exception] = written(() => logger.error("failed", boom), new Formatter(format, { style }));
      assert.equal(message, "ERROR failed");
      assert.match(exception, BOOM);
    }
  });

  test("in JSON", () => {
    const [line] = written(() => logger.error("failed", boom, 5), new JsonFormatter());
    const { message, error } = JSON.parse(line);
    assert.equal(message, "failed 5");
    assert.deepEqual([error.type, error.message, error.cause], ["TypeError", "boom", { message: "inner" }]);
  });

  test("filters find it in the record, and copies keep it", () => {
    const found: unknown[] = [];
    logger.addFilter((record) => {
      found.push(record.excInfo);
      return record.copy({ levelname: "X" });
    });
    const [message, exception] = written(() => logger.error("failed", boom));
    logger.removeFilter(logger.filters[0]!);
    assert.deepEqual([found, message], [[boom], "failed"]);
    assert.match(exception, BOOM);
  });

  test("behind queues and in memory", async () => {
    const handler = new Lines();
    const memory = new MemoryHandler(1, { target: handler });
    const queue = new LogQueue<LogRecord>();
    const listener = new QueueListener(queue, [handler]);
    listener.start();
    logger.handlers = [memory, new QueueHandler(queue)];
    logger.error("failed", boom, 5);
    await listener.flush();
    listener.stop();
    logger.handlers = [handler];
    const queues = setupLoggingQueues();
    logger.error("failed", boom, 5);
    await queues.flush();
    stopQueueListeners();
    assert.equal(handler.lines.length, 3);
    for (const line of handler.lines) assert.match(line, /^failed 5\nTypeError: boom\n +at /);
  });
});

describe("other values are written behind a message without conversions", () => {
  for (const [name, call, expected] of [
    ["an object", () => logger.info("done", { a: 1, b: { c: ["x"] } }), "done { a: 1, b: { c: [ 'x' ] } }"],
    [
      "several",
      () => logger.info("done", 1, "two", null, undefined, true, [3]),
      "done 1 'two' null undefined true [ 3 ]",
    ],
    ["an empty object", () => logger.info("done", {}), "done {}"],
    ["behind a percent sign that is written twice", () => logger.info("100%% done", { a: 1 }), "100% done { a: 1 }"],
    ["behind what is no text", () => logger.info(5, { a: 1 }), "5 { a: 1 }"],
    ["text of several lines, in one", () => logger.info("done", "a\nb"), "done 'a\\nb'"],
  ] as const)
    test(name, () => assert.deepEqual(written(call), [expected, ""]));
});

describe("where the message has conversions, Python's rules stay", () => {
  test("an Error has its place", () => {
    assert.deepEqual(
      written(() => logger.error("failed: %s", new Error("x"))),
      ["failed: Error: x", ""],
    );
    assert.deepEqual(
      written(() => logger.error("%(a)s", { a: 1, b: 2 })),
      ["1", ""],
    );
  });

  test("a value too many, and a format that is none, are told on standard error and do not throw", () => {
    for (const [args, reason] of [
      [["%s", "a", "b"], /not all arguments converted/],
      [["%(a)s", { a: 1 }, { b: 2 }], /format requires a mapping/],
      [["50%", boom], /incomplete format/],
      [["%s %s", boom], /not enough arguments/],
    ] as const) {
      const handler = new Lines();
      logger.handlers = [handler];
      const told = standardErrorOf(() => logger.error(...(args as readonly [string, ...unknown[]])));
      assert.deepEqual(handler.lines, []);
      assert.match(told, reason);
    }
  });
});

test("in a file", (t) => {
  const file = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(file);
  logger.handlers = [handler];
  logger.error("failed", boom);
  logger.info("done", { a: 1 });
  handler.close();
  assert.match(readFileSync(file, "utf8"), /^failed\nTypeError: boom\n.*\ndone \{ a: 1 \}\n$/s);
});
