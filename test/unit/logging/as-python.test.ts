import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import {
  basicConfig,
  type CallOptions,
  dictConfig,
  ERROR,
  FATAL,
  Formatter,
  fatal,
  getHandlerByName,
  getHandlerNames,
  getLogger,
  getLogRecordFactory,
  Handler,
  JsonFormatter,
  LoggerAdapter,
  LogRecord,
  log,
  MemoryHandler,
  makeLogRecord,
  NullHandler,
  StreamHandler,
  setLogRecordFactory,
  shutdown,
  WARN,
  warn,
} from "../../../src/logging.js";
import { LogQueue, type QueueHandler, QueueListener } from "../../../src/queue.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* What CPython's own test_logging.py asks of logging, and the oracles do not. */

class Lines extends Handler {
  readonly lines: string[] = [];
  readonly records: LogRecord[] = [];

  override emit(record: LogRecord): void {
    this.records.push(record);
    this.lines.push(this.format(record));
  }
}

const as = <T>(value: unknown) => value as T;

function lines(format?: string): Lines {
  const handler = new Lines({ formatter: new Formatter(format) });
  getLogger().addHandler(handler);
  return handler;
}

afterEach(() => {
  for (const handler of getLogger().handlers) getLogger().removeHandler(handler);
  for (const filter of getLogger().filters) getLogger().removeFilter(filter);
  getLogger().setLevel("WARNING");
});

describe("loggers", () => {
  test("nothing is the name of the root, and what is no text is refused whenever it is asked for", () => {
    assert.equal(getLogger(null), getLogger());
    assert.equal(getLogger(undefined), getLogger());
    for (let i = 0; i < 2; i++)
      assert.throws(() => getLogger(as<string>(5)), {
        code: "ERR_CLH_OPTION",
        message: "A logger name must be a string, got 5.",
      });
  });

  test("children are right below, not where a name between has no logger", () => {
    const parent = getLogger("children.of");
    getLogger("children.of.baz.bozz");
    assert.deepEqual([...parent.getChildren()], []);
    const baz = getLogger("children.of.baz");
    assert.deepEqual([...parent.getChildren()], [baz]);
    const top = getLogger("children");
    assert.ok(getLogger().getChildren().has(top));
    assert.ok(!getLogger().getChildren().has(parent));
  });

  test("the names of the module: WARN and FATAL, warn and fatal", () => {
    const handler = lines("%(levelname)s %(funcName)s %(message)s");
    (function caller() {
      warn("%d", 1);
      fatal("failed", 2);
    })();
    assert.deepEqual(handler.lines, ["WARNING caller 1", "CRITICAL caller failed 2"]);
    assert.deepEqual([WARN, FATAL], [30, 50]);
  });

  test("log takes arguments one by one as well", () => {
    const handler = lines();
    const loose = getLogger() as unknown as { log(...args: unknown[]): void };
    loose.log("ERROR", "%s and %s", "one", { two: 2 });
    loose.log("ERROR", "%d", 5);
    loose.log("ERROR", "failed", new Error("boom"));
    (log as (...args: unknown[]) => void)(ERROR, "%s", "root");
    assert.deepEqual(handler.lines.slice(0, 2).concat(handler.lines[3]!), ["one and { two: 2 }", "5", "root"]);
    assert.match(handler.lines[2]!, /^failed\nError: boom\n/);
  });

  test("stacklevel beyond the stack is its outermost caller", () => {
    const handler = lines("%(filename)s");
    getLogger().log("ERROR", "x", [], { stacklevel: 1000 });
    getLogger().log("ERROR", "x", [], { stacklevel: 0 });
    assert.notEqual(handler.lines[0], "(unknown file)");
    assert.match(handler.lines[1]!, /^as-python\.test/);
  });

  test("extra may not have names of fields, by Python's spelling either", () => {
    for (const name of ["exc_info", "exc_text", "stack_info", "excInfo", "asctime", "taskName"])
      assert.throws(
        () => getLogger().log("ERROR", "x", [], { extra: { [name]: 1 } }),
        { code: "ERR_CLH_FORMAT", message: `Attempt to overwrite "${name}" in LogRecord` },
        name,
      );
  });
});

