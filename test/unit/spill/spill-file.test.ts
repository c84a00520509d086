import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions, readLog } from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { type DoubleName, doubleOf } from "../../support/doubles.js";
import { ManualClock, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { Mortal } from "../../support/mortal.js";
import { sweepLog } from "../../support/operations.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { needsRoot, OTHER_USER } from "../../support/users.js";

const system = systemEnvironment();
const NFS = 0x6969;
const EXT4 = 0xef53;
const RECORDS = ["one", "two", "three", "four", "five"];

function make(log: string, process: Mortal, options: RotatingFileHandlerOptions = {}): ConcurrentRotatingFileHandler {
  const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 0, ...options }, process.environment);
  handler.on("error", () => {});
  return handler;
}

/** Leaves a spill with {@link RECORDS}, of a process that has died. */
function leaveSpill(log: string): void {
  const holder = makeLock(lockFilePath(log));
  assert.ok(holder.acquire(0));
  const owner = new Mortal();
  const handler = make(log, owner);
  for (const record of RECORDS) assert.equal(handler.write(record), false);
  assert.equal(handler.stats().pending, RECORDS.length);
  owner.die();
  holder.release();
  holder.close();
}

function hidden(log: string): string[] {
  return readdirSync(join(log, "..")).filter((name) => name.startsWith(".") && !/\.(lock|settings|sweep)$/.test(name));
}

function setUp(t: TestContext, name = "app.log"): string {
  return join(temporaryDirectory(t), name);
}

const EXPECTED = `${[...RECORDS, "last"].join("\n")}\n`;

describe("a lock that is not free in time", () => {
  test("lets records wait on disk, in order, until it is", async (t) => {
    const log = setUp(t);
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(0));
    const handler = make(log, new Mortal(), { lockTimeout: 20 });
    for (const record of RECORDS) assert.equal(handler.write(record), false);
    assert.match(hidden(log).join(), /^\.__app\.log\.\d+\.[0-9a-f]{8}\.spill$/);
    holder.close();
    await handler.flush();
    assert.ok(handler.write("last"));
    assert.equal(readFileSync(log, "utf8"), EXPECTED);
    assert.deepEqual(hidden(log), []);
    assert.deepEqual([handler.stats().pending, handler.stats().records], [0, 6]);
    handler.close();
  });

  test("is thrown, if asked for, and the record is not kept", (t) => {
    const log = setUp(t);
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(0));
    const handler = make(log, new Mortal(), { onLockTimeout: "throw" });
    const message =
      /\.__app\.lock within 0 ms.*\(fuser -v says which\)\. The record was not written, and is not kept\.$/;
    assert.throws(() => handler.write("one"), { code: "ERR_CLH_LOCK_TIMEOUT", message });
    assert.deepEqual(hidden(log), []);
    holder.close();
    assert.ok(handler.write("two"));
    assert.equal(readFileSync(log, "utf8"), "two\n");
    handler.close();
  });

  test("is told by open() and rotate() as it is", (t) => {
    const log = setUp(t);
    const errors: string[] = [];
    const handler = make(log, new Mortal(), { onLockTimeout: "throw" });
    handler.on("error", ({ message }) => errors.push(message));
    assert.ok(handler.write("one"));
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(0));
    assert.throws(() => handler.open(), { code: "ERR_CLH_LOCK_TIMEOUT", message: /\. The log was not opened\.$/ });
    assert.equal(handler.rotate(), false);
    assert.match(errors.join("\n"), /^Could not lock .*\.__app\.lock within 0 ms.*\. The log was not rotated\.$/);
    holder.close();
    assert.ok(handler.rotate());
    assert.equal(handler.stats().lockTimeouts, 2);
    handler.close();
  });

  test("keeps records in memory where no spill can be made", (t) => {
    const log = setUp(t);
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(0));
    const { environment } = new Mortal();
    const fs = { ...environment.fs };
    fs.open = (path, flags, mode) => {
      if (path.endsWith(".spill")) throw systemError("ENOSPC", "open");
      return environment.fs.open(path, flags, mode);
    };
    const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 0 }, { ...environment, fs });
    const codes: string[] = [];
    handler.on("error", ({ code }) => codes.push(code));
    for (const record of RECORDS) assert.equal(handler.write(record), false);
    assert.ok(codes.includes("ERR_CLH_SPILL"));
    holder.close();
    assert.ok(handler.flushSync());
    assert.ok(handler.write("last"));
    assert.equal(readFileSync(log, "utf8"), EXPECTED);
    handler.close();
  });
});

