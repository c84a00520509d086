import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type DeliveryMode,
  followLog,
  type LogFileError,
  type ReadLogOptions,
  type RotatingFileHandlerOptions,
  readLog,
  verifyLog,
} from "../../../src/index.js";
import { rotateLog } from "../../../src/inspection/sweep-log.js";
import { settingsPath } from "../../../src/log-files/hidden-names.js";
import { listLogFiles } from "../../../src/log-files/list-files.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

const HEADER = "time,level,message";
const BACKUPS = 1000;

function setUp(t: TestContext) {
  const log = join(temporaryDirectory(t), "app.log");
  const told: LogFileError[] = [];
  const begin = (options: RotatingFileHandlerOptions, environment = systemEnvironment()) => {
    const handler = new ConcurrentRotatingFileHandler(log, { backupCount: BACKUPS, ...options }, environment);
    handler.on("warning", (warning) => told.push(warning));
    handler.on("error", (error) => told.push(error));
    t.after(() => handler.close());
    return handler;
  };
  const write = (options: RotatingFileHandlerOptions, ...records: string[]) => {
    const handler = begin(options);
    for (const record of records) handler.write(record);
    handler.close();
  };
  return { log, told, begin, write };
}

/** The content of all files, oldest first. */
function contents(log: string): string[] {
  return listLogFiles(systemEnvironment().fs, log).map(({ path, extension }) => {
    const bytes = readFileSync(path);
    return (extension === ".gz" ? gunzipSync(bytes) : bytes).toString("latin1");
  });
}

async function read(log: string, options: ReadLogOptions = {}): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of readLog(log, options)) texts.push(text);
  return texts;
}

describe("each file begins with the header, once,", () => {
  for (const delivery of ["sync", "batched", "background"] as const satisfies DeliveryMode[]) {
    test(`with delivery ${delivery}`, async (t) => {
      const { log, told, begin } = setUp(t);
      const handler = begin({ header: HEADER, maxBytes: 40, useGzip: true, delivery });
      for (let n = 0; n < 6; n++) handler.write(`record ${n}`);
      await handler.flush();
      await handler.swept();
      assert.deepEqual(told, []);
      assert.deepEqual(
        contents(log),
        [0, 2, 4].map((n) => `${HEADER}\nrecord ${n}\nrecord ${n + 1}\n`),
      );
      assert.deepEqual(
        await read(log),
        [0, 1, 2, 3, 4, 5].map((n) => `record ${n}`),
      );
      assert.equal((await verifyLog(log)).records, 6);
    });
  }

  for (const { name, options, bytes } of [
    { name: "a byte order mark before it", options: { encoding: "utf-8-sig" }, bytes: "\xef\xbb\xbfa,\xc3\xa9\nx\n" },
    { name: "ends of Windows", options: { newline: "\r\n" as const }, bytes: "a,\xc3\xa9\r\nx\r\n" },
    { name: "a terminator", options: { terminator: ";\n" }, bytes: "a,\xc3\xa9;\nx;\n" },
    { name: "Latin-1", options: { encoding: "latin-1" }, bytes: "a,\xe9\nx\n" },
    { name: "UTF-16", options: { encoding: "utf-16" }, bytes: "\xff\xfea\0,\0\xe9\0\n\0x\0\n\0" },
  ]) {
    test(`with ${name}`, async (t) => {
      const { log, begin } = setUp(t);
      const handler = begin({ header: "a,é", ...options });
      handler.write("x");
      assert.deepEqual(contents(log), [bytes]);
      assert.deepEqual(await read(log), ["x"]);
      assert.equal((await verifyLog(log)).records, 1);
    });
  }

  test("opened without a record, emptied, deleted, or found empty", (t) => {
    const { log, begin } = setUp(t);
    writeFileSync(log, "");
    const handler = begin({ header: HEADER });
    handler.open();
    assert.deepEqual(contents(log), [`${HEADER}\n`]);
    handler.write("one");
    truncateSync(log);
    handler.write("two");
    assert.deepEqual(contents(log), [`${HEADER}\ntwo\n`]);
    rmSync(log);
    handler.write("three");
    assert.deepEqual(contents(log), [`${HEADER}\nthree\n`]);
  });

  test("however often it is opened", (t) => {
    const { log, begin } = setUp(t);
    const handler = begin({ header: HEADER, keepFileOpen: false });
    for (const record of ["one", "two"]) handler.write(record);
    begin({ header: HEADER }).write("three");
    begin({ header: HEADER, mode: "w" }).write("four");
    assert.deepEqual(contents(log), [`${HEADER}\nfour\n`]);
  });

  test("unless others have begun it with something else", async (t) => {
    const { log, write } = setUp(t);
    writeFileSync(log, "theirs\n");
    write({ header: HEADER }, "ours");
    assert.deepEqual(contents(log), ["theirs\nours\n"]);
    assert.deepEqual(await read(log), ["theirs", "ours"]);
  });
});

