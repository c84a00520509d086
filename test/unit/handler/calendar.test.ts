import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  ConcurrentTimedRotatingFileHandler,
  type LogFileError,
  readLog,
  type TimedRotatingFileHandlerOptions,
  verifyLog,
} from "../../../src/index.js";
import { environmentWith, ManualClock } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

/* Periods by the clock of a zone, whenever the log was begun: 22:31:13 of a Friday, in Berlin. */

const START = Date.parse("2024-05-17T22:31:13+02:00");

interface Period {
  readonly when: string;
  readonly atTime?: string;
  /** When the first period ends, and the one after it. */
  readonly ends: readonly [string, string];
  readonly stamps: readonly [string, string];
}

const PERIODS: readonly Period[] = [
  {
    when: "hourly",
    ends: ["2024-05-17T23:00:00+02:00", "2024-05-18T00:00:00+02:00"],
    stamps: ["2024-05-17_22", "2024-05-17_23"],
  },
  {
    when: "daily",
    ends: ["2024-05-18T00:00:00+02:00", "2024-05-19T00:00:00+02:00"],
    stamps: ["2024-05-17", "2024-05-18"],
  },
  {
    when: "weekly",
    ends: ["2024-05-20T00:00:00+02:00", "2024-05-27T00:00:00+02:00"],
    stamps: ["2024-05-13", "2024-05-20"],
  },
  {
    when: "monthly",
    ends: ["2024-06-01T00:00:00+02:00", "2024-07-01T00:00:00+02:00"],
    stamps: ["2024-05", "2024-06"],
  },
  {
    when: "Monthly",
    atTime: "03:30",
    ends: ["2024-06-01T03:30:00+02:00", "2024-07-01T03:30:00+02:00"],
    stamps: ["2024-05", "2024-06"],
  },
  {
    when: "weekly",
    atTime: "03:30",
    ends: ["2024-05-20T03:30:00+02:00", "2024-05-27T03:30:00+02:00"],
    stamps: ["2024-05-13", "2024-05-20"],
  },
  {
    when: "0 9,17  * * mon-fri ",
    ends: ["2024-05-20T09:00:00+02:00", "2024-05-20T17:00:00+02:00"],
    stamps: ["2024-05-17_17-00", "2024-05-20_09-00"],
  },
  {
    when: "15 30 */6 * * *",
    ends: ["2024-05-18T00:30:15+02:00", "2024-05-18T06:30:15+02:00"],
    stamps: ["2024-05-17_18-30-15", "2024-05-18_00-30-15"],
  },
];

function setUp(t: TestContext, options: TimedRotatingFileHandlerOptions) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const clock = new ManualClock();
  clock.time = START;
  const told: LogFileError[] = [];
  const make = (more: TimedRotatingFileHandlerOptions = {}) => {
    const all = { timeZone: "Europe/Berlin", ...options, ...more };
    const handler = new ConcurrentTimedRotatingFileHandler(log, all, environmentWith({}, clock));
    for (const name of ["warning", "error"] as const) handler.on(name, (error: LogFileError) => told.push(error));
    t.after(() => handler.close());
    return handler;
  };
  return { directory, log, clock, told, make, files: () => textOf(directory) };
}

for (const { when, atTime, ends, stamps } of PERIODS) {
  const [first, second] = ends.map((text) => Date.parse(text)) as [number, number];
  const options = { when, ...(atTime !== undefined && { atTime }) };

  describe(`${when}${atTime === undefined ? "" : ` at ${atTime}`}`, () => {
    test("ends when the clock says so, once for all processes, and not before", (t) => {
      const { directory, clock, told, make, files } = setUp(t, options);
      const [one, two] = [make(), make()];
      one.write("a");
      assert.equal(readFileSync(join(directory, ".__app.lock"), "utf8"), String(first / 1000));
      clock.time = first - 1;
      two.write("b");
      clock.time = first;
      two.write("c");
      one.write("d");
      clock.time = second;
      one.write("e");
      two.write("f");
      const expected = { "app.log": "e\nf\n", [`app.log.${stamps[0]}`]: "a\nb\n", [`app.log.${stamps[1]}`]: "c\nd\n" };
      assert.deepEqual(files(), expected);
      assert.deepEqual(told, []);
    });

    test("names backups by a template, knows them, and deletes the oldest", (t) => {
      const { clock, make, files, told } = setUp(t, { ...options, keepExtension: true, maxPeriods: 1 });
      const one = make();
      one.write("a");
      clock.time = first;
      one.write("b");
      clock.time = second;
      one.write("c");
      assert.deepEqual(files(), { "app.log": "c\n", [`app-${stamps[1]}.log`]: "b\n" });
      assert.deepEqual(told, []);
    });

    test("ends for a process that starts after it, also when nobody has left a time", (t) => {
      const { log, clock, make, files } = setUp(t, options);
      writeFileSync(log, "left\n");
      utimesSync(log, START / 1000, START / 1000);
      clock.time = first + 1;
      make().write("a");
      assert.deepEqual(files(), { "app.log": "a\n", [`app.log.${stamps[0]}`]: "left\n" });
    });

    test("ends for a process that is idle", (t) => {
      const { clock, make, files } = setUp(t, { ...options, rotateWhenIdle: true });
      make().write("a");
      clock.time = first - 5000; // it looks every four seconds: not for a month
      clock.goTo(first - 1);
      assert.deepEqual(files(), { "app.log": "a\n" });
      clock.goTo(first);
      clock.time = second - 1;
      clock.goTo(second);
      assert.deepEqual(files(), { "app.log": "", [`app.log.${stamps[0]}`]: "a\n" });
    });

    test("comes again after the clock was set back", (t) => {
      const { clock, make, files } = setUp(t, options);
      clock.time = second;
      const handler = make();
      handler.write("ahead");
      clock.time = START;
      handler.write("back");
      clock.time = first;
      handler.write("on");
      assert.deepEqual(files(), { "app.log": "on\n", [`app.log.${stamps[0]}`]: "ahead\nback\n" });
    });

    test("is kept, compressed, counted, read and handed on", async (t) => {
      const { log, clock, told, make } = setUp(t, { ...options, useGzip: true, maxPeriods: 1 });
      const handler = make();
      for (const [i, time] of [START, first, second].entries()) {
        clock.time = time;
        handler.write(`record ${i}`);
        await handler.swept();
      }
      const records: string[] = [];
      for await (const { text } of readLog(log)) records.push(text);
      assert.deepEqual(records, ["record 1", "record 2"]);
      const { files, findings } = await verifyLog(log);
      assert.deepEqual(findings, []);
      assert.equal(files[0]?.path, `${log}.${stamps[1]}.gz`);
      const again = ConcurrentTimedRotatingFileHandler.fromJSON(JSON.stringify(handler));
      assert.deepEqual(again.toJSON(), handler.toJSON());
      again.close();
      assert.deepEqual(told, []);
    });
  });
}

