import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  ConcurrentTimedRotatingFileHandler,
  type HandlerEvents,
  type LogFileError,
  type TimedRotatingFileHandlerOptions,
} from "../../../src/index.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import type { FileSystem } from "../../../src/platform/file-system.js";
import type { RolloverTime } from "../../../src/rotation/rollover-time.js";
import { Boundaries } from "../../../src/rotation/schedule.js";
import { TimeTrigger } from "../../../src/rotation/time-trigger.js";
import { sizeTrigger } from "../../../src/rotation/trigger.js";
import { environmentWith, ManualClock, systemError } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

const START = Date.UTC(2024, 4, 17, 10, 20, 30);
const HOUR = 3_600_000;
const { fs } = systemEnvironment();

type Told = { [Name in keyof HandlerEvents]: [Name, ...HandlerEvents[Name]] }[keyof HandlerEvents];

function setUp(t: TestContext, options: TimedRotatingFileHandlerOptions = {}, faults: Partial<FileSystem> = {}) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const lock = join(directory, ".__app.lock");
  const clock = new ManualClock();
  clock.time = START;
  const told: Told[] = [];
  const make = (more: TimedRotatingFileHandlerOptions = {}) => {
    const all = { utc: true, ...options, ...more };
    const handler = new ConcurrentTimedRotatingFileHandler(log, all, environmentWith(faults, clock));
    for (const name of ["rotated", "removed", "error"] as const) {
      handler.on(name, ((payload: never) => told.push([name, payload])) as never);
    }
    t.after(() => handler.close());
    return handler;
  };
  return {
    directory,
    log,
    lock,
    clock,
    told,
    make,
    files: () => textOf(directory),
    due: () => readFileSync(lock, "utf8"),
  };
}