describe("a spill whose process has died", () => {
  test("is merged by the next handler, and one whose process lives is not", (t) => {
    const log = setUp(t);
    leaveSpill(log);
    const handler = make(log, new Mortal());
    handler.open();
    assert.equal(readFileSync(log, "utf8"), `${RECORDS.join("\n")}\n`);
    assert.deepEqual(hidden(log), []);
    handler.close();
  });

  test("is told of once when it cannot be opened, and others are merged", (t) => {
    const log = setUp(t);
    leaveSpill(log);
    const first = join(log, "..", hidden(log)[0]!);
    leaveSpill(log);
    const { fs } = system;
    const open: typeof fs.open = (path, flags, mode) => {
      if (path === first) throw systemError("EACCES", "open");
      return fs.open(path, flags, mode);
    };
    const environment = { ...system, fs: { ...fs, open } };
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 40, backupCount: 9 }, environment);
    const messages: string[] = [];
    handler.on("error", ({ code, message }) => messages.push(`${code} ${message}`));
    for (const record of [...RECORDS, ...RECORDS]) assert.ok(handler.write(record));
    handler.close();
    assert.equal(messages.length, 1);
    assert.match(messages[0]!, /^ERR_CLH_SPILL Cannot merge .*\.spill.*EACCES/);
    assert.deepEqual(hidden(log), [basename(first)]);
  });

  test("is left to others when the lock is not free soon, however many there are", (t) => {
    const log = setUp(t);
    leaveSpill(log);
    leaveSpill(log);
    for (const n of [1, 2]) writeFileSync(`${log}.${n}`, `${"x".repeat(1023)}\n`);
    const clock = new ManualClock();
    const { environment } = new Mortal();
    const locks = new Set<number>();
    let isStuck = false;
    const handler = new ConcurrentRotatingFileHandler(
      log,
      { maxTotalBytes: "1KiB", lockTimeout: "10s" },
      {
        clock,
        fs: {
          ...environment.fs,
          open(path, flags, mode) {
            const fd = environment.fs.open(path, flags, mode);
            if (path.endsWith(".lock")) locks.add(fd);
            return fd;
          },
        },
        lockBackend: {
          tryLock: (fd) => !(isStuck && locks.has(fd)) && environment.lockBackend.tryLock(fd),
          unlock(fd) {
            environment.lockBackend.unlock(fd);
            isStuck = true;
          },
        },
      },
    );
    const codes: string[] = [];
    handler.on("error", ({ code }) => codes.push(code));
    assert.ok(handler.write("first"));
    assert.ok(clock.time <= 2 * 100, `${clock.time} ms for spills and backups`);
    assert.deepEqual(codes, ["ERR_CLH_PRUNE"]);
    isStuck = false;
    handler.close();
    const next = make(log, new Mortal());
    next.open();
    next.close();
    assert.equal(readFileSync(log, "utf8"), `first\n${`${RECORDS.join("\n")}\n`.repeat(2)}`);
    assert.deepEqual(hidden(log), []);
  });

  test("obeys the limits of the log", (t) => {
    const log = setUp(t);
    leaveSpill(log);
    const handler = make(log, new Mortal(), { maxBytes: 12, backupCount: 10 });
    handler.open();
    handler.close();
    const names = readdirSync(join(log, "..")).filter((name) => name.startsWith("app.log"));
    const texts = names.sort().map((name) => readFileSync(join(log, "..", name), "utf8"));
    assert.deepEqual(texts, ["five\n", "three\nfour\n", "one\ntwo\n"]);
  });

  for (const lastWords of [false, true]) {
    for (const isMoved of [false, true]) {
      const name = `is merged once though its merger is killed at any call${lastWords ? ", half-way through a write" : ""}${isMoved ? ", and the log moved away" : ""}`;
      test(name, (t) => {
        let untouched = false;
        for (let n = 1; !untouched; n++) {
          const log = setUp(t);
          leaveSpill(log);
          const merger = new Mortal(n, lastWords);
          try {
            make(log, merger).open();
          } catch {
            // ERR_CLH_LOCK, ERR_CLH_OPEN: killed before it merged anything
          }
          untouched = merger.calls < n;
          merger.die();
          if (isMoved && readdirSync(join(log, "..")).includes("app.log")) renameSync(log, `${log}.1`);
          const next = make(log, new Mortal());
          assert.ok(next.write("last"));
          next.close();
          const names = readdirSync(join(log, ".."))
            .filter((file) => file.startsWith("app.log"))
            .sort()
            .reverse();
          const text = names.map((file) => readFileSync(join(log, "..", file), "utf8")).join("\n");
          const lines = text.split("\n");
          const whole = EXPECTED.split("\n");
          for (const line of new Set(whole.slice(0, -1))) {
            assert.equal(lines.filter((found) => found === line).length, 1, `killed at ${n}: ${JSON.stringify(text)}`);
          }
          const rest = lines.filter((line) => line !== "" && !whole.includes(line));
          assert.ok(rest.length <= (lastWords ? 1 : 0), `killed at ${n}: ${JSON.stringify(text)}`);
          assert.deepEqual(hidden(log), [], `killed at ${n}`);
        }
      });
    }
  }
});

