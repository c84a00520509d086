import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
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
import { settingsPath } from "../../../src/log-files/hidden-names.js";
import { resolveRotatingOptions } from "../../../src/options/resolve-options.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { O_RDWR } from "../../../src/platform/file-system.js";
import { LogWriter } from "../../../src/writer/log-writer.js";
import { settingsLeft } from "../../../src/writer/settings-file.js";
import { Fixture } from "../../support/child.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";
import { needsRoot, OTHER_USER } from "../../support/users.js";

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

/** Which keeps all its backups: it may obey the limit of another handler. */
const KEEPS_ALL = { when: "midnight", backupCount: 0 } as const;

/** The names of the log and its backups. */
const files = (directory: string) => readdirSync(directory).filter((name) => name.startsWith("app.log"));

describe("two handlers with different settings", () => {
  test("the second is warned, by name and value, and the smaller maxBytes wins where all backups are kept", (t) => {
    const { directory, begin, stored } = setUp(t);
    const first = begin({ ...KEEPS_ALL, maxBytes: 20 });
    const second = begin({ ...KEEPS_ALL, maxBytes: 1000 });
    assert.deepEqual(first.told, []);
    assert.equal(second.told.length, 1);
    assert.match(messages(second.told)[0]!, /^ERR_CLH_SETTINGS .*: maxBytes is 1000 here and 20 in another writer\. /);
    second.handler.write("a".repeat(10));
    assert.equal(files(directory).length, 2);
    assert.equal(second.told.length, 1);
    assert.equal(stored().settings.maxBytes, 20);
  });

  test("whichever begins first", (t) => {
    const { begin, stored } = setUp(t);
    begin({ ...KEEPS_ALL, maxBytes: 1000 });
    const { told } = begin({ ...KEEPS_ALL, maxBytes: 20 });
    assert.match(messages(told).join(), /maxBytes is 20 here and 1000 in another writer/);
    assert.equal(stored().settings.maxBytes, 20);
  });

  test("a third is warned of what is in force", (t) => {
    const { begin } = setUp(t);
    for (const maxBytes of [20, 1000]) begin({ ...KEEPS_ALL, maxBytes });
    assert.match(messages(begin({ ...KEEPS_ALL, maxBytes: 1000 }).told).join(), /1000 here and 20 in another/);
    assert.deepEqual(begin({ ...KEEPS_ALL, maxBytes: 20 }).told, []);
  });

  test("a limit wins over none", (t) => {
    const { directory, begin } = setUp(t);
    begin({ ...KEEPS_ALL, maxBytes: 20 });
    begin(KEEPS_ALL).handler.write("a".repeat(10));
    assert.equal(files(directory).length, 2);
  });

  for (const backupCount of [0, 1, 9, 1000]) {
    test(`but who keeps ${backupCount} backups rotates by its own limit, and deletes nothing that this keeps`, (t) => {
      const { directory, begin, stored } = setUp(t);
      begin({ maxBytes: 20, backupCount: 1 });
      const { handler, told } = begin({ maxBytes: 1000, backupCount });
      assert.match(messages(told).join(), /maxBytes is 1000 here and 20 in another writer/);
      assert.doesNotMatch(messages(told).join(), /is used here/);
      for (let i = 0; i < 40; i++) handler.write("a".repeat(10));
      assert.deepEqual(textOf(directory), { "app.log": `begun\nbegun\n${"aaaaaaaaaa\n".repeat(40)}` });
      assert.equal(stored().settings.maxBytes, 1000, "the newest settings are left");
    });
  }

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
    assert.match(messages(told)[0]!, /maxAge is 172800000 here and 86400000 in another writer/);
    assert.match(messages(told)[0]!, /atTime is "03:31:00" here and "03:30:00" in another writer/);
    assert.match(messages(told)[0]!, /timeZone is "Asia\/Tokyo" here and "UTC" in another writer/);
    assert.match(messages(begin({ maxBytes: 1000 }).told)[0]!, /kind is "size" here and "timed" in another writer/);
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
  /** Process ids come again: of a container that starts anew, the program has 1 each time. */
  for (const [whose, writer] of Object.entries({
    "a process that has ended": { pid: endedProcess() },
    "one that has died, whose id is in use again": { pid: process.ppid },
    "one that has died, and had the id of this one": { pid: process.pid },
    "one on another host that has ended": { host: "elsewhere" },
  })) {
    test(`${whose}: a change of settings, without a word, and a limit may be raised`, (t) => {
      const { directory, begin, stored, leave } = setUp(t);
      begin({ ...KEEPS_ALL, maxBytes: 1000 }).handler.close();
      leave(writer, { maxBytes: 20 });
      const { handler, told } = begin({ ...KEEPS_ALL, maxBytes: 1000 });
      handler.write("a".repeat(10));
      assert.deepEqual(told, []);
      assert.deepEqual(stored().settings.maxBytes, 1000);
      assert.deepEqual(stored().writer, { pid: process.pid, host: hostname(), thread: 0 });
      assert.equal(files(directory).length, 1);
    });
  }

  test("a handler of this process that is closed has ended", (t) => {
    const { begin } = setUp(t);
    begin({ maxBytes: 20 }).handler.close();
    assert.deepEqual(begin({ maxBytes: 1000 }).told, []);
  });

  const namespaces = spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;

  for (const [where, under] of [
    ["another process", []],
    ["a container of the same host name, in which its id is 1", ["unshare", "--pid", "--fork", "--kill-child"]],
  ] as const) {
    const skip = under.length > 0 && !namespaces && "needs unshare, and root";
    test(`a handler in ${where} that lives: its limit stays until it is killed`, { skip }, async (t) => {
      const { log, begin, stored } = setUp(t);
      const program = { name: "settings-holder", under: [...under] };
      const holder = new Fixture(t, program, log, { ...KEEPS_ALL, maxBytes: 20 });
      await holder.lineThatIs("begun");
      const before = stored();
      for (let times = 0; times < 2; times++) {
        assert.match(messages(begin({ ...KEEPS_ALL, maxBytes: 1000 }).told).join(), /maxBytes is 1000 here and 20 in/);
        assert.deepEqual(stored(), before);
      }
      holder.process.kill("SIGKILL");
      await holder.ended;
      await isFree(log);
      assert.deepEqual(begin({ ...KEEPS_ALL, maxBytes: 1000 }).told, []);
      assert.equal(stored().settings.maxBytes, 1000);
    });
  }

  test("the newest settings are those of who left them, and not of who lived before", (t) => {
    const { begin } = setUp(t);
    const old = begin({ maxBytes: 20 });
    const { handler } = begin({ maxBytes: 1000 });
    old.handler.close();
    assert.equal(begin({ maxBytes: 30 }).told.length, 1, "the second lives");
    handler.close();
  });

  test("a handler that takes every lock for free is found out", (t) => {
    const { begin } = setUp(t);
    const { lockBackend, ...others } = systemEnvironment();
    const careless = { ...others, lockBackend: { ...lockBackend, tryLock: () => true } };
    begin({ maxBytes: 20 });
    assert.throws(() => assert.equal(begin({ maxBytes: 1000 }, careless).told.length, 1), assert.AssertionError);
  });
});

