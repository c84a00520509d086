import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import iconv from "iconv-lite";
import {
  type ConcurrentRotatingFileHandler,
  configFromFile,
  dictConfig,
  Formatter,
  fileConfig,
  getLogger,
  Handler,
  JsonFormatter,
  LogFileError,
  type LoggingConfig,
  type LogRecord,
  type MemoryHandler,
  NullHandler,
  type StreamHandler,
} from "../../../../src/logging.js";
import { temporaryDirectory } from "../../../support/temporary.js";

afterEach(() => dictConfig({ version: 1, disable_existing_loggers: false, root: { level: "WARNING" } }));

const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1);
  return list[0]!;
};

const withHandler = (options: Record<string, unknown>, more: object = {}): LoggingConfig => ({
  version: 1,
  handlers: { h: options },
  root: { handlers: ["h"] },
  ...more,
});

describe("dictConfig", () => {
  test("fills in references", () => {
    const stream = { write: () => true };
    const config = withHandler(
      { class: "logging.StreamHandler", stream: "ext://app.stream", level: "cfg://levels[1]" },
      { levels: ["INFO", "cfg://worst"], worst: "ERROR" },
    );
    dictConfig(config, { names: { "app.stream": stream } });
    const handler = only(getLogger().handlers) as StreamHandler;
    assert.equal(handler.stream, stream);
    assert.equal(handler.level, 40);
    dictConfig(withHandler({ class: "logging.StreamHandler", stream: "ext://sys.stdout", ".": { terminator: "##" } }));
    const second = only(getLogger().handlers) as StreamHandler;
    assert.deepEqual([second.stream, second.terminator], [process.stdout, "##"]);
  });

  test("makes what the caller allows, and nothing else", () => {
    class Mine extends Handler {
      readonly options: object;
      constructor(options: object) {
        super();
        this.options = options;
      }
      override emit(): void {}
    }
    const names = {
      "app.Mine": (options: object) => new Mine(options),
      "app.onlyErrors": () => (record: LogRecord) => record.levelno >= 40,
    };
    dictConfig(
      withHandler(
        { "()": "app.Mine", url: "x", next: "cfg://handlers.other", filters: ["f"] },
        {
          handlers: {
            h: { "()": "app.Mine", url: "x", next: "cfg://handlers.other", filters: ["f"] },
            other: { class: "NullHandler" },
          },
          filters: { f: { "()": "app.onlyErrors" } },
        },
      ),
      { names },
    );
    const handler = only(getLogger().handlers) as Mine;
    const { next, ...options } = handler.options as { next: unknown };
    assert.deepEqual(options, { url: "x" });
    assert.ok(next instanceof NullHandler);
    assert.equal(handler.filters.length, 1);
    for (const name of ["child_process.exec", "constructor", "__proto__", "process.exit"]) {
      assert.throws(() => dictConfig(withHandler({ "()": name })), { code: "ERR_CLH_CONFIG" }, name);
      assert.throws(() => dictConfig(withHandler({ class: "StreamHandler", stream: `ext://${name}` })), {
        code: "ERR_CLH_CONFIG",
      });
    }
  });

  test("has our formatters and our options", (t) => {
    const file = join(temporaryDirectory(t), "app.log");
    const options = {
      class: "ConcurrentRotatingFileHandler",
      filename: file,
      max_bytes: "10MiB",
      backupCount: 3,
      compression: "brotli",
      formatter: "json",
    };
    dictConfig(withHandler(options, { formatters: { json: { class: "JsonFormatter", fields: { m: "message" } } } }));
    const handler = only(getLogger().handlers) as ConcurrentRotatingFileHandler;
    assert.ok(handler.formatter instanceof JsonFormatter);
    assert.equal(handler.file.toJSON().maxBytes, 10 * 1024 ** 2);
    getLogger().error("x");
    assert.equal(readFileSync(file, "utf8"), '{"m":"x"}\n');
  });

  test("that fails changes nothing, and says what is wrong where", () => {
    dictConfig(withHandler({ class: "StreamHandler" }, { loggers: { kept: { level: "INFO" } } }));
    const handler = only(getLogger().handlers);
    const wrong: [config: object, message: RegExp][] = [
      [
        withHandler({ class: "RotatingFileHandler", filename: "x" }),
        /'h': RotatingFileHandler loses records .* ConcurrentRotatingFileHandler/,
      ],
      [withHandler({ class: "ConcurrentRotatingFileHandlr" }), /Did you mean ConcurrentRotatingFileHandler\?/],
      [
        withHandler({ class: "ConcurrentRotatingFileHandler", filename: "x", max_byte: 1 }),
        /Unknown option `maxByte`. Did you mean `maxBytes`/,
      ],
      [withHandler({ class: "StreamHandler", formatter: "f" }), /'h': Unable to set formatter 'f'/],
      [withHandler({ class: "StreamHandler", colour: 1 }), /'h': there is no option 'colour'/],
      [withHandler({ class: "StreamHandler", ".": { emit: 1 } }), /'h': it has no attribute 'emit'/],
      [withHandler({ class: "StreamHandler", level: "info" }), /Did you mean 'INFO'\?/],
      [
        withHandler({ class: "NullHandler", level: "cfg://a" }, { a: "cfg://b", b: "cfg://a" }),
        /cfg:\/\/a leads back to itself/,
      ],
      [withHandler({ class: "NullHandler", level: "cfg://nowhere.x" }), /cfg:\/\/nowhere.x leads nowhere/],
      [withHandler({ class: "MemoryHandler", target: "h" }), /handler 'h' refers to itself/],
      [withHandler({ class: "MemoryHandler", capacity: 5, target: "zz" }), /'h': Unable to set target handler 'zz'/],
      [withHandler({ class: "MemoryHandler" }), /'h': Expected the option `capacity` to be a number/],
      [
        { ...withHandler({ class: "NullHandler" }), loggers: { a: { handlers: "h" } } },
        /logger 'a': expected a list, got 'h'/,
      ],
      [{ version: 1, handlers: 5 }, /Expected 'handlers' to be an object/],
    ];
    for (const [config, message] of wrong)
      assert.throws(
        () => dictConfig(config as LoggingConfig),
        (error) => error instanceof LogFileError && error.code === "ERR_CLH_CONFIG" && message.test(error.message),
        `${message}`,
      );
    assert.deepEqual(getLogger().handlers, [handler]);
    assert.equal(getLogger("kept").disabled, false);
    dictConfig({ version: 1, incremental: true, handlers: { h: { level: "ERROR" } } }); // it has still its name
    assert.equal(handler.level, 40);
  });

  test("makes a queue handler with its listener, as Python 3.12", async (t) => {
    const file = join(temporaryDirectory(t), "app.log");
    const handlers = {
      h: {
        class: "logging.handlers.QueueHandler",
        handlers: ["file"],
        respect_handler_level: true,
        queue: { capacity: 5 },
      },
      file: { class: "ConcurrentRotatingFileHandler", filename: file, level: "ERROR", formatter: "f" },
    };
    const formatters = { f: { format: "%(funcName)s %(message)s" } };
    dictConfig({ version: 1, formatters, handlers, root: { handlers: ["h"] } });
    (function caller() {
      getLogger().error("one");
      getLogger().warning("two");
    })();
    assert.equal(existsSync(file), false);
    await only(getLogger().handlers).flush();
    assert.equal(readFileSync(file, "utf8"), "caller one\n");
  });

  test("gives a logger each handler once", () => {
    dictConfig({ version: 1, handlers: { h: { class: "NullHandler" } }, root: { handlers: ["h", "h"] } });
    assert.equal(getLogger().handlers.length, 1);
  });

  test("replaces also what cannot be flushed, and says so", () => {
    const broken = Object.assign(new NullHandler(), {
      flushSync() {
        throw new Error("cannot flush");
      },
    });
    assert.throws(() => dictConfig(withHandler({ class: "StreamHandler" })), { message: "cannot flush" });
    assert.ok(broken instanceof NullHandler && only(getLogger().handlers).name === "h");
  });

  test("incrementally changes levels alone", () => {
    dictConfig(withHandler({ class: "StreamHandler" }, { loggers: { one: { level: "INFO" } } }));
    const handler = only(getLogger().handlers);
    dictConfig({
      version: 1,
      incremental: true,
      handlers: { h: { level: "ERROR" } },
      loggers: { one: { level: "DEBUG", propagate: false } },
    });
    assert.deepEqual(getLogger().handlers, [handler]);
    assert.deepEqual([handler.level, getLogger("one").level, getLogger("one").propagate], [40, 10, false]);
  });

  test("disables loggers that it does not name, and only those", () => {
    const [old, below] = [getLogger("old"), getLogger("named.below")];
    dictConfig({ version: 1, loggers: { named: {} } });
    assert.deepEqual([old.disabled, below.disabled, getLogger("named").disabled], [true, false, false]);
    dictConfig({ version: 1, disable_existing_loggers: false });
    assert.equal(old.disabled, false);
  });
});

