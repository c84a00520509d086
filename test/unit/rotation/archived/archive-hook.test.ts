import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  type ArchivedBackup,
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type LogFileError,
  type OnArchived,
  type RotatingFileHandlerOptions,
  sweepLog,
} from "../../../../src/index.js";
import { lockFilePath } from "../../../../src/lock/lock-file.js";
import { archivedPath } from "../../../../src/log-files/hidden-names.js";
import { type Environment, systemEnvironment } from "../../../../src/platform/environment.js";
import { environmentWith, systemError } from "../../../support/environment.js";
import { makeLock } from "../../../support/locks.js";
import { Mortal } from "../../../support/mortal.js";
import { temporaryDirectory } from "../../../support/temporary.js";

/* The hook onArchived. A backup is known by what is in it, since its name changes. */

const KEPT = { maxBytes: 20, backupCount: 100 };
/** Two such records are one file more than `maxBytes`. */
const record = (n: number) => `record ${String(n).padStart(4, "0")}`;

function scene(t: TestContext) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const errors: LogFileError[] = [];
  const make = (options: RotatingFileHandlerOptions, environment: Environment = systemEnvironment()) => {
    const handler = new ConcurrentRotatingFileHandler(log, { ...KEPT, ...options }, environment);
    handler.on("error", (error) => errors.push(error));
    handler.on("warning", () => {});
    t.after(() => handler.close());
    return handler;
  };
  /** Writes, each record a file of its own but for the last, and waits for all that follows. */
  const write = async (handler: ReturnType<typeof make>, from: number, to: number) => {
    for (let n = from; n < to; n++) handler.write(record(n));
    await handler.flush();
    handler.close();
    await handler.swept();
  };
  const text = (path: string) => {
    const bytes = readFileSync(path);
    return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trim();
  };
  return { directory, log, errors, make, write, text };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => record(from + i));

describe("the hook has each backup once, in order, in its last form:", () => {
  for (const delivery of ["sync", "batched", "background"] as const) {
    for (const compression of [false, "gzip"] as const) {
      test(`${delivery}, ${compression || "plain"}`, async (t) => {
        const { make, write, text, log, errors } = scene(t);
        const seen: string[] = [];
        const told: string[] = [];
        const onArchived = ({ path }: ArchivedBackup) => seen.push(text(path));
        for (const part of [0, 1]) {
          const handler = make({ delivery, compression, onArchived });
          handler.on("archived", ({ path }) => told.push(path));
          await write(handler, part * 5, part * 5 + 5);
        }
        assert.deepEqual(seen, range(0, 9));
        assert.equal(told.length, 9);
        assert.ok(told.every((path) => path.endsWith(".gz") === (compression === "gzip")));
        assert.deepEqual(errors, []);
        assert.equal(text(log), record(9));
      });
    }
  }

  test("by time, with the name of its period", async (t) => {
    const { log } = scene(t);
    const periods: (string | undefined)[] = [];
    for (const delivery of ["sync", "background"] as const) {
      const onArchived = ({ path, period }: ArchivedBackup) => periods.push(path.endsWith(`.${period}`) ? "its" : path);
      const handler = new ConcurrentTimedRotatingFileHandler(log, { when: "midnight", delivery, onArchived });
      handler.write("a record");
      handler.rotate();
      await handler.flush();
      handler.close();
      await handler.swept();
    }
    assert.equal(periods[0], "its");
  });
});