describe("adapters", () => {
  test("ask and set what the logger has", () => {
    const logger = getLogger("adapters.asked");
    const adapter = logger.with({ extra: { a: 1 } }).with({ extra: { b: 2 } });
    adapter.setLevel("ERROR");
    assert.deepEqual([logger.level, adapter.getEffectiveLevel(), adapter.name], [40, 40, "adapters.asked"]);
    assert.equal(adapter.hasHandlers(), false);
    lines();
    assert.equal(adapter.hasHandlers(), true);
  });

  test("change messages and options by process, also below another one", () => {
    class Connection extends LoggerAdapter {
      override process(msg: unknown, options: CallOptions): [unknown, CallOptions] {
        const [text, all] = super.process(msg, options);
        return [`[${this.extra.id}] ${text}`, all];
      }
    }
    const handler = lines("%(funcName)s %(id)s %(user)s %(message)s");
    const adapter = new Connection(getLogger("adapters.process"), { id: 7 });
    (function caller() {
      adapter.with({ extra: { user: "bob" } }).error("lost %d", 3);
      new LoggerAdapter(adapter, { user: "eve" }).error("lost");
    })();
    assert.deepEqual(handler.lines, ["caller 7 bob [7] lost 3", "caller 7 eve [7] lost"]);
  });
});

describe("records", () => {
  test("are made by a factory that a program may replace", () => {
    class Mine extends LogRecord {
      host = "h1";
    }
    const before = getLogRecordFactory();
    const handler = lines("%(host)s %(funcName)s %(message)s %(user)s");
    try {
      setLogRecordFactory((...args) => new Mine(...args));
      (function caller() {
        getLogger()
          .with({ extra: { user: "bob" } })
          .error("%d", 1);
      })();
      assert.ok(handler.records[0] instanceof Mine);
      setLogRecordFactory((...args) => Object.assign(before(...args), { host: "h2" }));
      (function caller() {
        getLogger().log("ERROR", "x", [], { extra: { user: "eve" } });
      })();
    } finally {
      setLogRecordFactory(before);
    }
    assert.deepEqual(handler.lines, ["h1 caller 1 bob", "h2 caller x eve"]);
  });

  test("from Python may have a dict for arguments", () => {
    assert.equal(makeLogRecord({ msg: "%(a)s", args: { a: 1 } }).getMessage(), "1");
    assert.equal(makeLogRecord({ msg: "%s", args: ["x"] }).getMessage(), "x");
    assert.equal(makeLogRecord({ msg: "%s", args: null }).getMessage(), "%s");
  });
});

describe("handlers", () => {
  test("are found by their names while they are open", () => {
    const handler = new NullHandler();
    handler.name = "as-python";
    assert.equal(getHandlerByName("as-python"), handler);
    assert.ok(getHandlerNames().has("as-python"));
    handler.name = "other";
    assert.equal(getHandlerByName("as-python"), undefined);
    handler.close();
    assert.equal(getHandlerByName("other"), undefined);
    assert.ok(!getHandlerNames().has("other"));
  });

  test("in memory that shall not flush when closed let go what they keep, when the process ends too", () => {
    for (const [flushOnClose, expected] of [
      [true, ["kept"]],
      [false, []],
    ] as const) {
      const target = new Lines();
      const memory = new MemoryHandler(10, { target, flushOnClose });
      memory.handle(makeLogRecord({ msg: "kept" }));
      shutdown([memory]);
      assert.deepEqual(target.lines, expected);
    }
  });

  test("of streams say which stream was before, if it was another", () => {
    const [one, two] = [{ write: () => true }, { write: () => true }];
    const handler = new StreamHandler(one);
    assert.equal(handler.setStream(one), undefined);
    assert.equal(handler.setStream(two), one);
    assert.equal(handler.stream, two);
  });
});

describe("basicConfig", () => {
  test("takes null for none, and errors", (t) => {
    const nothing = { filename: null, stream: null, handlers: null, level: null, datefmt: null, encoding: null };
    basicConfig({ ...nothing, errors: null, force: true });
    assert.ok(getLogger().handlers[0] instanceof StreamHandler);
    const file = join(temporaryDirectory(t), "app.log");
    basicConfig({ filename: file, encoding: "ascii", errors: "replace", format: null, force: true });
    getLogger().error("é");
    shutdown();
    assert.equal(readFileSync(file, "utf8"), "?\n");
    for (const [option, value] of [
      ["errors", "backslashreplace"],
      ["filemode", "x"],
    ] as const)
      assert.throws(
        () => basicConfig({ filename: file, [option]: value, force: true }),
        { code: "ERR_CLH_OPTION", option, message: new RegExp(`\`${option}\`.*'${value}'`) },
        option,
      );
  });
});