describe("a file with nothing but a header", () => {
  test("is not rotated by hand", (t) => {
    const { log, begin } = setUp(t);
    const handler = begin({ header: HEADER });
    handler.open();
    assert.equal(handler.rotate(), false);
    handler.write("one");
    assert.equal(handler.rotate(), true);
    assert.equal(handler.rotate(), false);
    assert.deepEqual(contents(log), [`${HEADER}\none\n`, `${HEADER}\n`]);
  });

  test("takes a record that is as large as a file", (t) => {
    const { log, write } = setUp(t);
    write({ header: HEADER, maxBytes: 20 }, "a record that is longer", "another one, and longer");
    assert.deepEqual(contents(log), [`${HEADER}\na record that is longer\n`, `${HEADER}\nanother one, and longer\n`]);
  });

  test("becomes no backup when its period has ended", (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    let now = Date.UTC(2026, 0, 1);
    const { clock } = systemEnvironment();
    const environment = { ...systemEnvironment(), clock: { ...clock, now: () => now } };
    const options = { when: "s", header: HEADER, utc: true } as const;
    using handler = new ConcurrentTimedRotatingFileHandler(log, options, environment);
    handler.open();
    now += 5000;
    handler.open();
    handler.write("one");
    assert.deepEqual(textOf(dirname(log)), { "app.log": `${HEADER}\none\n` });
  });
});