const INI = (handler: string, root = "handlers=h") => `[loggers]
keys=root
[handlers]
keys=h
[formatters]
keys=f
[logger_root]
${root}
[handler_h]
${handler}
[formatter_f]
format=%(levelname)s %(message)s
`;

describe("fileConfig", () => {
  const file = (t: Parameters<typeof temporaryDirectory>[0], name: string, text: string | Buffer) => {
    const path = join(mkdtempSync(join(temporaryDirectory(t), "x")), name);
    writeFileSync(path, text);
    return path;
  };

  test("reads arguments by place and by name, streams, and levels", (t) => {
    fileConfig(file(t, "a.ini", INI("class=StreamHandler\nargs=(sys.stdout,)\nformatter=f")));
    const handler = only(getLogger().handlers) as StreamHandler;
    assert.equal(handler.stream, process.stdout);
    assert.equal((handler.formatter as Formatter).fmt, "%(levelname)s %(message)s");
    fileConfig(file(t, "a.ini", INI("class=handlers.MemoryHandler\nargs=(10, ERROR)\nkwargs={'flushOnClose': False}")));
    const memory = only(getLogger().handlers) as MemoryHandler;
    assert.deepEqual([memory.capacity, memory.flushLevel, memory.flushOnClose], [10, 40, false]);
  });

  test("fills in several names of a value, and names within them", (t) => {
    const text = INI("class=StreamHandler\nlevel=%(a)s%%%(c)s\na=%(b)s,%(b)s\nb=1\nc=%%2");
    assert.throws(() => fileConfig(file(t, "a.ini", text)), { message: /Unknown level: '1,1%%2'/ });
  });

  test("reads other encodings", (t) => {
    const directory = temporaryDirectory(t);
    const text = INI(`class=concurrent_log_handler.ConcurrentRotatingFileHandler\nargs=('${directory}/größe.log',)`);
    fileConfig(file(t, "a.ini", iconv.encode(text, "latin1")), { encoding: "latin-1" });
    getLogger().error("x");
    assert.equal(readFileSync(join(directory, "größe.log"), "utf8"), "x\n");
    assert.throws(() => fileConfig("x.ini", { encoding: "klingon" }), { code: "ERR_CLH_OPTION" });
  });

  test("says where the file is wrong", (t) => {
    const wrong: [text: string, message: RegExp][] = [
      [
        INI("class=StreamHandler\nargs=(__import__('os').system('x'),)"),
        /line 11, column 7: __import__ is not known. Values are read, never evaluated/,
      ],
      [INI("class=StreamHandler\nargs = (1,\n  ['a', open('x')])"), /line 12, column 9: open is not known/],
      [
        INI("class=StreamHandler\nargs=('a\\N{BULLET}',)"),
        /line 11, column 9: \\N is not read here: write the character/,
      ],
      [INI("class=StreamHandler\nargs=('\\x4',)"), /line 11, column 8: \\x is not read here/],
      [INI("class=handlers.MemoryHandler\nargs=(5,)\ntarget=zz"), /Unable to set target handler 'zz'/],
      [INI("class=StreamHandler\nargs=('x"), /line 11, column 7: the text that begins with ' is never closed/],
      [INI("class=StreamHandler\nargs=((1, 2)"), /line 11, column 6: \( is never closed/],
      [INI("class=StreamHandler\nargs=(lambda: 1)()"), /column 7: lambda is not known/],
      [INI("class=StreamHandler\nargs=('a')"), /column 6: expected a tuple: \('app.log',\) needs its comma/],
      [INI("class=StreamHandler\nkwargs={'a': 1}.b"), /column 16: there is "\."/],
      [INI("class=StreamHandler\nargs=(1,)\nkwargs={'stream': 1}"), /args has a value of stream already/],
      [INI("class=NullHandler\nargs=(1,)"), /NullHandler has 0 arguments/],
      [INI("class=StreamHandler\nargs=(9 ** 9 ** 9,)"), /no number, or too large/],
      [
        INI("class=handlers.ConcurrentRotatingFileHandler\nargs=('x',)\nkwargs={'chmod': 0660}"),
        /write 0o660 for an octal number/,
      ],
      [INI("class=StreamHandler\nkwargs={'()': 'x'}"), /StreamHandler has no argument \(\)/],
      [INI("args=()"), /\[handler_h\] needs a value of class/],
      [INI("class=StreamHandler\nclass=StreamHandler"), /line 11, column 1: the section has a value of class already/],
      [`${INI("class=StreamHandler")}[handlers]\n`, /there is a section \[handlers\] already/],
      [INI("class=%(x)s\nx=%(y)s\ny=%(x)s"), /line 10, column 7: %\(\.\.\.\)s stands for itself/],
      [INI("class=%(nothing)s"), /have no value of nothing/],
      [INI("class=50%"), /write %% for %/],
      [INI("class=StreamHandler", "level=INFO"), /\[logger_root\] needs a value of handlers/],
      ["[loggers]\nkeys=app\n[handlers]\nkeys=\n[formatters]\nkeys=\n", /keys of \[loggers\] must include root/],
      ["x=1", /line 1, column 1: a section/],
    ];
    for (const [text, message] of wrong) {
      const path = file(t, "wrong.ini", text);
      assert.throws(
        () => fileConfig(path),
        (error) =>
          error instanceof LogFileError &&
          error.code === "ERR_CLH_CONFIG" &&
          error.message.includes("wrong.ini") &&
          message.test(error.message),
        `${message}`,
      );
    }
    assert.throws(() => fileConfig("/no/such.ini"), { code: "ERR_CLH_CONFIG", message: /ENOENT/ });
    assert.throws(() => fileConfig("/dev/zero"), { code: "ERR_CLH_CONFIG", message: /one megabyte at most/ });
  });

  test("by the file's ending, JSON and YAML are read as well", (t) => {
    const config = {
      version: 1,
      formatters: { f: { format: "%(message)s!" } },
      handlers: { h: { class: "StreamHandler", formatter: "f" } },
      root: { handlers: ["h"], level: "INFO" },
    };
    const yaml =
      "version: 1\nformatters: {f: {format: '%(message)s!'}}\nhandlers:\n  h: {class: StreamHandler, formatter: f}\nroot: {handlers: [h], level: INFO}\n";
    for (const [name, text] of [
      ["a.json", JSON.stringify(config)],
      ["a.yml", yaml],
      ["a.yaml", yaml],
      ["a.ini", INI("class=StreamHandler\nformatter=f", "level=INFO\nhandlers=h")],
    ] as const) {
      dictConfig({ version: 1 });
      configFromFile(file(t, name, text));
      assert.ok(only(getLogger().handlers).formatter instanceof Formatter, name);
      assert.equal(getLogger().level, 20);
    }
    dictConfig({ version: 1 });
    const pythons =
      "version: 1\nhandlers:\n  a: &a\n    class: StreamHandler\n  b: {<<: *a, level: ERROR}\nloggers:\n  yaml: {handlers: [a], propagate: no}\nroot: {handlers: [b]}\n";
    configFromFile(file(t, "b.yaml", pythons));
    assert.equal(getLogger("yaml").propagate, false);
    assert.equal(only(getLogger().handlers).level, 40);
    assert.throws(() => configFromFile(file(t, "a.toml", "")), { code: "ERR_CLH_CONFIG", message: /ends with \.json/ });
    assert.throws(() => configFromFile(file(t, "a.json", "{")), { code: "ERR_CLH_CONFIG", message: /a\.json/ });
    assert.throws(() => configFromFile(file(t, "a.yaml", "a: [")), {
      code: "ERR_CLH_CONFIG",
      message: /line 1, column/,
    });
    assert.throws(() => configFromFile(file(t, "a.yaml", "- 1")), {
      code: "ERR_CLH_CONFIG",
      message: /a\.yaml: Expected the configuration to be an object/,
    });
  });
});