describe("dictConfig", () => {
  const withHandler = (options: Record<string, unknown>, more: object = {}) =>
    dictConfig({
      version: 1,
      disable_existing_loggers: false,
      handlers: { h: options },
      root: { handlers: ["h"] },
      ...more,
    });
  const made = () => getLogger().handlers[0]!;

  test("uses filter objects that it is given, not copies", () => {
    const filter = {
      seen: 0,
      filter() {
        this.seen++;
        return true;
      },
    };
    withHandler({ class: "NullHandler", filters: [filter] }, { root: { handlers: ["h"], filters: [filter] } });
    assert.deepEqual([getLogger().filters, made().filters], [[filter], [filter]]);
    getLogger().error("x");
    assert.equal(filter.seen, 1);
  });

  test("gives objects to factories as they are, and fills in references all the same", () => {
    const options = { list: [{ a: 1 }] };
    let given: Record<string, unknown> = {};
    const factory = (all: Record<string, unknown>) => {
      given = all;
      return new NullHandler();
    };
    withHandler({ "()": factory, options, level: "ERROR", other: { deep: ["cfg://word"] } }, { word: "w" });
    assert.equal(given.options, options);
    assert.deepEqual(given, { options, other: { deep: ["w"] } });
    assert.equal(made().level, 40);
  });

  test("takes functions and classes for () and class", (t) => {
    const file = join(temporaryDirectory(t), "app.log");
    class Shouting extends Formatter {
      override format(record: LogRecord): string {
        return super.format(record).toUpperCase();
      }
    }
    class Mine extends Handler {
      readonly options: object;
      constructor(options: object) {
        super();
        this.options = options;
      }
      override emit(): void {}
    }
    class Only {
      filter(record: LogRecord): boolean {
        return record.msg !== "dropped";
      }
    }
    const formatters = { f: { class: Shouting, format: "%(levelname)s {message}" }, j: { "()": JsonFormatter } };
    const filters = { only: { "()": Only }, odd: { "()": () => () => true } };
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) };
    class Stream extends StreamHandler {}
    withHandler({ class: Stream, stream, formatter: "f", filters: ["only", "odd"] }, { formatters, filters });
    assert.ok(made() instanceof Stream);
    getLogger().error("x");
    getLogger().error("dropped");
    assert.deepEqual(written, ["ERROR {MESSAGE}\n"]);
    withHandler({ "()": Mine, url: "u" });
    assert.deepEqual((made() as Mine).options, { url: "u" });
    dictConfig(
      { version: 1, handlers: { h: { class: "app.Mine", url: "u" } }, root: { handlers: ["h"] } },
      { names: { "app.Mine": Mine } },
    );
    assert.ok(made() instanceof Mine);
    withHandler({ class: "FileHandler", filename: file, formatter: "j" }, { formatters });
    getLogger().error("x");
    assert.equal(JSON.parse(readFileSync(file, "utf8")).message, "x");
  });

  test("makes the queue and the listener of a queue handler as Python 3.12", () => {
    class Listener extends QueueListener {}
    const queue = new LogQueue<LogRecord>();
    const shared = () => queue;
    for (const [options, capacity] of [
      [{}, 10_000],
      [{ queue: "queue.Queue" }, 10_000],
      [{ queue: { "()": "queue.Queue", maxsize: 7 } }, 7],
      [{ queue: { "()": "queue.Queue", maxsize: -1 } }, 10_000],
      [{ queue: { "()": (given: object) => new LogQueue({ ...given }), capacity: 9 } }, 9],
      [{ queue: { capacity: 8 } }, 8],
      [{ queue: shared, listener: Listener }, 10_000],
      [{ listener: "logging.handlers.QueueListener" }, 10_000],
    ] as const) {
      const handlers = {
        file: { class: Lines },
        h: { class: "logging.handlers.QueueHandler", handlers: ["file"], ...options },
      };
      dictConfig({ version: 1, handlers, root: { handlers: ["h"] } });
      const handler = made() as QueueHandler;
      const waiting = handler.queue as LogQueue<LogRecord>;
      assert.equal(waiting.capacity, capacity);
      assert.equal(handler.listener instanceof Listener, "queue" in options && options.queue === shared);
      getLogger().error("x");
      handler.flushSync();
      assert.deepEqual((handler.listener!.handlers[0] as Lines).lines, ["x"]);
    }
    for (const wrong of [4, "", "foo", true, [], { "()": "logging.NullHandler" }])
      assert.throws(
        () => withHandler({ class: "QueueHandler", queue: wrong }),
        { code: "ERR_CLH_CONFIG" },
        String(wrong),
      );
    for (const wrong of [4, "foo", () => new NullHandler()])
      assert.throws(() => withHandler({ class: "QueueHandler", listener: wrong }), { code: "ERR_CLH_CONFIG" });
  });
});