/** The last call of a merger that is killed when its records are in the log, and before the spill says so. */
function killAMerger(log: string, double: DoubleName = "real"): void {
  const merger = new Mortal();
  Object.assign(merger.environment, { fs: { ...doubleOf(double, merger.environment.fs) } });
  const { fs } = merger.environment;
  const handler = make(log, merger);
  const write = fs.write;
  fs.write = (...args) => {
    const written = write(...args);
    merger.die();
    return written;
  };
  handler.open();
}

describe("a spill whose merger was killed before it noted what it did is merged once", () => {
  for (const double of ["real", "notes no intent"] as const) {
    test(double === "real" ? "since it noted what it was about to do" : "and twice, if it did not", (t) => {
      const log = setUp(t);
      leaveSpill(log);
      killAMerger(log, double);
      const next = make(log, new Mortal());
      next.open();
      next.close();
      assert.equal(readFileSync(log, "utf8"), `${RECORDS.join("\n")}\n`.repeat(double === "real" ? 1 : 2));
    });
  }

  test("though its log is named like a compressed file", (t) => {
    const log = setUp(t, "app.gz");
    leaveSpill(log);
    killAMerger(log);
    const next = make(log, new Mortal());
    next.open();
    next.close();
    assert.equal(readFileSync(log, "utf8"), `${RECORDS.join("\n")}\n`);
  });

  test("though its log is a symbolic link", { skip: process.platform === "win32" && "links need a privilege" }, (t) => {
    const log = setUp(t);
    symlinkSync("elsewhere", log);
    leaveSpill(log);
    killAMerger(log);
    const next = make(log, new Mortal());
    next.open();
    next.close();
    assert.equal(readFileSync(log, "utf8"), `${RECORDS.join("\n")}\n`);
    assert.deepEqual(hidden(log), []);
  });

  test("though its file is rotated to where it is not found", (t) => {
    const log = setUp(t);
    const namer = (name: string) => name.replace("app.log", "elsewhere");
    const next = make(log, new Mortal(), { maxBytes: 30, backupCount: 9, namer });
    assert.ok(next.write("first"));
    leaveSpill(log);
    killAMerger(log);
    assert.ok(next.write("last"));
    next.close();
    assert.equal(readFileSync(log.replace("app.log", "elsewhere.1"), "utf8"), `first\n${RECORDS.join("\n")}\n`);
    assert.equal(readFileSync(log, "utf8"), "last\n");
    assert.deepEqual(hidden(log), []);
  });

  test("though its file is compressed before anybody looks for spills", async (t) => {
    const log = setUp(t);
    const rotator = new Mortal();
    const { fs } = rotator.environment;
    const { renameNew } = fs;
    fs.renameNew = (...args) => {
      renameNew(...args);
      rotator.die();
    };
    const options = { maxBytes: 30, backupCount: 9, useGzip: true };
    const next = make(log, rotator, options);
    assert.ok(next.write("first"));
    leaveSpill(log);
    killAMerger(log);
    assert.equal(next.write("not kept"), false);
    await sweepLog(log, system);
    const last = make(log, new Mortal(), options);
    assert.ok(last.write("last"));
    last.close();
    assert.equal(gunzipSync(readFileSync(`${log}.1.gz`)).toString(), `first\n${RECORDS.join("\n")}\n`);
    assert.equal(readFileSync(log, "utf8"), "last\n");
    assert.deepEqual(hidden(log), []);
  });
});

