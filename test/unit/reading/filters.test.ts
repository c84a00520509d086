import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { followLog, type LogRecord, type ReadLogOptions, readLog } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

function logOf(t: TestContext, content: string): string {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, content);
  return log;
}

async function read(log: string, options: ReadLogOptions): Promise<LogRecord[]> {
  const records = [];
  for await (const record of readLog(log, options)) records.push(record);
  return records;
}

const textsOf = async (log: string, options: ReadLogOptions) => (await read(log, options)).map(({ text }) => text);

/** What a program with a real logger prints. */
const printed = (program: string, cwd = root) =>
  execFileSync(process.execPath, ["--input-type=commonjs", "-e", program], { cwd, encoding: "utf8" });

/** Logs `quiet` and `loud`, each with a user. */
const LOGGED = 'l.info({ user: { id: 1 } }, "quiet"); l.error({ user: { id: 42 } }, "loud");';
const winston = (format: string) =>
  `const w = require("winston"), f = w.format;
   const l = w.createLogger({ format: ${format}, transports: [new w.transports.Console()] });
   l.info("quiet", { user: { id: 1 } }); l.error("loud", { user: { id: 42 } });`;
const log4js = (layout: string) =>
  `const l = require("log4js");
   l.configure({ appenders: { o: { type: "stdout", layout: ${layout} } }, categories: { default: { appenders: ["o"], level: "all" } } });
   l.getLogger("cat.sub").info("quiet"); l.getLogger("cat.sub").error("loud", new Error("a - b"));`;
const logtape = (formatter: string) =>
  `import("@logtape/logtape").then(async (l) => {
     const format = l.${formatter};
     await l.configure({ sinks: { c: (r) => process.stdout.write(format(r)) }, loggers: [{ category: [], sinks: ["c"], lowestLevel: "trace" }] });
     l.getLogger(["app", "sub"]).info("quiet", { user: { id: 1 } }); l.getLogger(["app", "sub"]).error("loud", { user: { id: 42 } });
   });`;

const hosts = join(root, "test/hosts");
const PINO = 'const l = require("pino")();';

describe("levels, fields and times of what real loggers write:", () => {
  const cases: [name: string, program: string, hasUser: boolean, hasTime: boolean, cwd?: string][] = [
    ["pino", PINO + LOGGED, true, true],
    [
      "pino with names of levels",
      `const l = require("pino")({ formatters: { level: (level) => ({ level }) } });${LOGGED}`,
      true,
      true,
    ],
    ["winston json", winston("f.json()"), true, false],
    ["winston json with timestamp", winston("f.combine(f.timestamp(), f.json())"), true, true],
    ["winston json with colours", winston("f.combine(f.colorize(), f.json())"), true, false],
    ["winston logstash", winston("f.logstash()"), false, false],
    ["winston simple", winston("f.simple()"), false, false],
    ["winston cli", winston("f.cli()"), false, false],
    [
      "winston printf with colours",
      winston(
        "f.combine(f.colorize(), f.timestamp(), f.printf(({ timestamp, level, message }) => [timestamp, level + ':', message].join(' ')))",
      ),
      false,
      true,
    ],
    ["log4js basic", log4js('{ type: "basic" }'), false, true],
    ["log4js coloured", log4js('{ type: "coloured" }'), false, true],
    ["log4js pattern", log4js('{ type: "pattern", pattern: "%d %p %c %m" }'), false, true],
    ["LogTape text", logtape("getTextFormatter()"), false, true],
    ["LogTape JSON lines", logtape("jsonLinesFormatter"), false, true],
  ];
  if (existsSync(join(hosts, "node_modules/bunyan")))
    cases.push(["bunyan", `const l = require("bunyan").createLogger({ name: "a" });${LOGGED}`, true, true, hosts]);
  for (const [name, program, hasUser, hasTime, cwd] of cases) {
    test(name, async (t) => {
      const log = logOf(t, printed(program, cwd));
      const [all, errors] = [await read(log, { format: "auto" }), await read(log, { level: "warning+" })];
      const loud = errors[0]!;
      const seen = all.filter(({ message }) => /quiet|loud/.test(message ?? ""));
      assert.deepEqual(
        seen.map(({ level }) => level),
        ["info", "error"],
      );
      assert.equal(errors.length, 1);
      assert.match(loud.message!, /loud/);
      assert.deepEqual(await textsOf(log, { level: "error" }), [loud.text]);
      assert.deepEqual(await textsOf(log, { level: "critical+" }), []);
      assert.deepEqual(await textsOf(log, { where: "level > 'info' && msg ~ 'loud'" }), [loud.text]);
      if (hasUser) assert.deepEqual(await textsOf(log, { field: { "user.id": 42 } }), [loud.text]);
      if (hasTime) assert.ok(Math.abs(loud.time! - Date.now()) < 3_600_000, `${loud.time}`);
      else assert.equal(loud.time, undefined);
    });
  }

  test("ours", async (t) => {
    const { Formatter, JsonFormatter, getLogger, ConcurrentRotatingFileHandler } = await import(
      "../../../src/logging.js"
    );
    for (const formatter of [
      new JsonFormatter(),
      new JsonFormatter({ fields: { time: "asctime", level: "levelno", message: "message", logger: "name" } }),
      new Formatter("%(asctime)s %(levelname)-8s %(name)s %(message)s"),
      new Formatter("%(levelname)s:%(name)s:%(message)s"),
    ]) {
      const log = logOf(t, "");
      const handler = new ConcurrentRotatingFileHandler(log);
      handler.setFormatter(formatter);
      const logger = getLogger("filters");
      logger.setLevel("DEBUG");
      logger.addHandler(handler);
      logger.info("quiet");
      logger.warning("half");
      logger.error("loud");
      logger.removeHandler(handler);
      handler.close();
      // Python's 30 is a warning, and pino's is not.
      const levels = (await read(log, { level: "warning+" })).map(({ level }) => level);
      assert.deepEqual(levels, ["warning", "error"]);
      assert.equal((await read(log, { level: "info" })).length, 1);
    }
  });
});