test("Python's words for the same are the same", (t) => {
  const { told, make } = setUp(t, {});
  for (const [ours, python] of [
    [
      { when: "daily", atTime: "03:30" },
      { when: "midnight", atTime: "03:30" },
    ],
    [{ when: "weekly" }, { when: "w0", atTime: "00:00" }],
  ] as const) {
    const [one, two] = [make(ours), make(python)];
    assert.deepEqual(one.toJSON(), two.toJSON());
    for (const handler of [one, two]) handler.write("a");
    for (const handler of [one, two]) handler.close();
  }
  assert.deepEqual(told, []);
});

test("the package for cron is loaded by who needs it, and asked for by name where it is not there", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", WITHOUT_PACKAGE]);
  assert.equal(status, 0, stderr.toString());
  const [before, code, option, message] = JSON.parse(stdout.toString());
  assert.deepEqual([before, code, option], [0, "ERR_CLH_OPTION", "when"]);
  assert.match(message, /Cannot rotate by `when` "0 3 \* \* \*": .* npm install croner/);
});

const WITHOUT_PACKAGE = `
  import Module from "node:module";
  const resolve = Module._resolveFilename;
  let count = 0;
  Module._resolveFilename = function (name, ...others) {
    if (name !== "croner") return resolve.call(this, name, ...others);
    count++;
    throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
  };
  const { ConcurrentTimedRotatingFileHandler } = await import("${new URL("../../../src/index.js", import.meta.url)}");
  for (const when of ["hourly", "daily", "weekly", "monthly"]) new ConcurrentTimedRotatingFileHandler("x.log", { when });
  const before = count;
  try {
    new ConcurrentTimedRotatingFileHandler("x.log", { when: "0 3 * * *" });
  } catch ({ code, option, message }) {
    console.log(JSON.stringify([before, code, option, message]));
  }
`;

describe("refused is", () => {
  for (const { options, option, why } of [
    { options: { when: "hourly", interval: 6 }, option: "interval", why: /1 or left out with `when` "hourly"/ },
    { options: { when: "daily", interval: 2 }, option: "interval", why: /counted from the start/ },
    { options: { when: "hourly", atTime: "03:30" }, option: "atTime", why: /left out with `when` "hourly"/ },
    { options: { when: "0 3 * * *", interval: 2 }, option: "interval", why: /1 or left out/ },
    { options: { when: "0 3 * * *", atTime: "03:30" }, option: "atTime", why: /left out with `when` "0 3/ },
    { options: { when: "61 * * * *" }, option: "when", why: /a cron expression \(Invalid value for minute: 61\)/ },
    { options: { when: "x y z a b" }, option: "when", why: /a cron expression \(.*illegal characters/ },
    { options: { when: "0 0 ? * *" }, option: "when", why: /another time in each process/ },
    { options: { when: "0 0 30 2 *" }, option: "when", why: /whose time comes: there is no such date/ },
    { options: { when: "0 0 * *" }, option: "when", why: /or a cron expression such as/ },
    { options: { when: "0 0 0 * * * 2024" }, option: "when", why: /or a cron expression such as/ },
    { options: { when: "yearly" }, option: "when", why: /W6, HOURLY, DAILY, WEEKLY, MONTHLY/ },
  ]) {
    test(JSON.stringify(options), (t) => {
      assert.throws(() => setUp(t, {}).make(options), { code: "ERR_CLH_OPTION", option, message: why });
    });
  }
});