describe("a large spill", () => {
  const LARGE = 3 * 1024 ** 2;
  const LINE = `${"x".repeat(999)}`;

  /** A handler with {@link LARGE} bytes in its spill, and a lock that is free again. */
  async function spilled(t: TestContext, options: RotatingFileHandlerOptions = {}) {
    const log = setUp(t);
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(0));
    const process = new Mortal();
    const handler = make(log, process, options);
    for (let i = 0; i < LARGE / 1000; i++) handler.write(LINE);
    holder.close();
    return { log, handler, process };
  }

  test("is merged in slices, so that a write does not wait for all of it", async (t) => {
    const { log, handler } = await spilled(t);
    const before = handler.stats().pending;
    await setTimeout(20); // until the next try is due
    handler.write("last");
    const merged = before - handler.stats().pending;
    assert.ok(merged < before, "it merged nothing");
    assert.ok(handler.stats().pending > 0, `it merged all of ${before} records at once`);
    assert.ok(merged <= 2 * 1024 * 2, `${merged} records at once`);
    await handler.flush();
    assert.equal(handler.stats().pending, 0);
    assert.ok(readFileSync(log, "utf8").endsWith(`${LINE}\nlast\n`));
  });

  test("of a process that has died is merged in slices, and the rest when nobody waits", async (t) => {
    const { log, process } = await spilled(t);
    process.die();
    const next = make(log, new Mortal());
    next.write("first");
    const records = () => readFileSync(log, "utf8").split("\n").length - 1;
    assert.ok(records() < LARGE / 1000, "all of it was merged within the first write");
    await next.swept();
    assert.equal(records(), Math.ceil(LARGE / 1000) + 1);
    assert.deepEqual(hidden(log), []);
  });

  test("has a limit: what is beyond it waits in memory, and that is told once", async (t) => {
    const log = setUp(t);
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(0));
    const handler = make(log, new Mortal(), { maxSpillBytes: 25_000, retryBufferBytes: 10_000 });
    const told: string[] = [];
    handler.on("error", ({ code }) => told.push(code));
    for (let i = 0; i < 50; i++) handler.write(LINE);
    assert.deepEqual(
      told.filter((code) => code === "ERR_CLH_SPILL"),
      ["ERR_CLH_SPILL"],
    );
    const { pending, dropped } = handler.stats();
    assert.ok(pending >= 30 && pending <= 36 && pending + dropped === 50, `${pending} pending, ${dropped} dropped`);
    holder.close();
    await assert.rejects(handler.flush(), { code: "ERR_CLH_FLUSH" });
    assert.equal(readFileSync(log, "utf8").split(LINE).length - 1, pending);
  });
});

test("a new spill that others take for one of a dead process, before it is locked, loses no record", async (t) => {
  const log = setUp(t);
  const holder = makeLock(lockFilePath(log));
  assert.ok(holder.acquire(0));
  const owner = new Mortal();
  const { lockBackend } = owner.environment;
  let isRemoved = false;
  const environment = {
    ...owner.environment,
    lockBackend: {
      ...lockBackend,
      tryLock(fd: number, isRead?: boolean) {
        const [spill] = hidden(log);
        if (spill !== undefined && !isRemoved) {
          isRemoved = true;
          unlinkSync(join(log, "..", spill)); // as who merges an empty one does
        }
        return lockBackend.tryLock(fd, isRead);
      },
    },
  };
  const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 0 }, environment);
  handler.on("error", () => {});
  for (const record of RECORDS) assert.equal(handler.write(record), false);
  assert.ok(isRemoved);
  assert.equal(hidden(log).length, 1, "its records are in no file");
  holder.close();
  await handler.flush();
  assert.equal(readFileSync(log, "utf8"), `${RECORDS.join("\n")}\n`);
});