describe("what the hook is given", () => {
  test("is the file, whatever it is called by then", async (t) => {
    const { make, write, log } = scene(t);
    const contents: string[] = [];
    const handler = make({
      onArchived: async (backup) => {
        // A rotation of another process renames it before it is opened.
        if (contents.length === 0) new ConcurrentRotatingFileHandler(log, KEPT).rotate();
        contents.push((await buffer(backup.stream())).toString().trim());
      },
    });
    await write(handler, 0, 2);
    assert.deepEqual(contents, range(0, 2));
  });

  test("by its path is given again when a rotation has renamed it meanwhile", async (t) => {
    const { make, write, log, text, errors } = scene(t);
    const contents: string[] = [];
    let renames = 1;
    const handler = make({
      onArchived: ({ path }) => {
        if (renames-- > 0) new ConcurrentRotatingFileHandler(log, KEPT).rotate();
        contents.push(text(path)); // that of the next one, the first time
      },
    });
    await write(handler, 0, 2);
    assert.deepEqual(contents, [record(1), record(0), record(1)]);
    assert.deepEqual(errors, []);
  });

  test("tells size, digest and number of records of what is on the disk", async (t) => {
    for (const encoding of ["utf-8", "utf-16"]) {
      const { make } = scene(t);
      const told: unknown[] = [];
      const expected: unknown[] = [];
      const handler = make({
        maxBytes: 0,
        encoding,
        compression: "gzip",
        onArchived: async (backup) => {
          const bytes = readFileSync(backup.path);
          expected.push([bytes.length, createHash("sha256").update(bytes).digest("hex"), 30_000]);
          told.push([backup.bytes, await backup.sha256(), await backup.records()]);
        },
      });
      // U+0A41 and U+4100 have a line feed across two characters of UTF-16.
      for (let i = 0; i < 30_000; i++) handler.write("\u0a41\u4100 a");
      handler.rotate();
      handler.close();
      await handler.swept();
      assert.equal(told.length, 1);
      assert.deepEqual(told, expected);
    }
  });
});

/** The two backups that are kept while a hook hangs, and what became of that. */
async function hanging(t: TestContext, environment?: Environment) {
  const { make, write, errors, directory, text } = scene(t);
  const signals: AbortSignal[] = [];
  let begun = () => {};
  const isRunning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const onArchived = ({ signal }: ArchivedBackup) => {
    signals.push(signal);
    begun();
    return new Promise(() => {});
  };
  const handler = make({ onArchived, onArchivedTimeout: 300, backupCount: 2 }, environment);
  for (const each of range(0, 2)) handler.write(each);
  await isRunning;
  for (const each of range(2, 8)) handler.write(each);
  const backups = readdirSync(directory).filter((name) => /^app\.log\.\d+$/.test(name));
  const kept = backups.map((name) => text(join(directory, name))).sort();
  await write(handler, 8, 8);
  return { errors, signals, kept };
}

test("what the hook was given cannot be read when it has ended", async (t) => {
  const { make, write } = scene(t);
  let kept: ArchivedBackup | undefined;
  const onArchived = (backup: ArchivedBackup) => {
    kept = backup;
  };
  await write(make({ onArchived }), 0, 2);
  await assert.rejects(buffer(kept!.stream()), /is read after the hook has ended/);
});

describe("a hook that fails", () => {
  test("is told, leaves the others alone, and is called again", async (t) => {
    const { make, write, errors, text } = scene(t);
    const calls: string[] = [];
    const onArchived = ({ path }: ArchivedBackup) => {
      calls.push(text(path));
      if (calls.length === 1) throw new Error("no bucket");
    };
    await write(make({ onArchived }), 0, 4);
    assert.deepEqual(calls, range(0, 3));
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_CLH_HOOK"],
    );
    assert.match(errors[0]!.message, /^The hook onArchived failed for .*app\.log\.\d: no bucket\. It is called again/);
    await write(make({ onArchived }), 4, 5);
    assert.deepEqual(calls.slice(3), [record(0), record(3)]);
  });

  test("is called again after a while by the handler that lives", async (t) => {
    const { make, errors, text } = scene(t);
    const calls: string[] = [];
    const delays: number[] = [];
    const { clock } = systemEnvironment();
    const after = (milliseconds: number, action: () => void, keepsAlive?: boolean) => {
      if (keepsAlive) return clock.after(milliseconds, action, keepsAlive);
      delays.push(milliseconds);
      return clock.after(1, action, true);
    };
    const done = new Promise<void>((resolve) => {
      const onArchived = async ({ path }: ArchivedBackup) => {
        calls.push(text(path));
        if (calls.length < 4) throw new Error("not yet");
        resolve();
      };
      const environment = environmentWith({}, { ...clock, after });
      const handler = make({ onArchived, keepFileOpen: false }, environment);
      for (const each of range(0, 2)) handler.write(each);
    });
    await done;
    assert.deepEqual(calls, [record(0), record(0), record(0), record(0)]);
    assert.deepEqual(delays.slice(0, 3), [1000, 2000, 4000]);
    assert.ok(errors.length > 0);
  });

  test("and never ends is given up, told, and keeps no backup", async (t) => {
    const { errors, signals, kept } = await hanging(t);
    assert.deepEqual(kept, range(5, 7));
    assert.ok(signals.length > 0 && signals.every(({ aborted }) => aborted));
    assert.match(errors[0]!.message, /did not end within 300 ms \(onArchivedTimeout\)/);
  });

  test("after the backup is gone is no failure", async (t) => {
    const { make, write, errors } = scene(t);
    const onArchived = ({ path }: ArchivedBackup) => unlinkSync(path);
    await write(make({ onArchived }), 0, 3);
    assert.deepEqual(errors, []);
  });
});