describe("the time of the next rotation", () => {
  test("is in the lock file as upstream writes it, and one process rotates for all", (t) => {
    const { make, clock, files, due, told } = setUp(t);
    const [one, two] = [make(), make()];
    one.write("a");
    two.write("b");
    assert.equal(due(), String((START + HOUR) / 1000));
    clock.time += HOUR;
    two.write("c");
    one.write("d");
    assert.deepEqual(files(), { "app.log": "c\nd\n", "app.log.2024-05-17_10": "a\nb\n" });
    assert.deepEqual(
      told.map(([name]) => name),
      ["rotated"],
    );
    assert.equal(due(), String((START + 2 * HOUR) / 1000));
  });

  test("is not put off by rotations by size, which take the counters of the period", (t) => {
    const { make, clock, files, due } = setUp(t, { maxBytes: 8 });
    const handler = make();
    for (const record of ["one", "two", "three"]) {
      handler.write(record);
      clock.time += HOUR / 4;
    }
    assert.equal(due(), String((START + HOUR) / 1000));
    clock.time = START + HOUR;
    handler.write("four");
    assert.deepEqual(files(), {
      "app.log": "four\n",
      "app.log.2024-05-17_10": "one\n",
      "app.log.2024-05-17_10.1": "two\n",
      "app.log.2024-05-17_10.2": "three\n",
    });
  });

  test("is the end of the period of the last record, for a process that starts after it", (t) => {
    const { make, log, clock, files } = setUp(t, { when: "midnight" });
    writeFileSync(log, "yesterday\n");
    utimesSync(log, START / 1000 - 86_400, START / 1000 - 86_400);
    clock.time = START;
    make().write("today");
    assert.deepEqual(files(), { "app.log": "today\n", "app.log.2024-05-16": "yesterday\n" });
  });

  test("of a file without records is the one after now, and nothing is rotated", (t) => {
    const { make, clock, files, due } = setUp(t);
    const handler = make();
    handler.open();
    clock.time += 5 * HOUR;
    handler.write("a");
    assert.deepEqual(files(), { "app.log": "a\n" });
    assert.equal(due(), String((START + 6 * HOUR) / 1000));
  });

  const unbelievable = { garbage: "not a number", empty: "", "1970": "5", "far future": "99999999999", negative: "-7" };
  for (const [name, text] of Object.entries(unbelievable)) {
    test(`when it is ${name}, is what it was: no storm, no file of 1969`, (t) => {
      const { make, clock, lock, files, due } = setUp(t);
      const handler = make();
      handler.write("a");
      writeFileSync(lock, text);
      handler.write("b");
      clock.time += HOUR;
      for (const record of ["c", "d", "e"]) handler.write(record);
      assert.deepEqual(files(), { "app.log": "c\nd\ne\n", "app.log.2024-05-17_10": "a\nb\n" });
      assert.equal(due(), String((START + 2 * HOUR) / 1000));
    });

    test(`when it is ${name} at the start, is that of the last record`, (t) => {
      const { make, clock, lock, log, files } = setUp(t);
      writeFileSync(lock, text);
      writeFileSync(log, "old\n");
      utimesSync(log, START / 1000 - 600, START / 1000 - 600);
      const handler = make();
      for (const record of ["a", "b"]) handler.write(record);
      assert.deepEqual(files(), { "app.log": "old\na\nb\n" });
      clock.time = START + HOUR - 600_000;
      handler.write("c");
      assert.deepEqual(files(), { "app.log": "c\n", "app.log.2024-05-17_10": "old\na\nb\n" });
    });
  }

  test("comes again after the clock was set back by a day", (t) => {
    const { make, clock, files } = setUp(t);
    const handler = make();
    handler.write("a");
    clock.time -= 24 * HOUR;
    handler.write("b");
    clock.time += HOUR;
    handler.write("c");
    assert.deepEqual(files(), { "app.log": "c\n", "app.log.2024-05-16_10": "a\nb\n" });
  });

  test("is passed once when the clock is set forward by a year", (t) => {
    const { make, clock, files } = setUp(t);
    const handler = make();
    handler.write("a");
    clock.time += 365 * 24 * HOUR;
    for (const record of ["b", "c"]) handler.write(record);
    assert.deepEqual(files(), { "app.log": "b\nc\n", "app.log.2024-05-17_10": "a\n" });
  });

  test("that another process has set is believed though its clock is three seconds ahead", (t) => {
    const { make, clock, files } = setUp(t, { when: "s" });
    const [fast, slow] = [make(), make()];
    slow.write("a");
    clock.time += 3000;
    fast.write("b"); // rotates: 3 s later by its clock
    clock.time -= 2000;
    slow.write("c"); // its second is over too
    assert.deepEqual(files(), { "app.log": "b\nc\n", "app.log.2024-05-17_10-20-30": "a\n" });
  });

  test("that another process has set is believed by one that begins then, and whose clock is behind", (t) => {
    const { make, clock, files } = setUp(t, { when: "midnight", utc: true });
    clock.time = Date.UTC(2024, 4, 17, 23, 59, 58);
    const [fast, slow] = [make(), make()];
    for (const handler of [fast, slow]) handler.write("a");
    clock.time += 3000;
    fast.write("b"); // rotates
    clock.time -= 2000;
    make().write("c"); // a second before its midnight
    clock.time += 1000;
    slow.write("d"); // at its midnight
    assert.deepEqual(files(), { "app.log": "b\nc\nd\n", "app.log.2024-05-17": "a\na\n" });
  });

  test("is every log's own where two share a lock file, though not in it", (t) => {
    const locks = temporaryDirectory(t);
    const logs = [1, 2].map(() => setUp(t, { lockFileDirectory: locks }));
    const handlers = logs.map(({ make }) => make());
    let time = START;
    const write = (which: number, text: string) => {
      for (const { clock } of logs) clock.time = time;
      handlers[which]!.write(text);
      utimesSync(logs[which]!.log, time / 1000, time / 1000);
    };
    for (const hour of [0, 1, 2, 3]) {
      write(0, `a ${hour}`);
      write(1, `b ${hour}`);
      time += HOUR;
    }
    for (const [i, name] of ["a", "b"].entries())
      assert.deepEqual(logs[i]!.files(), {
        "app.log": `${name} 3\n`,
        "app.log.2024-05-17_10": `${name} 0\n`,
        "app.log.2024-05-17_11": `${name} 1\n`,
        "app.log.2024-05-17_12": `${name} 2\n`,
      });
  });

  test("is another log's only if the file is the same one, and has no record since", () => {
    for (const [identity, lastRecord, reason] of [
      ["first", HOUR - 1000, "time"],
      ["first", HOUR + 1000, undefined], // the inode of a file that has gone was given again
      ["second", HOUR - 1000, undefined], // rotated by a process whose clock is ahead
    ] as const) {
      const clock = new ManualClock();
      const file = { identity: "first", lastRecord: 0 };
      let stored: number | undefined;
      const trigger = new TimeTrigger({
        boundaries: new Boundaries({ when: "H", interval: 1, atTime: undefined, timeZone: "UTC" }),
        clock,
        shared: {
          read: () => stored,
          write: (seconds: number) => {
            stored = seconds;
          },
        } as unknown as RolloverTime,
        lastRecord: () => file.lastRecord,
        identity: () => file.identity,
        size: sizeTrigger(0, true),
      });
      assert.equal(trigger.due(0, 2), undefined);
      trigger.room(0);
      assert.equal(stored, HOUR / 1000);
      clock.time = HOUR + 2000;
      stored = (2 * HOUR) / 1000;
      Object.assign(file, { identity, lastRecord: lastRecord / 1000 });
      assert.equal(trigger.due(2, 2), reason);
    }
  });

  test("of a log in UTF-16 is in UTF-16, as Python reads it", (t) => {
    const { make, lock, clock, files } = setUp(t, { encoding: "utf-16" });
    make().write("a");
    const text = readFileSync(lock);
    assert.deepEqual(text.subarray(0, 2), Buffer.from([0xff, 0xfe]));
    assert.equal(text.toString("utf16le", 2), String((START + HOUR) / 1000));
    clock.time += HOUR;
    make().write("b");
    assert.equal(Object.keys(files()).length, 2);
  });
});