describe("a spill that another user has left where all may write", needsRoot, () => {
  /** What a handler, and a reader, take for records of the log; and what the handler tells. */
  async function merged(t: TestContext, prepare: (log: string, spill: string) => void, environment = system) {
    const log = setUp(t);
    leaveSpill(log);
    const spill = join(dirname(log), hidden(log)[0]!);
    chmodSync(dirname(log), 0o1777);
    prepare(log, spill);
    const read = async () => {
      const texts: string[] = [];
      for await (const { text } of readLog(log)) texts.push(text);
      return texts;
    };
    const before = await read();
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 40, backupCount: 9 }, environment);
    const told: string[] = [];
    handler.on("error", ({ code, message }) => told.push(`${code} ${message}`));
    for (let i = 0; i < 9; i++) assert.ok(handler.write("last"));
    handler.close();
    return { before, after: (await read()).filter((text) => text !== "last"), told, left: hidden(log) };
  }
  const give = (path: string) => chownSync(path, OTHER_USER, OTHER_USER);

  test("is neither merged nor read, and told once", async (t) => {
    const { before, after, told, left } = await merged(t, (_, spill) => give(spill));
    assert.deepEqual([before, after, left.length], [[], [], 1]);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^ERR_CLH_SPILL Cannot merge .*: others than the writers of this log may have made it/);
  });

  test("is merged when the log is that user's", async (t) => {
    const { before, after, told, left } = await merged(t, (log, spill) => {
      writeFileSync(log, "");
      for (const path of [log, spill]) give(path);
    });
    assert.deepEqual([before, after, told, left], [RECORDS, RECORDS, [], []]);
  });

  test("is forged: a handler that asks nobody whose it is is found out", async (t) => {
    const linkStatus: typeof system.fs.linkStatus = (path, into) => {
      const isThere = system.fs.linkStatus(path, into);
      into.words.set([0, 0], 5); // uid, gid
      return isThere;
    };
    const trusting = { ...system, fs: { ...system.fs, linkStatus } };
    assert.deepEqual((await merged(t, (_, spill) => give(spill), trusting)).after, RECORDS);
  });
});

/** Writes to the log while something of the spill has not been brought to the server. */
function writesTooEarly(t: TestContext, type: number): number {
  const log = setUp(t);
  const { fs, ...others } = system;
  const spills = new Set<number>();
  const unsynced = new Set<number>();
  let early = 0;
  const handler = new ConcurrentRotatingFileHandler(
    log,
    { lockTimeout: 0 },
    {
      ...others,
      fs: {
        ...fs,
        fileSystemType: () => type,
        open(path, flags, mode) {
          const fd = fs.open(path, flags, mode);
          if (path.endsWith(".spill")) spills.add(fd);
          return fd;
        },
        close(fd) {
          spills.delete(fd);
          unsynced.delete(fd);
          fs.close(fd);
        },
        writeAt(fd, bytes, position) {
          if (spills.has(fd)) unsynced.add(fd);
          fs.writeAt(fd, bytes, position);
        },
        write(fd, ...rest) {
          early += unsynced.size;
          return fs.write(fd, ...rest);
        },
        fdatasync(fd) {
          unsynced.delete(fd);
          fs.fdatasync(fd);
        },
      },
    },
  );
  t.after(() => handler.close());
  handler.on("error", () => {});
  const holder = makeLock(lockFilePath(log));
  assert.ok(holder.acquire(0));
  for (const record of RECORDS) assert.equal(handler.write(record), false);
  assert.equal(unsynced.size, type === NFS ? 0 : 1, "other hosts read it meanwhile");
  holder.release();
  holder.close();
  assert.equal(handler.flushSync(), true);
  assert.equal(readFileSync(log, "utf8"), `${RECORDS.join("\n")}\n`);
  return early;
}

test("on a network file system, what a spill says is on the server before the log is written to", (t) => {
  assert.equal(writesTooEarly(t, NFS), 0);
  assert.ok(writesTooEarly(t, EXT4) > 0);
});
