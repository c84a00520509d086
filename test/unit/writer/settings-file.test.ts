import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { News } from "../../../src/events/event-queue.js";
import type { HandlerEvents } from "../../../src/events/handler-events.js";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type LogFileError,
  type RotatingFileHandlerOptions,
  type TimedRotatingFileHandlerOptions,
} from "../../../src/index.js";
import { resolveRotatingOptions } from "../../../src/options/resolve-options.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { LogWriter } from "../../../src/writer/log-writer.js";
import { settingsLeft } from "../../../src/writer/settings-file.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

const NAME = ".__app.log.settings";

function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const path = join(directory, NAME);
  /** A handler that has begun, and what it has told. */
  const begin = (
    options: RotatingFileHandlerOptions | TimedRotatingFileHandlerOptions,
    environment: Environment = systemEnvironment(),
  ) => {
    const handler =
      "when" in options
        ? new ConcurrentTimedRotatingFileHandler(log, options, environment)
        : new ConcurrentRotatingFileHandler(log, options, environment);
    const told: LogFileError[] = [];
    handler.on("warning", (warning) => told.push(warning));
    handler.on("error", (error) => told.push(error));
    t.after(() => handler.close());
    assert.equal(handler.write("begun"), true);
    return { handler, told };
  };
  const stored = () => JSON.parse(readFileSync(path, "utf8"));
  /** As if another process had left the file. */
  const leave = (writer: object, settings: object) => {
    const { writer: me, settings: mine } = stored();
    writeFileSync(path, JSON.stringify({ writer: { ...me, ...writer }, settings: { ...mine, ...settings } }));
  };
  return { directory, log, path, begin, stored, leave };
}

const messages = (told: LogFileError[]) => told.map(({ code, message }) => `${code} ${message}`);
const endedProcess = () => spawnSync(process.execPath, ["-e", ""]).pid;