describe("retention", () => {
  test("keeps so many files, and never gives a counter again", (t) => {
    const { make, files } = setUp(t, { maxBytes: 4, backupCount: 2 });
    const handler = make();
    for (const record of ["a", "b", "c", "d", "e"]) handler.write(record.repeat(3));
    assert.deepEqual(files(), {
      "app.log": "eee\n",
      "app.log.2024-05-17_10.2": "ccc\n",
      "app.log.2024-05-17_10.3": "ddd\n",
    });
  });

  test("by age goes by names, not by mtime", (t) => {
    const { make, directory, files } = setUp(t, { maxAge: "2h" });
    for (const stamp of ["2024-05-17_06", "2024-05-17_07"]) writeFileSync(join(directory, `app.log.${stamp}`), "");
    utimesSync(join(directory, "app.log.2024-05-17_07"), 0, 0);
    make().write("a");
    assert.deepEqual(Object.keys(files()), ["app.log", "app.log.2024-05-17_07"]);
  });

  test("by bytes and by periods", (t) => {
    const { make, directory, files } = setUp(t, { maxTotalBytes: 30, maxPeriods: 2 });
    for (const name of ["07", "08", "08.1", "09"])
      writeFileSync(join(directory, `app.log.2024-05-17_${name}`), "x".repeat(9));
    make().write("a");
    assert.deepEqual(Object.keys(files()), [
      "app.log",
      "app.log.2024-05-17_08",
      "app.log.2024-05-17_08.1",
      "app.log.2024-05-17_09",
    ]);
    make({ maxTotalBytes: 20 }).write("b");
    assert.deepEqual(Object.keys(files()), ["app.log", "app.log.2024-05-17_08.1", "app.log.2024-05-17_09"]);
  });

  test("of names of the future deletes them first, and never what it has just made", (t) => {
    for (const options of [{ backupCount: 2 }, { maxTotalBytes: 6 }]) {
      const { make, directory, clock, files } = setUp(t, options);
      for (const day of ["01", "02"]) writeFileSync(join(directory, `app.log.2036-01-${day}_10`), "x\n");
      for (const record of ["a", "b", "c", "d"]) {
        make().write(record);
        clock.time += HOUR;
      }
      assert.deepEqual(Object.keys(files()).slice(-2), ["app.log.2024-05-17_11", "app.log.2024-05-17_12"]);
    }
  });

  test("that cannot delete says so, goes on rotating, and tries again", (t) => {
    let isBroken = true;
    const { make, directory, clock, files, told } = setUp(
      t,
      { backupCount: 1 },
      {
        unlink(path) {
          if (isBroken && path.includes("_08")) throw systemError("EACCES", "unlink");
          fs.unlink(path);
        },
      },
    );
    for (const hour of ["07", "08", "09"]) writeFileSync(join(directory, `app.log.2024-05-17_${hour}`), "");
    const handler = make();
    handler.write("a");
    const errors = () => told.flatMap(([name, payload]) => (name === "error" ? [payload as LogFileError] : []));
    assert.deepEqual(
      errors().map(({ code, path }) => [code, path]),
      [["ERR_CLH_PRUNE", join(directory, "app.log.2024-05-17_08")]],
    );
    clock.time += HOUR;
    assert.ok(handler.write("b"));
    assert.deepEqual(Object.keys(files()), ["app.log", "app.log.2024-05-17_08", "app.log.2024-05-17_10"]);
    isBroken = false;
    clock.time += HOUR;
    handler.write("c");
    assert.deepEqual(Object.keys(files()), ["app.log", "app.log.2024-05-17_11"]);
  });

  test("of compressed files comes after their compression", async (t) => {
    const { make, clock, files } = setUp(t, { backupCount: 1, useGzip: true });
    const handler = make();
    for (const record of ["a", "b", "c"]) {
      handler.write(record);
      clock.time += HOUR;
    }
    await handler.swept();
    assert.deepEqual(Object.keys(files()), ["app.log", "app.log.2024-05-17_11.gz"]);
  });
});