describe("numbers of levels", () => {
  for (const [record, level] of [
    ['{"level":30,"time":1,"msg":"x"}', "info"],
    ['{"level":35,"msg":"x"}', "notice"],
    ['{"levelno":30,"message":"x"}', "warning"],
    ['{"level":30,"asctime":"2024","message":"x"}', "warning"],
    ['{"level":50,"lineno":7}', "critical"],
    ['{"level":20,"lineno":7}', "info"],
    ['{"level":10,"lineno":7}', "debug"],
    ['{"severity":"WARNING"}', "warning"],
    ['{"level":3,"short_message":"x"}', "error"],
    ['{"log.level":"error"}', "error"],
    ['{"log":{"level":"warn"}}', "warning"],
    ['{"level":{"level":20000,"levelStr":"WARN","colour":"green"}}', "warning"],
    ['{"level":"success"}', "success"],
    ['{"msg":"x"}', undefined],
  ] as const) {
    test(record, async (t) => {
      const [{ level: found }] = (await read(logOf(t, `${record}\n`), {})) as [LogRecord];
      assert.equal(found, level);
    });
  }
});

const TRACES = `2024-05-17 10:00:00,000 INFO root one
2024-05-17 10:00:01,000 ERROR root two
Traceback (most recent call last):
  File "x.py", line 1, in <module>

During handling of the above exception, another exception occurred:

ERROR:not:a record
ValueError: bad
2024-05-17 10:00:02,000 INFO root three
{"level":50,"msg":"four"}
    at f (file.js:1:1)
{"level":30,"msg":"five"}
TypeError: printed by itself
    at g (file.js:1:1)
`;

test("a stack trace belongs to its record", async (t) => {
  const log = logOf(t, TRACES);
  const all = await textsOf(log, { format: "auto" });
  assert.deepEqual(
    all.map((text) => text.split("\n").length),
    [1, 8, 1, 2, 1, 2],
  );
  assert.equal(`${all.join("\n")}\n`, TRACES);
  assert.deepEqual(await textsOf(log, { level: "error" }), [all[1], all[3]]);
  assert.deepEqual(await textsOf(log, { grep: /^ValueError/g }), [all[1]]);
  assert.deepEqual(await textsOf(log, { grep: /two$/, last: 1 }), [all[1]]);
  assert.equal((await textsOf(log, {})).length, 15);
});