/** What kills a namespace kills its processes a moment later. */
async function isFree(log: string): Promise<void> {
  const { fs, lockBackend } = systemEnvironment();
  for (let locked = true; locked; ) {
    const fd = fs.open(settingsPath(log), O_RDWR);
    locked = !lockBackend.tryLock(fd, true);
    fs.close(fd);
    await new Promise(setImmediate);
  }
}

describe("settings of another user, in a directory that all may write to", needsRoot, () => {
  const plant = (path: string, uid: number) => {
    chmodSync(dirname(path), 0o1777);
    const writer = { pid: 1, host: hostname(), thread: 0 };
    writeFileSync(path, JSON.stringify({ writer, settings: { kind: "size", maxBytes: 1, backupCount: 1 } }));
    chownSync(path, uid, uid);
  };

  test("are not obeyed, though somebody holds the lock on them, and stay as they are; it is told", (t) => {
    const { log, path, begin, stored } = setUp(t);
    plant(path, OTHER_USER);
    const before = stored();
    const { fs, lockBackend } = systemEnvironment();
    const fd = fs.open(path, O_RDWR);
    t.after(() => fs.close(fd));
    assert.ok(lockBackend.tryLock(fd, true));
    const { handler, told } = begin({ maxBytes: "10MiB", backupCount: 5 });
    for (let i = 0; i < 100; i++) handler.write(`record ${i}`);
    assert.match(messages(told).join(), /^ERR_CLH_SETTINGS .*belongs to user 65534/);
    assert.equal(told.length, 1);
    assert.equal(readFileSync(log, "utf8").split("\n").length, 102);
    assert.deepEqual(stored(), before);
    assert.equal(settingsLeft(fs, log), undefined, "nor does clh rotate, which deletes by them");
  });

  test("are believed when the log is that user's", (t) => {
    const { log, path, begin, stored } = setUp(t);
    writeFileSync(log, "");
    chownSync(log, OTHER_USER, OTHER_USER);
    plant(path, OTHER_USER);
    assert.equal(settingsLeft(systemEnvironment().fs, log)?.settings.maxBytes, 1);
    assert.deepEqual(begin({ maxBytes: 1000 }).told, []);
    assert.equal(stored().settings.maxBytes, 1000);
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
      const { directory, path, begin, stored } = setUp(t);
      begin({ ...KEEPS_ALL, maxBytes: 1000 });
      writeFileSync(path, JSON.stringify({ ...stored(), settings: { ...stored().settings, maxBytes } }));
      begin({ ...KEEPS_ALL, maxBytes: 1000 }).handler.write("a".repeat(10));
      assert.equal(files(directory).length, 1);
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

  test("finds the settings and who has left them", (t) => {
    const { log, begin, leave } = setUp(t);
    begin({ maxBytes: 1000 }).handler.close();
    assert.deepEqual(settingsLeft(fs, log)!.writer, { pid: process.pid, host: hostname(), thread: 0 });
    leave({ pid: -1 }, { maxBytes: 5 });
    assert.equal(settingsLeft(fs, log)!.writer!.pid, -1);
    assert.equal(settingsLeft(fs, log)!.settings.maxBytes, 5);
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