describe("an idle process", () => {
  test("rotates in time when asked to", (t) => {
    const { make, clock, files } = setUp(t, { rotateWhenIdle: true });
    const handler = make();
    handler.write("a");
    clock.goTo(START + HOUR - 1);
    assert.deepEqual(files(), { "app.log": "a\n" });
    clock.goTo(START + HOUR);
    assert.deepEqual(files(), { "app.log": "", "app.log.2024-05-17_10": "a\n" });
    handler.close();
    clock.goTo(START + 3 * HOUR);
    assert.deepEqual(files(), { "app.log": "", "app.log.2024-05-17_10": "a\n" });
  });

  test("rotates what another has left, though it never wrote", (t) => {
    const { make, clock, files } = setUp(t);
    make().write("a");
    make({ rotateWhenIdle: true });
    clock.goTo(START + HOUR);
    assert.deepEqual(files(), { "app.log": "", "app.log.2024-05-17_10": "a\n" });
  });

  test("does nothing unless asked to", (t) => {
    const { make, clock, files } = setUp(t);
    make().write("a");
    clock.goTo(START + 5 * HOUR);
    assert.deepEqual(files(), { "app.log": "a\n" });
  });

  test("lets go of a file that another has rotated, within five seconds", (t) => {
    const open = new Set<number>();
    const { make, clock } = setUp(
      t,
      {},
      {
        open(path, flags, mode) {
          const fd = fs.open(path, flags, mode);
          if (path.endsWith("app.log")) open.add(fd);
          return fd;
        },
        close(fd) {
          open.delete(fd);
          fs.close(fd);
        },
      },
    );
    const [idle, busy] = [make(), make()];
    idle.write("a");
    busy.write("b");
    clock.time += HOUR;
    busy.write("c");
    assert.equal(open.size, 2);
    clock.goTo(clock.time + 5000);
    assert.equal(open.size, 1);
    assert.ok(idle.write("d"));
  });
});