test("also over the edges of what is read at once, in memory that has a bound", async (t) => {
  const record = (i: number) =>
    `2024-05-17 10:00:00,000 ERROR root record ${i}\n${"  at line of a stack\n".repeat(i % 50)}`;
  const count = 2000;
  const content = Array.from({ length: count }, (_, i) => record(i)).join("");
  assert.ok(content.length > 3 * 256 * 1024);
  const found = await read(logOf(t, content), { level: "error" });
  assert.equal(found.length, count);
  for (const [i, { text, offset, bytes }] of found.entries()) {
    assert.equal(`${text}\n`, record(i));
    assert.ok(content.startsWith(record(i), offset));
    assert.equal(bytes.length, text.length);
  }
  const long = `2024-05-17 10:00:00,000 ERROR root long\n${"  at line of a stack\n".repeat(100_000)}`;
  const parts = await read(logOf(t, long), { format: "auto" });
  assert.equal(parts.map(({ text }) => `${text}\n`).join(""), long);
  assert.ok(parts.length > 1 && parts.every(({ bytes }) => bytes.length < 1.1 * 1024 ** 2));
});

test("in other encodings, and with other ends of lines", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const lines = ['{"level":50,"msg":"über ਊ"}', '{"level":30,"msg":"x"}'];
  writeFileSync(log, Buffer.from(`\ufeff${lines.join("\r\n")}\r\n`, "utf16le"));
  const options = { encoding: "utf-16", terminator: "\r\n" };
  assert.deepEqual(await textsOf(log, { ...options, where: "msg ~ 'ü' && level >= 50" }), [lines[0]]);
  writeFileSync(log, `${lines.join("\r\n")}\r\n`);
  assert.deepEqual(await textsOf(log, { terminator: "\r\n", where: "level < 50" }), [lines[1]]);
});

describe("formats by name and by pattern", () => {
  const CLF = `::1 - ann [17/May/2024:10:00:00 +0200] "GET /api/users?x=1 HTTP/1.1" 503 1234 "-" "curl \\"8\\""
::1 - - [17/May/2024:11:00:00 +0200] "GET / HTTP/1.1" 200 -
::1 - - [17/May/2024:12:00:00 +0200] "\\x16\\x03" 400 0 "http://x/" "-"
`;
  const W3C = `#Version: 1.0
#Fields: date time cs-method cs-uri-stem sc-status cs(User-Agent)
2024-05-17 10:00:00 GET /a 200 "a b"
2024-05-17 11:00:00 GET /b 500 -
#Fields: time sc-status
12:00:00 501
`;

  test("clf and combined", async (t) => {
    const log = logOf(t, CLF);
    for (const format of ["clf", "combined", "auto", undefined]) {
      const records = await read(log, { format, where: "status >= 400" });
      assert.equal(records.length, 2);
      assert.deepEqual(records[0]!.fields, {
        host: "::1",
        user: "ann",
        time: "17/May/2024:10:00:00 +0200",
        request: "GET /api/users?x=1 HTTP/1.1",
        method: "GET",
        path: "/api/users?x=1",
        protocol: "HTTP/1.1",
        status: 503,
        bytes: 1234,
        agent: 'curl \\"8\\"',
      });
    }
    const since = new Date("2024-05-17T08:30Z");
    assert.equal((await read(log, { since, until: new Date("2024-05-17T09:30Z") })).length, 1);
  });

  test("w3c, whose header says which fields there are, and is no record", async (t) => {
    const log = logOf(t, W3C);
    for (const format of ["w3c", "auto"]) {
      const records = await read(log, { format });
      assert.equal(records.length, 3);
      assert.deepEqual(records[0]!.fields, {
        date: "2024-05-17",
        time: "2024-05-17T10:00:00Z",
        "cs-method": "GET",
        "cs-uri-stem": "/a",
        "sc-status": 200,
        "cs(User-Agent)": "a b",
      });
      assert.deepEqual(await textsOf(log, { format, where: "sc-status >= 500" }), [
        "2024-05-17 11:00:00 GET /b 500 -",
        "12:00:00 501",
      ]);
      assert.equal(records[1]!.time, Date.UTC(2024, 4, 17, 11));
      assert.equal(
        (await read(log, { format, since: Date.UTC(2024, 4, 17, 11), last: 1 }))[0]!.fields!["sc-status"],
        501,
      );
    }
  });

  for (const [format, line, fields] of [
    [
      "%(asctime)s %(levelname)-8s [%(name)s:%(lineno)d] %(message)s",
      "2024-05-17 10:00:00,123 INFO     [a.b:7] x - [y]",
      { time: "2024-05-17 10:00:00,123", level: "INFO", logger: "a.b", lineno: 7, message: "x - [y]" },
    ],
    ["{levelname:<8}|{name}|{message}", "WARNING |a|b|c", { level: "WARNING", logger: "a", message: "b|c" }],
    [
      "[%d{ISO8601}] [%p] %c - %m%n",
      "[2024-05-17T10:00:00.123] [WARN] a - b",
      { time: "2024-05-17T10:00:00.123", level: "WARN", logger: "a", message: "b" },
    ],
    ["/^(?<level>\\w+)! (?<message>.*)/s", "ERROR! it\nand more", { level: "ERROR", message: "it\nand more" }],
    [/^(?<level>\w+)! (?<message>.*)/gs, "ERROR! it\nand more", { level: "ERROR", message: "it\nand more" }],
  ] as const) {
    test(String(format), async (t) => {
      const log = logOf(t, `before\n${line}\n  at f\nplain\n${line}\n`);
      const records = await read(log, { format, where: "level" });
      assert.equal(records.length, 2);
      assert.equal(records[0]!.text, `${line}\n  at f\nplain`);
      assert.deepEqual(records[1]!.fields, fields);
    });
  }
});