describe("two handlers with different settings", () => {
  test("the second is warned, by name and value, and the smaller maxBytes wins", (t) => {
    const { directory, begin, stored } = setUp(t);
    const first = begin({ maxBytes: 20, backupCount: 9 });
    const second = begin({ maxBytes: 1000, backupCount: 9 });
    assert.deepEqual(first.told, []);
    assert.equal(second.told.length, 1);
    assert.match(messages(second.told)[0]!, /^ERR_CLH_SETTINGS .*: maxBytes is 1000 here and 20 in another process\. /);
    second.handler.write("a".repeat(10));
    assert.deepEqual(textOf(directory), { "app.log": "aaaaaaaaaa\n", "app.log.1": "begun\nbegun\n" });
    assert.equal(second.told.length, 1);
    assert.equal(stored().settings.maxBytes, 20);
  });

  test("whichever begins first", (t) => {
    const { begin, stored } = setUp(t);
    begin({ maxBytes: 1000, backupCount: 9 });
    const { told } = begin({ maxBytes: 20, backupCount: 9 });
    assert.match(messages(told).join(), /maxBytes is 20 here and 1000 in another process/);
    assert.equal(stored().settings.maxBytes, 20);
  });

  test("a third is warned of what is in force", (t) => {
    const { begin } = setUp(t);
    for (const maxBytes of [20, 1000]) begin({ maxBytes, backupCount: 9 });
    assert.match(messages(begin({ maxBytes: 1000, backupCount: 9 }).told).join(), /1000 here and 20 in another/);
    assert.deepEqual(begin({ maxBytes: 20, backupCount: 9 }).told, []);
  });

  test("a limit wins over none", (t) => {
    const { directory, begin } = setUp(t);
    begin({ maxBytes: 20, backupCount: 9 });
    const { handler } = begin({ backupCount: 9 });
    handler.write("a".repeat(10));
    assert.ok(existsSync(join(directory, "app.log.1")));
  });

  test("but who keeps fewer backups does not rotate more often, and deletes nothing that the other keeps", (t) => {
    const { directory, begin, stored } = setUp(t);
    begin({ maxBytes: 20, backupCount: 9 });
    const { handler, told } = begin({});
    assert.match(messages(told).join(), /maxBytes is 0 here and 20 .*, backupCount is 0 here and 9 in another process/);
    handler.write("a".repeat(10));
    assert.deepEqual(textOf(directory), { "app.log": "begun\nbegun\naaaaaaaaaa\n" });
    assert.equal(stored().settings.maxBytes, 0);
  });

  test("everything that must agree is compared", (t) => {
    const { begin } = setUp(t);
    begin({ maxBytes: 1000 });
    const { told } = begin({
      maxBytes: 1000,
      strictMaxBytes: false,
      useGzip: true,
      encoding: "utf-8-sig",
      newline: "\r\n",
    });
    const names = [
      ...messages(told)
        .join()
        .matchAll(/(\w+) is \S+ here|(\w+) is ".*?" here/g),
    ].map((m) => m[1] ?? m[2]);
    assert.deepEqual(names, ["strictMaxBytes", "compression", "encoding", "terminator"]);
  });

  test("rotation by time too", (t) => {
    const { begin } = setUp(t);
    begin({ when: "midnight", atTime: "03:30", utc: true, maxAge: "1d" });
    const { told } = begin({ when: "midnight", atTime: "03:31", timeZone: "Asia/Tokyo", maxAge: "2d" });
    assert.match(messages(told)[0]!, /maxAge is 172800000 here and 86400000 in another process/);
    assert.match(messages(told)[0]!, /atTime is "03:31:00" here and "03:30:00" in another process/);
    assert.match(messages(told)[0]!, /timeZone is "Asia\/Tokyo" here and "UTC" in another process/);
    assert.match(messages(begin({ maxBytes: 1000 }).told)[0]!, /kind is "size" here and "timed" in another process/);
  });

  test("where the lock file is, and that backups are named by a function, which JSON cannot hold", (t) => {
    const { directory, begin, stored } = setUp(t);
    const { handler } = begin({ lockFileDirectory: directory, maxBytes: 5, backupCount: 1 });
    assert.deepEqual([stored().settings.lockFileDirectory, stored().settings.namer], [null, null]);
    const locks = join(directory, "locks");
    const { told } = begin({ lockFileDirectory: locks, maxBytes: 5, backupCount: 1, namer: (path) => `${path}.old` });
    assert.deepEqual([stored().settings.lockFileDirectory, stored().settings.namer], [locks, true]);
    assert.match(messages(told)[0]!, /lockFileDirectory is ".*locks" here and null .*, namer is true here and null in/);
    handler.close();
  });

  test("a namer that was given later counts too", (t) => {
    const { directory, stored } = setUp(t);
    const handler = new ConcurrentRotatingFileHandler(join(directory, "app.log"), { maxBytes: 5, backupCount: 1 });
    handler.namer = (path) => `${path}.old`;
    handler.write("begun");
    handler.close();
    assert.equal(stored().settings.namer, true);
  });

  test("who is not one of the writers leaves nothing, and is not warned", (t) => {
    const { directory, begin, stored } = setUp(t);
    begin({ maxBytes: 1000, backupCount: 9 });
    const before = stored();
    const environment = systemEnvironment();
    const options = resolveRotatingOptions(
      join(directory, "app.log"),
      { maxBytes: 20, backupCount: 1 },
      environment.fs,
    );
    const emitter = new EventEmitter<HandlerEvents>();
    const told: unknown[] = [];
    emitter.on("warning", (warning) => told.push(warning));
    for (const leavesSettings of [false, true]) {
      const writer = new LogWriter(options, environment, new News(emitter), { leavesSettings });
      writer.open();
      writer.close();
      assert.equal(told.length, leavesSettings ? 1 : 0);
      if (!leavesSettings) assert.deepEqual(stored(), before);
    }
  });

  test("the warning comes after the lock is released", (t) => {
    const { directory, begin } = setUp(t);
    const calls: string[] = [];
    const { lockBackend, ...others } = systemEnvironment();
    const unlock = (fd: number) => {
      calls.push("unlock");
      lockBackend.unlock(fd);
    };
    begin({ maxBytes: 20 });
    const environment = { ...others, lockBackend: { ...lockBackend, unlock } };
    const handler = new ConcurrentRotatingFileHandler(join(directory, "app.log"), { maxBytes: 30 }, environment);
    handler.on("warning", () => calls.push("warning"));
    handler.open();
    handler.close();
    assert.deepEqual(calls, ["unlock", "warning"]);
  });
});