test("a namer is asked for the period, its files are found again, and those of others left alone", (t) => {
  const { make, directory, clock, log } = setUp(t, {
    maxBytes: 4,
    backupCount: 2,
    namer: (name) => join(`${name}`, "..", "old", `${name.slice(-13)}.log`),
  });
  mkdirSync(join(directory, "old"));
  for (const name of ["2024-05-17_08.log", "2024-05-17_09.log", "mine.log"])
    writeFileSync(join(directory, "old", name), "");
  const handler = make();
  for (const record of ["aaa", "bbb"]) handler.write(record);
  clock.time += HOUR;
  handler.write("ccc");
  assert.deepEqual(textOf(join(directory, "old")), {
    "2024-05-17_10.log": "aaa\n",
    "2024-05-17_10.log.1": "bbb\n",
    "mine.log": "",
  });
  assert.equal(readFileSync(log, "utf8"), "ccc\n");
});

test("a namer also names what is compressed, by whichever process", async (t) => {
  const { make, directory, clock } = setUp(t, { useGzip: true, namer: (name) => name.replace("app.log.", "day ") });
  const [one, two] = [make(), make()];
  one.write("a");
  clock.time += HOUR;
  one.write("b");
  clock.time += HOUR;
  two.write("c");
  await Promise.all([one.swept(), two.swept()]);
  assert.deepEqual(Object.keys(textOf(directory)), ["app.log", "day 2024-05-17_10.gz", "day 2024-05-17_11.gz"]);
});

test("by hand, the file goes with the others of its period", (t) => {
  const { make, files, due } = setUp(t);
  const handler = make();
  handler.write("a");
  assert.ok(handler.rotate());
  handler.write("b");
  assert.ok(handler.rotate());
  assert.deepEqual(files(), { "app.log": "", "app.log.2024-05-17_10": "a\n", "app.log.2024-05-17_10.1": "b\n" });
  assert.equal(due(), String((START + HOUR) / 1000));
});

test("a directory that cannot be written costs no record, and is tried again", {
  skip: process.getuid?.() === 0 && "root may write anywhere",
}, (t) => {
  const { make, directory, clock, log } = setUp(t);
  const handler = make();
  handler.write("a");
  chmodSync(directory, 0o500);
  t.after(() => chmodSync(directory, 0o700));
  clock.time += HOUR;
  assert.ok(handler.write("b"));
  assert.equal(readFileSync(log, "utf8"), "a\nb\n");
});

test("JSON makes the same handler in another process", (t) => {
  const { make } = setUp(t, {
    utc: false,
    when: "w6",
    atTime: "03:30",
    timeZone: "Asia/Tokyo",
    maxAge: "14d",
    maxPeriods: 3,
    rotateWhenIdle: true,
    backupCount: 7,
  });
  const json = JSON.stringify(make());
  assert.deepEqual(JSON.parse(JSON.stringify(ConcurrentTimedRotatingFileHandler.fromJSON(json))), JSON.parse(json));
  const { when, atTime, timeZone, maxAge, maxPeriods, rotateWhenIdle, backupCount } = JSON.parse(json);
  assert.deepEqual(
    { when, atTime, timeZone, maxAge, maxPeriods, rotateWhenIdle, backupCount },
    {
      when: "W6",
      atTime: "03:30:00",
      timeZone: "Asia/Tokyo",
      maxAge: 14 * 86_400_000,
      maxPeriods: 3,
      rotateWhenIdle: true,
      backupCount: 7,
    },
  );
});

test("a log that was deleted is begun again at its boundary", (t) => {
  const { make, log, clock, files } = setUp(t);
  const handler = make();
  handler.write("a");
  rmSync(log);
  clock.time += HOUR;
  handler.write("b");
  assert.ok(existsSync(log));
  assert.deepEqual(files(), { "app.log": "b\n" });
});