test("followLog filters as well, and gives a record with the lines that came with it", async (t) => {
  const log = logOf(t, '{"level":50,"msg":"old"}\n');
  const ending = new AbortController();
  const records = followLog(log, { level: "error+", where: "msg != 'b'", last: 5, signal: ending.signal });
  const next = async () => (await records.next()).value?.text;
  assert.equal(await next(), '{"level":50,"msg":"old"}');
  appendFileSync(log, '{"level":50,"msg":"a"}\n  at f\n{"level":50,"msg":"b"}\n{"level":30,"msg":"c"}\n');
  assert.equal(await next(), '{"level":50,"msg":"a"}\n  at f');
  appendFileSync(log, '{"level":60,"msg":"d"}\n'); // nothing comes behind it
  assert.equal(await next(), '{"level":60,"msg":"d"}');
  ending.abort();
  assert.equal(await next(), undefined);
});

describe("refused when the first record is asked for", () => {
  for (const [options, message] of [
    [{ level: "warnin+" }, /`level`: There is no level "warnin"\. Did you mean "warning\+"\?/],
    [{ level: "30" }, /`level`: There is no level "30"\. The levels are: silly, trace/],
    [{ level: "" }, /`level`/],
    [{ level: 30 }, /`level` to be the name of a level, such as "error" or "warning\+", got 30/],
    [{ where: "status >=" }, /`where`: column 10: expected a field or a value, and it ends there/],
    [{ where: /x/ }, /`where` to be a condition/],
    [
      { field: { "user..id": 1 } },
      /`field`: "user\.\.id" is no path of a field, see column 5\. Did you mean "user\.id"\?/,
    ],
    [{ field: { "a[x]": 1 } }, /see column 2\. Did you mean "a\.x"\?/],
    [{ field: { "": 1 } }, /column 1\. Such as user\.id/],
    [{ field: { a: [1] } }, /`field` to be values by the paths/],
    [{ field: "user.id=42" }, /`field` to be values by the paths/],
    [{ format: "log4j" }, /`format`: There is no format "log4j"\. Did you mean "log4js"\?/],
    [{ format: "/(/" }, /`format`: Invalid regular expression/],
    [{ format: /x/ }, /`format`: \/x\/ has no named group/],
    [{ format: "%(asctime)s%(message)s" }, /`format`: nothing stands between "time" and "message"/],
    [{ format: 5 }, /`format` to be the name of a format/],
    [{ levl: "error" }, /Unknown option `levl`\. Did you mean `level`\?/],
    [{ filter: "x" }, /Unknown option `filter`/],
  ] as [object, RegExp][]) {
    test(`${JSON.stringify(options)}`, async () => {
      for (const reader of [readLog, followLog])
        await assert.rejects(reader("app.log", options).next(), { code: "ERR_CLH_OPTION", message });
    });
  }
});
