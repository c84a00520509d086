import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, mock, test } from "node:test";
import { inspect } from "node:util";
import {
  addLevelName,
  basicConfig,
  ConcurrentRotatingFileHandler,
  captureWarnings,
  disable,
  Formatter,
  getLogger,
  Handler,
  JsonFormatter,
  type LogRecord,
  MemoryHandler,
  makeLogRecord,
  StreamHandler,
  setLastResort,
  shutdown,
  warning,
} from "../../../src/logging.js";
import { Fixture } from "../../support/child.js";
import { standardErrorOf } from "../../support/standard-error.js";
import { temporaryDirectory } from "../../support/temporary.js";

/** Keeps what it would write. */
class Lines extends Handler {
  readonly lines: string[] = [];

  override emit(record: LogRecord): void {
    this.lines.push(this.format(record));
  }
}

function lines(format?: string): Lines {
  const handler = new Lines({ formatter: new Formatter(format) });
  getLogger().addHandler(handler);
  return handler;
}

afterEach(() => {
  for (const handler of getLogger().handlers) getLogger().removeHandler(handler);
  disable("NOTSET");
});

describe("the caller", () => {
  test("is the line of the log call, by whatever method", () => {
    const { lines: written } = lines("%(filename)s:%(lineno)d %(funcName)s %(module)s");
    const logger = getLogger("caller");
    function here(): number {
      logger.error("x");
      logger.with({ extra: { a: 1 } }).error("x");
      logger.log("ERROR", "x");
      logger.exception(new Error("e"), "x");
      warning("x");
      const [, line] = /:(\d+):\d+\)?$/.exec(new Error("here").stack!.split("\n")[1]!)!;
      return Number(line);
    }
    const last = here();
    const shown = written.map((line) => line.split("\n")[0]);
    // With source maps or without, lines are one apart.
    assert.deepEqual(
      shown,
      [5, 4, 3, 2, 1].map((above) => `logger.test.${fileExtension()}:${last - above} here logger.test`),
    );
  });

  test("is another one up with stacklevel", () => {
    const { lines: written } = lines("%(funcName)s");
    const told = () => getLogger().log("ERROR", "x", [], { stacklevel: 2 });
    function outer(): void {
      told();
    }
    outer();
    assert.deepEqual(written, ["outer"]);
  });

  test("is not looked for unless a format asks for it", () => {
    lines("%(message)s");
    const capture = mock.method(Error, "captureStackTrace");
    getLogger().error("x");
    capture.mock.restore();
    assert.equal(capture.mock.callCount(), 0);
  });

  test("is remembered where a record is kept, and unknown when nobody asked in time", () => {
    const target = new Lines({ formatter: new Formatter("%(funcName)s") });
    const memory = new MemoryHandler(2, { target });
    getLogger().addHandler(memory);
    let kept: LogRecord | undefined;
    getLogger().addHandler(
      Object.assign(new Lines(), {
        emit(record: LogRecord) {
          kept = record;
        },
      }),
    );
    function one(): void {
      getLogger().warning("x");
    }
    function two(): void {
      getLogger().warning("x");
    }
    one();
    two();
    assert.deepEqual(target.lines, ["one", "two"]);
    getLogger().removeHandler(memory);
    one();
    let asked = "";
    getLogger().addHandler(
      Object.assign(new Lines(), {
        emit() {
          asked = kept!.funcName;
        },
      }),
    );
    getLogger("other").propagate = false;
    getLogger("other").addHandler(getLogger().handlers.at(-1)!);
    getLogger("other").warning("another call of the same method");
    assert.equal(asked, "(unknown function)");
  });
});

function fileExtension(): string {
  return new Error("x").stack!.includes("logger.test.ts") ? "ts" : "js";
}