test("the same settings: no warning, and the file is left as it is", (t) => {
  const { path, begin, stored } = setUp(t);
  begin({ maxBytes: 1000, encoding: "utf-8" });
  const before = stored();
  utimesSync(path, 1, 1);
  const { told } = begin({ maxBytes: "1000b", encoding: "UTF8", keepFileOpen: false, lockTimeout: 5 });
  assert.deepEqual(told, []);
  assert.deepEqual(stored(), before);
  assert.equal(statSync(path).mtimeMs, 1000);
});

describe("settings that somebody has left", () => {
  test("who has ended: a change of settings, without a word, and a limit may be raised", (t) => {
    for (const writer of [{ pid: endedProcess() }, { id: "a handler that was closed" }]) {
      const { directory, begin, stored, leave } = setUp(t);
      begin({ maxBytes: 1000, backupCount: 9 });
      leave(writer, { maxBytes: 20 });
      const { handler, told } = begin({ maxBytes: 1000, backupCount: 9 });
      handler.write("a".repeat(10));
      assert.deepEqual(told, []);
      assert.equal(stored().settings.maxBytes, 1000);
      assert.equal(stored().writer.pid, process.pid);
      assert.equal(existsSync(join(directory, "app.log.1")), false);
    }
  });

  test("a handler of this process that is closed has ended", (t) => {
    const { begin } = setUp(t);
    begin({ maxBytes: 20 }).handler.close();
    assert.deepEqual(begin({ maxBytes: 1000 }).told, []);
  });

  test("in another process that runs: its limit stays for the next", (t) => {
    const { begin, stored, leave } = setUp(t);
    begin({ maxBytes: 1000, backupCount: 9 });
    leave({ pid: process.ppid }, { maxBytes: 20 });
    for (let times = 0; times < 2; times++) {
      assert.equal(begin({ maxBytes: 1000, backupCount: 9 }).told.length, 1);
      assert.deepEqual([stored().settings.maxBytes, stored().writer.pid], [20, process.ppid]);
    }
  });

  test("on a host that cannot be asked: it warns once, obeys, and the newest settings are left", (t) => {
    const { directory, begin, stored, leave } = setUp(t);
    begin({ maxBytes: 1000, backupCount: 9 });
    leave({ host: "elsewhere" }, { maxBytes: 20 });
    const { handler, told } = begin({ maxBytes: 1000, backupCount: 9 });
    handler.write("a".repeat(10));
    assert.equal(told.length, 1);
    assert.ok(existsSync(join(directory, "app.log.1")));
    assert.equal(stored().settings.maxBytes, 1000);
    assert.deepEqual(begin({ maxBytes: 1000, backupCount: 9 }).told, []);
  });
});

const garbage = ["", "{", "null", "[]", '{"settings":{}}', "\0".repeat(9000), '{"writer":5,"settings":{"maxBytes":1}}'];

describe("what is no settings file", () => {
  for (const text of garbage) {
    test(`garbage is replaced: ${JSON.stringify(text.slice(0, 40))}`, (t) => {
      const { path, begin, stored } = setUp(t);
      writeFileSync(path, text);
      assert.deepEqual(begin({ maxBytes: 1000 }).told, []);
      assert.equal(stored().settings.maxBytes, 1000);
    });
  }

  test("values of other types limit nothing", (t) => {
    for (const maxBytes of [true, "20", null, -5, 0.5]) {
      const { directory, begin, leave } = setUp(t);
      begin({ maxBytes: 1000, backupCount: 9 });
      leave({ pid: process.ppid }, { maxBytes });
      begin({ maxBytes: 1000, backupCount: 9 }).handler.write("a".repeat(10));
      assert.equal(existsSync(join(directory, "app.log.1")), false);
    }
  });

  test("a symbolic link is not followed", (t) => {
    const { directory, path, begin } = setUp(t);
    for (const target of ["precious", "missing"]) {
      writeFileSync(join(directory, "precious"), "precious");
      rmSync(path, { force: true });
      symlinkSync(join(directory, target), path);
      assert.deepEqual(begin({ maxBytes: 1000 }).told, []);
      assert.equal(readFileSync(join(directory, "precious"), "utf8"), "precious");
      assert.equal(existsSync(join(directory, "missing")), false);
    }
  });

  test("a directory is left alone", (t) => {
    const { path, begin } = setUp(t);
    mkdirSync(path);
    assert.deepEqual(begin({ maxBytes: 1000 }).told, []);
  });
});