describe("of several handlers", () => {
  test("one at a time calls it, and each backup is called once", async (t) => {
    const { make, write, text } = scene(t);
    let running = 0;
    let most = 0;
    const seen: string[] = [];
    const onArchived = async ({ path }: ArchivedBackup) => {
      most = Math.max(most, ++running);
      seen.push(text(path));
      await new Promise(setImmediate);
      running--;
    };
    await write(make({}), 0, 6);
    const [one, two] = [make({ onArchived }), make({ onArchived })];
    one.open();
    two.open();
    await Promise.all([one.swept(), two.swept()]);
    assert.deepEqual(seen, range(0, 5));
    assert.equal(most, 1);
  });

  test("that wait for nobody's hook: records are written while it runs, also by the hook", async (t) => {
    const { make, write, log, text } = scene(t);
    let calls = 0;
    const handler = make({
      onArchived: () => {
        if (++calls > 1) return; // the backup was renamed by what follows, and the hook is called again
        // With the lock held, this one would throw, and the other would wait.
        const other = new ConcurrentRotatingFileHandler(log, { ...KEPT, lockTimeout: 0, onLockTimeout: "throw" });
        assert.ok(other.write("by another"));
        other.close();
        assert.ok(handler.write("by the hook"));
      },
    });
    handler.write(record(0));
    handler.rotate();
    await handler.swept();
    await write(handler, 1, 1);
    const all = readdirSync(join(log, "..")).filter((name) => name.startsWith("app.log"));
    const lines = all.map((name) => text(join(log, "..", name))).sort();
    assert.deepEqual(lines, ["by another", "by the hook", record(0)]);
  });

  test("who has no hook leaves all to those that have, and sweepLog is one of these", async (t) => {
    const { make, write, text, log } = scene(t);
    await write(make({}), 0, 4);
    const seen: string[] = [];
    const onArchived = ({ path }: ArchivedBackup) => seen.push(text(path));
    const dry = await sweepLog(log, { onArchived, dryRun: true });
    assert.deepEqual(seen, []);
    assert.equal(existsSync(archivedPath(log)), false);
    const { done, failures } = await sweepLog(log, { onArchived });
    assert.deepEqual(seen, range(0, 3));
    assert.deepEqual(failures, []);
    assert.deepEqual(
      done.map(({ what }) => what),
      ["archived", "archived", "archived"],
    );
    assert.deepEqual(dry.done, done, "the plan is what is done then");
    assert.deepEqual((await sweepLog(log, { onArchived })).done, []);
  });
});