describe("what is told", () => {
  test("extra fields, which may not replace others", () => {
    const { lines: written } = lines("%(user)s %(message)s");
    getLogger()
      .with({ extra: { user: "bob" } })
      .warning("%d%%", 50);
    getLogger()
      .with({ extra: { user: "a" } })
      .log("ERROR", "x", [], { extra: { user: "b" } });
    assert.deepEqual(written, ["bob 50%", "b x"]);
    for (const name of ["message", "name", "getMessage", "__proto__"]) {
      const extra = JSON.parse(`{"${name}": 1}`);
      assert.throws(() => getLogger().log("ERROR", "x", [], { extra }), { code: "ERR_CLH_FORMAT" }, name);
    }
  });

  test("what a filter puts in the place of a record, with its caller, and others what was told", () => {
    const format = "%(funcName)s %(user)s %(message)s";
    const { lines: unchanged } = lines(format);
    const redacting = lines(format);
    redacting.addFilter((record) => record.copy({ msg: "pin ****", args: null, user: null }));
    (function caller() {
      getLogger()
        .with({ extra: { user: "bob" } })
        .error("pin %d", 1234);
    })();
    assert.deepEqual([unchanged, redacting.lines], [["caller bob pin 1234"], ["caller null pin ****"]]);
  });

  test("a copy of a record, which knows no caller when nobody has asked in time", () => {
    const kept: LogRecord[] = [];
    const asked: number[] = [];
    getLogger().addHandler(Object.assign(new Lines(), { emit: (record: LogRecord) => kept.push(record.copy()) }));
    getLogger().error("x");
    getLogger().handlers = [Object.assign(new Lines(), { emit: () => asked.push(kept[0]!.lineno) })];
    getLogger().error("another call of the same method");
    assert.deepEqual(asked, [0]);
  });

  test("an exception with its stack and all its causes", () => {
    const { lines: written } = lines();
    const error = new Error("outer", { cause: new TypeError("middle", { cause: "inner" }) });
    getLogger().exception(error);
    getLogger().exception(error, "while %s", "waiting");
    getLogger().exception("no error");
    assert.match(written[0]!, /^outer\nError: outer\n +at .*\[cause\]: TypeError: middle\n.*\[cause\]: 'inner'/s);
    assert.match(written[1]!, /^while waiting\nError: outer\n/);
    assert.equal(written[2], "no error\n'no error'");
  });

  test("a stack where it is asked for", () => {
    const { lines: written } = lines();
    getLogger().log("ERROR", "x", [], { stackInfo: true });
    assert.match(written[0]!, /^x\nStack \(most recent call last\):\n +at /);
    assert.match(written[0]!.split("\n").at(-1)!, /logger\.test/);
  });

  test("arguments that do not fit are told on standard error, and the program goes on", () => {
    const { lines: written } = lines();
    const told = standardErrorOf(() => getLogger().error("%d", "x"));
    assert.match(
      told,
      /--- Logging error ---.*%d format: a real number is required.*Message: '%d', arguments: \[ 'x' \]/s,
    );
    assert.deepEqual(written, []);
  });

  test("an argument that throws when it is shown does not throw into the program, nor keep others from being told", () => {
    lines("%(message)s");
    const others: string[] = [];
    getLogger().addHandler(Object.assign(new Lines(), { emit: ({ name }: LogRecord) => others.push(name) }));
    const hostile = {
      [inspect.custom]() {
        throw new Error("on purpose");
      },
    };
    const told = standardErrorOf(() => getLogger().error("%s", hostile));
    assert.match(told, /--- Logging error ---.*on purpose.*Message: '%s', arguments: \(object that throws/s);
    assert.deepEqual(others, ["root"]);
  });

  test("a level of one's own", () => {
    addLevelName(25, "NOTICE");
    const { lines: written } = lines("%(levelname)s");
    getLogger().setLevel("NOTICE");
    getLogger().log("NOTICE", "x");
    getLogger().info("x");
    getLogger().setLevel("WARNING");
    assert.deepEqual(written, ["NOTICE"]);
  });
});

test("a logger made between two others becomes the parent of the lower one", () => {
  const lower = getLogger("between.a.b.c");
  const upper = getLogger("between");
  assert.equal(lower.parent, upper);
  const middle = getLogger("between.a");
  assert.equal(lower.parent, middle);
  assert.equal(getLogger("between.ab").parent, upper);
  assert.deepEqual([...upper.getChildren()].map(({ name }) => name).sort(), ["between.a", "between.ab"]);
  assert.equal(upper.getChild("a.b.c"), lower);
  assert.equal(getLogger("between.a.b").parent, middle);
  assert.equal(lower.parent, getLogger("between.a.b"));
  assert.equal(getLogger("between..x").parent, upper);
  middle.setLevel("DEBUG");
  assert.equal(lower.getEffectiveLevel(), 10);
});

test("the last resort writes warnings to standard error", () => {
  assert.equal(
    standardErrorOf(() => {
      getLogger("resort").warning("seen");
      getLogger("resort").info("not seen");
    }),
    "seen\n",
  );
  setLastResort(undefined);
  assert.equal(
    standardErrorOf(() => getLogger("resort").warning("seen")),
    "",
  );
});

test("basicConfig writes to a file, once, and again with force", async (t) => {
  const file = join(temporaryDirectory(t), "app.log");
  basicConfig({ filename: file, level: "INFO", format: "{levelname} {message}", style: "{" });
  basicConfig({ filename: `${file}.other` });
  getLogger("basic").info("one");
  basicConfig({ filename: file, force: true });
  getLogger("basic").error("two");
  await getLogger().handlers[0]!.flush();
  getLogger().setLevel("WARNING");
  assert.equal(readFileSync(file, "utf8"), "INFO one\nERROR:basic:two\n");
  assert.throws(() => basicConfig({ filename: file, stream: process.stderr, force: true }), { code: "ERR_CLH_OPTION" });
});

test("unknown options are refused, with the nearest that there is", () => {
  const wrong = <T>(options: object) => options as T;
  const unknown = (option: string, nearest: string) => ({
    code: "ERR_CLH_OPTION",
    message: `Unknown option \`${option}\`. Did you mean \`${nearest}\`?`,
  });
  assert.throws(() => basicConfig(wrong({ fileName: "app.log" })), unknown("fileName", "filename"));
  assert.throws(() => new Formatter("", wrong({ dateFmt: "%H" })), unknown("dateFmt", "datefmt"));
  assert.throws(() => new JsonFormatter(wrong({ field: {} })), unknown("field", "fields"));
  assert.throws(() => new MemoryHandler(wrong({ target: 1 })), { code: "ERR_CLH_OPTION", message: /`capacity`/ });
});

test("shutdown writes what a memory handler keeps, through handlers that are older and newer", (t) => {
  const file = join(temporaryDirectory(t), "app.log");
  const memory = new MemoryHandler(100);
  memory.setTarget(new ConcurrentRotatingFileHandler(file));
  getLogger().addHandler(memory);
  getLogger().warning("kept");
  shutdown();
  assert.equal(readFileSync(file, "utf8"), "kept\n");
});

describe("a handler that cannot flush", () => {
  class Broken extends Handler {
    override emit(): void {}
    override flushSync(): void {
      throw new Error("cannot flush");
    }
  }

  test("keeps no other from writing what it holds, and is told of", (t) => {
    const file = join(temporaryDirectory(t), "app.log");
    const memory = new MemoryHandler(100, { target: new ConcurrentRotatingFileHandler(file) });
    const broken = [new Broken(), new Broken()];
    memory.handle(makeLogRecord({ msg: "kept" }));
    assert.throws(() => shutdown([broken[0]!, memory]), { message: "cannot flush" });
    assert.equal(readFileSync(file, "utf8"), "kept\n");
    assert.throws(() => shutdown(broken), AggregateError);
    assert.doesNotThrow(() => shutdown());
  });

  test("is told of when the process ends, and then the rest is written", async (t) => {
    const file = join(temporaryDirectory(t), "app.log");
    const fixture = new Fixture(t, { name: "broken-handler", stderr: "pipe" }, file);
    assert.match(await text(fixture.process.stderr!), /--- Logging error ---\nError: cannot flush/);
    assert.equal(await fixture.ended, 0);
    assert.equal(readFileSync(file, "utf8"), "kept\nbatched\n");
  });
});

test("Node's warnings go to a logger and no longer to standard error", async () => {
  const { lines: written } = lines("%(name)s %(message)s");
  const before = process.listeners("warning");
  captureWarnings(true);
  captureWarnings(true);
  process.emitWarning("too many of them");
  await new Promise((resolve) => process.once("warning", resolve));
  captureWarnings(false);
  assert.match(written.join("\n"), /^node\.warnings .*too many of them/);
  assert.equal(written.length, 1);
  assert.deepEqual(process.listeners("warning"), before);
});

test("a stream handler writes to standard error", () => {
  const handler = new StreamHandler();
  getLogger().addHandler(handler);
  assert.equal(
    standardErrorOf(() => getLogger().warning("here")),
    "here\n",
  );
});