describe("a header that is cut off", () => {
  const isFinished = (t: TestContext, environment?: Environment) => {
    const whole = "#Version: 1.0\n#Fields: a b\n";
    for (let length = 1; length < whole.length; length++) {
      const { log, begin } = setUp(t);
      writeFileSync(log, whole.slice(0, length));
      begin({ header: whole }, environment).write("1 2");
      assert.deepEqual(contents(log), [`${whole}1 2\n`]);
    }
  };

  test("is finished, whatever is missing", (t) => isFinished(t));

  test("is found to be so by a look at it: without one it stays", (t) => {
    const { fs } = systemEnvironment();
    const blind = environmentWith({
      read(fd, bytes, offset, length, position) {
        if (position !== 0) return fs.read(fd, bytes, offset, length, position);
        bytes.fill("\n", offset, offset + length); // each file begins with something else
        return length;
      },
    });
    assert.throws(() => isFinished(t, blind), assert.AssertionError);
  });

  test("is finished with other numbers", (t) => {
    const { log, write } = setUp(t);
    writeFileSync(log, "# begun 2026-11-2");
    write({ header: () => "# begun 2027-01-30 by 17" }, "one");
    assert.deepEqual(contents(log), ["# begun 2026-11-2 by 17\none\n"]);
  });

  test("is finished by who could not write all of it", async (t) => {
    const { log, begin } = setUp(t);
    let isFull = true;
    let calls = 0;
    const { fs } = systemEnvironment();
    const environment = environmentWith({
      write(fd, bytes, offset, length) {
        if (!isFull) return fs.write(fd, bytes, offset, length);
        if (bytes.toString("utf8", offset, offset + length).startsWith("#")) return fs.write(fd, bytes, offset, 3);
        throw systemError("ENOSPC");
      },
    });
    const handler = begin({ header: () => `# ${"ab"[calls++]}` }, environment);
    handler.write("one");
    isFull = false;
    handler.write("two");
    await handler.flush();
    const begun = readFileSync(log, "utf8");
    assert.match(begun, /^# [ab]\none\ntwo\n$/);
  });

  test("of something else is a record that is cut off", async (t) => {
    const { log, write } = setUp(t);
    writeFileSync(log, "#Remark");
    write({ header: "#Fields: a b" }, "1 2");
    assert.deepEqual(contents(log), ["#Remark\n1 2\n"]);
    assert.deepEqual(await read(log), ["#Remark", "1 2"]);
  });

  test("is not yet a record while it is written", async (t) => {
    const { log, write } = setUp(t);
    write({ header: "#a\n#b" });
    writeFileSync(log, "");
    const end = new AbortController();
    const texts: string[] = [];
    const following = (async () => {
      for await (const { text } of followLog(log, { fromStart: true, header: "#a\n#b", signal: end.signal })) {
        texts.push(text);
        if (text === "last") end.abort();
      }
    })();
    for (const part of ["#a", "\n", "#b", "\n", "one\n", "last\n"]) {
      appendFileSync(log, part);
      await systemEnvironment().clock.delay(25); // so that the reader may see each of them
    }
    await following;
    assert.deepEqual(texts, ["one", "last"]);
  });
});

describe("a function", () => {
  test("makes the header of each file, with the lock held", async (t) => {
    const { log, begin } = setUp(t);
    let count = 0;
    const handler = begin({ header: () => `# ${100 + count++}`, maxBytes: 20 });
    for (const record of ["one", "two", "three", "four"]) handler.write(record.padEnd(9));
    const heads = contents(log).map((text) => text.split("\n")[0]);
    assert.equal(new Set(heads).size, 4);
    assert.deepEqual(await read(log), ["one      ", "two      ", "three    ", "four     "]);
  });

  for (const { what, header, why } of [
    {
      what: "that throws",
      header: () => {
        throw new Error("no such thing");
      },
      why: /header.*no such thing.*The file has none/,
    },
    { what: "that returns no text", header: () => 7, why: /it returned 7, and no text/ },
    { what: "that returns too much", header: () => "x".repeat(5000), why: /no text of at most 4096 characters/ },
  ]) {
    test(`${what} costs the header, and no record`, (t) => {
      const { log, told, begin } = setUp(t);
      const handler = begin({ header: header as () => string });
      for (const record of ["one", "two"]) assert.equal(handler.write(record), true);
      assert.deepEqual(contents(log), ["one\ntwo\n"]);
      assert.deepEqual(
        told.map(({ code, option }) => [code, option]),
        [["ERR_CLH_OPTION", "header"]],
      );
      assert.match(told[0]!.message, why);
    });
  }

  test("is asked for again by fromJSON", (t) => {
    const { log, begin } = setUp(t);
    const header = () => HEADER;
    const json = JSON.stringify(begin({ header }));
    assert.throws(() => ConcurrentRotatingFileHandler.fromJSON(json), { code: "ERR_CLH_OPTION", option: "header" });
    using again = ConcurrentRotatingFileHandler.fromJSON(json, { header });
    again.write("one");
    assert.deepEqual(contents(log), [`${HEADER}\none\n`]);
    assert.equal(begin({ header: HEADER }).toJSON().header, HEADER);
  });
});

describe("readers", () => {
  test("know the header by what the writers have left, or are told", async (t) => {
    const { log, write } = setUp(t);
    write({ header: HEADER, maxBytes: 40 }, "one", "two", "three", "four", "five", "six");
    const records = ["one", "two", "three", "four", "five", "six"];
    assert.deepEqual(await read(log), records);
    assert.deepEqual(await read(log, { grep: /./ }), records);
    assert.deepEqual(await read(log, { last: 5 }), records.slice(-5));
    rmSync(settingsPath(log));
    assert.equal((await read(log)).length, records.length + contents(log).length);
    assert.deepEqual(await read(log, { header: HEADER }), records);
    assert.equal((await verifyLog(log, { header: HEADER })).records, records.length);
  });

  test("hide no record of files that have none", async (t) => {
    const { log, write } = setUp(t);
    write({ maxBytes: 10 }, "one", "two", "three");
    write({ maxBytes: 40, header: "#a\n#b" }, "four", "five");
    assert.deepEqual(await read(log), ["one", "two", "three", "four", "five"]);
  });

  test("take a header of other numbers for one", async (t) => {
    const { log, write } = setUp(t);
    write({ header: "# version 1.9", maxBytes: 30 }, "one".padEnd(12), "two");
    write({ header: "# version 1.10", maxBytes: 30 }, "three");
    assert.deepEqual(await read(log), ["one         ", "two", "three"]);
  });

  test("follow it from any of its lines on", async (t) => {
    const { log, write } = setUp(t);
    write({ header: "#a\n#b" }, "one", "two");
    for (const [last, expected] of [
      [1, ["two"]],
      [2, ["one", "two"]],
      [3, ["one", "two"]],
      [4, ["one", "two"]],
      [9, ["one", "two"]],
    ] as const) {
      const texts: string[] = [];
      const end = new AbortController();
      for await (const { text } of followLog(log, { last, signal: end.signal })) {
        texts.push(text);
        if (text === "two") end.abort();
      }
      assert.deepEqual(texts, expected, `last ${last}`);
    }
  });

  test("have the fields that it names", async (t) => {
    const { log, write } = setUp(t);
    write({ header: "#Version: 1.0\n#Fields: date time sc-status", maxBytes: 80 }, "2026-05-17 10:20:30 200");
    for await (const { fields } of readLog(log, { format: "w3c" })) assert.equal(fields?.["sc-status"], 200);
    assert.equal((await read(log, { where: "sc-status == 200", format: "w3c" })).length, 1);
  });
});

describe("all writers of a log agree on it:", () => {
  test("another text is told", (t) => {
    const { told, begin } = setUp(t);
    begin({ header: HEADER }).write("one");
    begin({ header: "another" }).write("two");
    assert.equal(told[0]?.code, "ERR_CLH_SETTINGS");
    assert.match(told[0]!.message, /header is "another\\n" here and "time,level,message\\n" in another writer/);
  });

  test("functions agree but for numbers", (t) => {
    const { told, begin } = setUp(t);
    begin({ header: () => "# by 17" }).write("one");
    begin({ header: () => "# by 4711" }).write("two");
    assert.deepEqual(told, []);
    begin({ header: () => "# of 4711" }).write("three");
    assert.match(String(told[0]), /header is "# of 0\\n" here and "# by 0\\n"/);
  });

  test("who rotates for them begins the file as they do", async (t) => {
    const { log, write } = setUp(t);
    write({ header: "a,é", encoding: "utf-16", newline: "\r\n" }, "one");
    const [before] = contents(log);
    await rotateLog(log, { backupCount: 2 });
    assert.deepEqual(contents(log), [before, before!.slice(0, "\xff\xfea\0,\0\xe9\0\r\0\n\0".length)]);
  });

  test("and leaves it empty where only they have the function", async (t) => {
    const { log, write } = setUp(t);
    const header = () => "# by 17";
    write({ header }, "one");
    await rotateLog(log, { backupCount: 2 });
    assert.deepEqual(contents(log), ["# by 17\none\n", ""]);
    write({ header }, "two");
    assert.deepEqual(contents(log), ["# by 17\none\n", "# by 17\ntwo\n"]);
  });
});

describe("refused is", () => {
  for (const { what, options, why } of [
    { what: "a header that fills a file", options: { header: HEADER, maxBytes: 19 }, why: /shorter than `maxBytes`/ },
    { what: "no text", options: { header: "" }, why: /a text of 1 to 4096 characters/ },
    { what: "a number", options: { header: 7 }, why: /a function that returns one/ },
    {
      what: "a function for another thread",
      options: { header: () => "", delivery: "background" },
      why: /another thread/,
    },
    {
      what: "what the encoding lacks",
      options: { header: "é", encoding: "ascii", unicodeErrorPolicy: "strict" },
      why: /the encoding ascii has/,
    },
  ]) {
    test(what, (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const make = () => new ConcurrentRotatingFileHandler(log, options as RotatingFileHandlerOptions);
      assert.throws(make, { option: "header", message: why });
      assert.equal(existsSync(log), false);
    });
  }
});