describe("who only reads the log", () => {
  const { fs } = systemEnvironment();

  test("finds the settings and who has left them, of whatever version, and not what marks a handler", (t) => {
    const { log, begin, leave } = setUp(t);
    begin({ maxBytes: 1000 });
    const { pid, host, thread } = settingsLeft(fs, log)!.writer!;
    assert.deepEqual(settingsLeft(fs, log)!.writer, { pid: process.pid, host: hostname(), thread: 0 });
    leave({ id: undefined, pid: -1 }, { maxBytes: 5 });
    assert.deepEqual(settingsLeft(fs, log)!.writer, { pid: -1, host, thread });
    assert.equal(settingsLeft(fs, log)!.settings.maxBytes, 5);
    assert.deepEqual(begin({ maxBytes: 1000 }).told, [], "no writer would have left that");
    assert.equal(settingsLeft(fs, log)!.writer!.pid, pid);
  });

  test("needs no writer in it", (t) => {
    const { log, path } = setUp(t);
    writeFileSync(path, '{"settings":{"kind":"size"}}');
    assert.deepEqual(settingsLeft(fs, log), { settings: { kind: "size" } });
  });

  test("takes nothing of a file that is half written, nor does a writer", (t) => {
    const { log, path, begin, stored } = setUp(t);
    begin({ maxBytes: 20, backupCount: 9 }).handler.close();
    const whole = readFileSync(path, "utf8").trimEnd();
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.slice(0, length));
      assert.equal(settingsLeft(fs, log), undefined, `${length} bytes`);
    }
    const { told, handler } = begin({ maxBytes: 1000, backupCount: 9 });
    assert.deepEqual(told, []);
    assert.equal(stored().settings.maxBytes, 1000);
    handler.close();
  });

  for (const text of garbage.filter((text) => text !== '{"settings":{}}')) {
    test(`takes nothing of garbage: ${JSON.stringify(text.slice(0, 40))}`, (t) => {
      const { log, path } = setUp(t);
      writeFileSync(path, text);
      assert.equal(settingsLeft(fs, log), undefined);
    });
  }
});

describe("nothing of it keeps a record from being written", () => {
  test("a directory that is read-only", { skip: process.getuid?.() === 0 && "root may do anything" }, (t) => {
    const { directory, path, begin } = setUp(t);
    for (const name of ["app.log", ".__app.lock"]) writeFileSync(join(directory, name), "");
    chmodSync(directory, 0o500);
    const { told } = begin({ maxBytes: 1000 });
    chmodSync(directory, 0o700); // now, since the directory is deleted before what the test leaves for its end
    assert.deepEqual(told, []);
    assert.equal(existsSync(path), false);
  });

  for (const code of ["EROFS", "EACCES", "ENOSPC", "EIO"]) {
    test(`${code}, when it is opened, read or written`, (t) => {
      const { path, begin } = setUp(t);
      const real = systemEnvironment().fs;
      const fail = () => {
        throw systemError(code);
      };
      const open: typeof real.open = (file, flags, mode) => (file === path ? fail() : real.open(file, flags, mode));
      for (const faults of [{ open }, { writeAt: fail }, { truncate: fail }]) {
        assert.deepEqual(begin({ maxBytes: 1000 }, environmentWith(faults)).told, []);
        if (existsSync(path)) truncateSync(path);
      }
    });
  }
});

test("its name matches no pattern for the log, and its mode is as asked for", (t) => {
  const { path, begin } = setUp(t);
  begin({ chmod: 0o640 });
  assert.ok(NAME.startsWith("."));
  assert.equal(statSync(path).mode & 0o7777, 0o640);
});

test("rotation and retention leave it alone", (t) => {
  const { path, begin } = setUp(t);
  const { handler } = begin({ when: "s", maxBytes: 10, maxAge: "1ms", maxTotalBytes: 1 });
  for (let i = 0; i < 5; i++) handler.write("a".repeat(9));
  assert.ok(existsSync(path));
});