describe("the book of what is done", () => {
  async function archived(t: TestContext) {
    const all = scene(t);
    const seen: string[] = [];
    const onArchived = ({ path }: ArchivedBackup) => seen.push(all.text(path));
    await all.write(all.make({ onArchived }), 0, 5);
    assert.deepEqual(seen.splice(0), range(0, 4));
    const sweep = () => sweepLog(all.log, { onArchived });
    return { ...all, seen, sweep, book: archivedPath(all.log) };
  }

  test("forgets what is gone, and does not grow", async (t) => {
    const { make, write, book, seen, sweep, text } = await archived(t);
    const before = statSync(book).size;
    assert.equal(before, 4 * 42);
    const onArchived = ({ path }: ArchivedBackup) => seen.push(text(path));
    await write(make({ onArchived, backupCount: 4 }), 5, 30);
    assert.deepEqual(seen, range(4, 29).slice(-seen.length));
    assert.ok(statSync(book).size <= before + 42, `${statSync(book).size} bytes`);
    assert.deepEqual((await sweep()).done, []);
  });

  test("that is damaged costs a second call, and no more", async (t) => {
    const { book, seen, sweep } = await archived(t);
    const bytes = readFileSync(book);
    bytes.write("0", 3); // may be one already
    bytes.write("g", 42 + 40);
    writeFileSync(book, Buffer.concat([bytes.subarray(0, 3 * 42 + 10), Buffer.alloc(1000, "x")]));
    assert.deepEqual((await sweep()).failures, []);
    assert.ok(seen.includes(record(1)) && seen.includes(record(3)) && !seen.includes(record(2)), seen.join());
    assert.deepEqual((await sweep()).done, []);
  });

  test("that is deleted or emptied costs a second call of each", async (t) => {
    const { book, seen, sweep } = await archived(t);
    unlinkSync(book);
    await sweep();
    writeFileSync(book, "");
    await sweep();
    assert.deepEqual(seen, [...range(0, 4), ...range(0, 4)]);
  });

  test("is read by who may write the log alone, and no link in its place is followed", {
    skip: noModes(),
  }, async (t) => {
    const { book, seen, sweep, directory } = await archived(t);
    const { mode } = statSync(book);
    assert.equal((mode & 0o044) >> 1, mode & 0o022, mode.toString(8));
    unlinkSync(book);
    const precious = join(directory, "precious");
    writeFileSync(precious, "precious");
    symlinkSync(precious, book);
    const { failures } = await sweep();
    assert.deepEqual(
      failures.map(({ code }) => code),
      ["ERR_CLH_HOOK"],
    );
    assert.match(failures[0]!.message, /symbolic link is not followed/);
    assert.equal(readFileSync(precious, "utf8"), "precious");
    assert.deepEqual(seen, []);
  });

  test("that cannot be written is told, and this process calls no second time", async (t) => {
    const { make, write, text, errors } = scene(t);
    const seen: string[] = [];
    const onArchived = ({ path }: ArchivedBackup) => seen.push(text(path));
    const { fs } = systemEnvironment();
    const writeAt: typeof fs.writeAt = (fd, bytes, position) => {
      if (bytes.length === 42) throw systemError("ENOSPC", "write");
      fs.writeAt(fd, bytes, position);
    };
    const handler = make({ onArchived }, environmentWith({ writeAt }));
    for (const each of range(0, 4)) handler.write(each);
    await handler.swept();
    await write(handler, 4, 6);
    assert.deepEqual(seen, range(0, 5));
    assert.deepEqual(
      [...new Set(errors.map(({ code, cause }) => `${code} ${(cause as { code: string }).code}`))],
      ["ERR_CLH_HOOK ENOSPC"],
    );
  });
});

function noModes(): string | false {
  return process.platform === "win32" ? "Windows has no modes" : false;
}

/** A broken hook or book, to see that the tests notice. */
type Double = "real" | "remembers before the hook has ended";

describe("killed at any call of its book-keeping, the next one does what was not done", () => {
  async function lost(t: TestContext, double: Double): Promise<{ lost: string[]; twice: number; kills: number }> {
    const missing: string[] = [];
    let twice = 0;
    let kills = 0;
    for (const lastWords of [false, true]) {
      // The first run dies at no call, and says how many there are before the hook begins.
      for (let n = Number.POSITIVE_INFINITY, isOver = false; !isOver; n++) {
        const { make, write, text, log } = scene(t);
        await write(make({}), 0, 4);
        const ended: string[] = [];
        const mortal = new Mortal(n, lastWords);
        const isAlive = () => mortal.calls < n;
        const onArchived = async ({ path }: ArchivedBackup) => {
          const which = text(path);
          if (double === "remembers before the hook has ended") {
            // As a hook that returns at once, and goes on.
            void new Promise(setImmediate)
              .then(() => new Promise(setImmediate))
              .then(() => isAlive() && ended.push(which));
            return;
          }
          await new Promise(setImmediate);
          if (isAlive()) ended.push(which);
        };
        const handler = make({ onArchived, keepFileOpen: false }, mortal.environment);
        handler.write(record(4));
        const before = mortal.calls;
        await handler.swept();
        const isFirst = n === Number.POSITIVE_INFINITY;
        isOver = isAlive() && !isFirst;
        if (isFirst) n = before;
        else if (!isOver) kills++;
        mortal.die();
        const again: string[] = [];
        const sweep = (hook: OnArchived) => sweepLog(log, { backupCount: 100, onArchived: hook });
        await sweep(({ path }) => again.push(text(path)));
        const all = [...ended, ...again];
        const wanted = range(0, 4).filter((each) => !all.includes(each) && text(log) !== each);
        missing.push(...wanted.map((each) => `${each}, killed at call ${n}`));
        if (new Set(all).size < all.length) twice++;
        if (double !== "real" && missing.length > 0) return { lost: missing, twice, kills };
        assert.deepEqual((await sweep(() => {})).done, [], `after call ${n}`);
      }
    }
    return { lost: missing, twice, kills };
  }

  test("each backup has had its hook", async (t) => {
    const result = await lost(t, "real");
    assert.deepEqual(result.lost, []);
    assert.ok(result.kills > 60, `${result.kills} kills`);
    assert.ok(result.twice < result.kills / 2, "a kill costs one second call at most");
    t.diagnostic(`${result.kills} kills, ${result.twice} with a second call`);
  });

  test("one that remembers before the hook has ended is found out", async (t) => {
    assert.notDeepEqual((await lost(t, "remembers before the hook has ended")).lost, []);
  });
});

describe("a broken one is found out:", () => {
  test("one that forgets", async (t) => {
    const { make, write, text } = scene(t);
    const seen: string[] = [];
    const { fs } = systemEnvironment();
    const writeAt: typeof fs.writeAt = (fd, bytes, at) => void (bytes.length === 42 || fs.writeAt(fd, bytes, at));
    for (const part of [0, 1]) {
      const onArchived = ({ path }: ArchivedBackup) => seen.push(text(path));
      await write(make({ onArchived }, environmentWith({ writeAt })), part * 5, part * 5 + 5);
    }
    assert.notDeepEqual(seen, range(0, 9));
  });

  test("one that runs the hook with the lock of the log held", async (t) => {
    const { make, log } = scene(t);
    const failed = new Promise((resolve) => {
      const onArchived = () => {
        const lock = makeLock(lockFilePath(log));
        lock.tryAcquire();
        const other = new ConcurrentRotatingFileHandler(log, { ...KEPT, lockTimeout: 0, onLockTimeout: "throw" });
        assert.throws(() => other.write("by another"), { code: "ERR_CLH_LOCK_TIMEOUT" });
        lock.close();
        resolve(true);
      };
      make({ onArchived }).write(record(0));
      make({ onArchived }).rotate();
    });
    assert.ok(await failed);
  });

  test("one that keeps a backup for its hook", async (t) => {
    const { fs } = systemEnvironment();
    const unlink = (path: string) => {
      if (/\.\d+$/.test(path)) throw systemError("EBUSY", "unlink");
      fs.unlink(path);
    };
    assert.notDeepEqual((await hanging(t, environmentWith({ unlink }))).kept, range(5, 7));
  });
});

describe("options", () => {
  test("that cannot be are refused", (t) => {
    const { make } = scene(t);
    const refusedAs = (option: string, options: object) =>
      assert.throws(() => make(options), { code: "ERR_CLH_OPTION", option });
    refusedAs("onArchived", { onArchived: "sha256sum" });
    refusedAs("onArchived", { onArchived: () => {}, backupCount: 0 });
    refusedAs("onArchivedTimeout", { onArchivedTimeout: 0 });
    refusedAs("onArchivedTimeout", { onArchivedTimeout: "soon" });
    assert.throws(() => make({ onArchive: () => {} } as object), /Did you mean `onArchived`\?/);
  });

  test("JSON names the hook, which must be given again", (t) => {
    const { make } = scene(t);
    const onArchived = () => {};
    const json = JSON.stringify(make({ onArchived, onArchivedTimeout: "1m" }));
    assert.deepEqual(JSON.parse(json).functions, ["onArchived"]);
    assert.equal(JSON.parse(json).onArchivedTimeout, 60_000);
    assert.throws(() => ConcurrentRotatingFileHandler.fromJSON(json), { option: "onArchived" });
    assert.equal(JSON.stringify(ConcurrentRotatingFileHandler.fromJSON(json, { onArchived })), json);
  });
});
