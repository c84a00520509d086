import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { hasCode } from "../../../src/base/system-errors.js";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../../src/index.js";
import { sweepLockPath } from "../../../src/log-files/hidden-names.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import type { FileSystem } from "../../../src/platform/file-system.js";
import { lockFileExBackend } from "../../../src/platform/lock-file-ex.js";
import type { Kernel32 } from "../../../src/platform/system-calls.js";
import { forWindows } from "../../../src/platform/windows-fs.js";
import { OpenSpills } from "../../../src/spill/spill-reader.js";
import { ManualClock, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { sweepLog } from "../../support/operations.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { windowsLike } from "../../support/windows-like.js";

/* What Windows does otherwise, and Wine does not show. The rest is proven under Wine: npm run test:windows. */

const local = () => false;

/** Windows over a file system of this machine. */
function overThis(fs: FileSystem, isRemote: Kernel32["isRemote"] = local): FileSystem {
  let error = 0;
  const moveFileEx: Kernel32["moveFileEx"] = (from, to, flags) => {
    assert.equal(flags, 0, "it must not replace a file");
    try {
      fs.renameNew(from, to);
      return 1;
    } catch (cause) {
      error = hasCode(cause, "EEXIST") ? 183 : hasCode(cause, "ENOENT") ? 3 : hasCode(cause, "EBUSY") ? 32 : 5;
      return 0;
    }
  };
  return forWindows(fs, { isRemote, moveFileEx, lastError: () => error });
}

/** A machine like Windows; `change` breaks it, or what we do about it. */
function windows(change: (environment: Environment) => Partial<Environment> = () => ({})): Environment {
  const { fs, lockBackend } = windowsLike();
  const environment = { ...systemEnvironment(), fs: overThis(fs), lockBackend };
  return { ...environment, ...change(environment) };
}

/** Two processes' handlers of one log. */
function setUp(t: TestContext, options: RotatingFileHandlerOptions, environment = windows()) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const errors: string[] = [];
  const handlers = [1, 2].map(() => {
    const handler = new ConcurrentRotatingFileHandler(log, options, environment);
    handler.on("error", ({ code }) => errors.push(code));
    handler.on("warning", ({ code }) => errors.push(code));
    t.after(() => handler.close());
    return handler;
  });
  return { directory, log, errors, a: handlers[0]!, b: handlers[1]! };
}

const shown = (directory: string) => readdirSync(directory).filter((name) => !/\.(lock|settings|sweep)$/.test(name));

describe("two processes that keep the log open", () => {
  test("rotate it", (t) => {
    const { directory, errors, a, b } = setUp(t, { maxBytes: 20, backupCount: 20 });
    for (let i = 0; i < 10; i++) for (const handler of [a, b]) handler.write(`record ${i}`);
    assert.deepEqual(errors, []);
    const text = shown(directory).map((name) => readFileSync(join(directory, name), "utf8"));
    assert.equal(text.join("").length, 20 * "record 0\n".length);
  });

  const keepsNone = (t: TestContext, environment?: Environment) => {
    const { directory, log, errors, a, b } = setUp(t, { maxBytes: 20, backupCount: 0 }, environment);
    for (const handler of [a, b, a, b, a]) handler.write("record 0");
    assert.deepEqual(errors, []);
    assert.equal(readFileSync(log, "utf8"), "record 0\n");
    for (const handler of [a, b]) handler.close();
    assert.deepEqual(shown(directory), ["app.log"]);
  };
  test("delete it where no backups are kept", (t) => keepsNone(t));
  test("delete it: who deletes it by its name is found out", (t) => {
    const { fs, lockBackend } = windowsLike();
    assert.throws(() => keepsNone(t, { ...systemEnvironment(), fs, lockBackend }), assert.AssertionError);
  });

  test("go on in a new one when a third has deleted it", (t) => {
    const { fs, lockBackend } = windowsLike();
    const { log, a } = setUp(t, {}, { ...systemEnvironment(), fs: overThis(fs), lockBackend });
    a.write("before");
    fs.unlink(log);
    a.write("after");
    a.write("later");
    assert.equal(readFileSync(log, "utf8"), "after\nlater\n");
  });
});

test("a rotated file is compressed", async (t) => {
  const environment = windows();
  const { directory, log, a } = setUp(t, { backupCount: 5, useGzip: true, chmod: "0640" }, environment);
  const other = makeLock(sweepLockPath(log), "real", environment);
  assert.ok(other.tryAcquire());
  a.write("record 0");
  writeFileSync(join(directory, ".__app.log.0000000001.0.pending"), "one\n");
  await sweepLog(log, environment);
  assert.ok(!existsSync(`${log}.1.gz`));
  other.close();
  await sweepLog(log, environment);
  assert.equal(gunzipSync(readFileSync(`${log}.1.gz`)).toString(), "one\n");
});

const readsSpill = (t: TestContext, environment = windows()) => {
  const { directory, log, a } = setUp(t, { lockTimeout: 0 }, environment);
  const holder = makeLock(join(directory, ".__app.lock"), "real", environment);
  assert.ok(holder.tryAcquire());
  assert.ok(!a.write("record 0"));
  const [record] = new OpenSpills(environment, log).records();
  holder.close();
  assert.equal(String(record?.bytes), "record 0\n");
};
test("a spill of a process that lives can be read", (t) => readsSpill(t));
test("a spill that is locked where its content is cannot", (t) => {
  const lockedWhole = windows(({ lockBackend }) => ({
    lockBackend: { ...lockBackend, tryLock: (fd) => lockBackend.tryLock(fd) },
  }));
  assert.throws(() => readsSpill(t, lockedWhole), { code: "EBUSY" });
});

for (const code of ["EBUSY", "EPERM", "EACCES"]) {
  test(`another program lets nobody rename the log (${code}): records go on into it, and it is rotated later`, (t) => {
    const clock = new ManualClock();
    let isHeld = true;
    let tries = 0;
    const { log, errors, a, b } = setUp(
      t,
      { maxBytes: 20, backupCount: 1 },
      windows(({ fs }) => {
        const rename = (call: FileSystem["rename"]) => (from: string, to: string) => {
          tries++;
          if (isHeld) throw systemError(code, "rename");
          call(from, to);
        };
        return { clock, fs: { ...fs, rename: rename(fs.rename), renameNew: rename(fs.renameNew) } };
      }),
    );
    for (let i = 0; i < 100; i++) assert.ok((i % 2 ? a : b).write("record 0"));
    assert.deepEqual(errors, ["ERR_CLH_ROTATE", "ERR_CLH_ROTATE"]);
    assert.ok(tries <= 4, `${tries} tries`);
    isHeld = false;
    clock.time += 5000;
    assert.ok(a.write("record 1"));
    assert.equal(readFileSync(log, "utf8"), "record 1\n");
    assert.equal(readFileSync(`${log}.1`, "utf8"), "record 0\n".repeat(100));
  });
}

test("owner and mode have no effect, which is told once", (t) => {
  const { log, errors, a } = setUp(t, { chmod: 0o600, owner: [1, 1], maxBytes: 20, backupCount: 5 });
  for (let i = 0; i < 10; i++) a.write("record 0");
  assert.deepEqual(errors, ["ERR_CLH_PERMISSION"]);
  assert.equal(readFileSync(log, "utf8"), "record 0\n".repeat(2));
});

test("a lock file that is a symbolic link is refused, and its target not made", (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, ".lock");
  symlinkSync(join(directory, "target"), path);
  assert.throws(() => makeLock(path, "real", windows()).acquire(0), { code: "ERR_CLH_LOCK", message: /ELOOP/ });
  assert.deepEqual(readdirSync(directory), [".lock"]);
  renameSync(path, `${path}.link`);
  assert.ok(makeLock(path, "real", windows()).acquire(0));
});

test("what a process that was killed has left of a deletion is removed, and nothing else", (t) => {
  const directory = temporaryDirectory(t);
  const names = [".__0123456789ab.deleted", ".__0123456789AB.deleted", "app.log", "x.deleted"];
  for (const name of names) writeFileSync(join(directory, name), "");
  windows().fs.unlink(join(directory, "app.log"));
  assert.deepEqual(readdirSync(directory), [".__0123456789AB.deleted", "x.deleted"]);
  assert.throws(() => windows().fs.unlink(join(directory, "app.log")), { code: "ENOENT" });
});

test("on a drive of another host, the log is not kept open", (t) => {
  const { fs, lockBackend } = windowsLike();
  const closed: number[] = [];
  const counting: FileSystem = {
    ...fs,
    close(fd) {
      closed.push(fd);
      fs.close(fd);
    },
  };
  const opened = (isRemote: () => boolean) => {
    const environment = {
      ...systemEnvironment(),
      smbLocks: undefined,
      fs: overThis(counting, isRemote),
      lockBackend,
    };
    const { a } = setUp(t, {}, environment);
    a.write("record 0");
    const before = closed.length;
    a.write("record 1");
    return closed.length - before;
  };
  assert.equal(opened(local), 0);
  assert.equal(
    opened(() => true),
    2, // the log, and the lock file
  );
});

test("a rename replaces no file, whatever Windows remembers of its name", (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = ["from", "to"].map((name) => join(directory, name)) as [string, string];
  for (const path of [from, to]) writeFileSync(path, path);
  const { fs } = systemEnvironment();
  const remembers: FileSystem = { ...fs, exists: () => false };
  assert.throws(() => overThis(remembers).renameNew(from, to), { code: "EEXIST", syscall: "rename", dest: to });
  assert.equal(readFileSync(to, "utf8"), to);
  assert.throws(() => overThis(remembers).renameNew(join(directory, "none"), join(directory, "new")), {
    code: "ENOENT",
  });
});

describe("LockFileEx", () => {
  const asked: [range: string, overlapped: Buffer][] = [];
  const kernel32 = (error: number): Kernel32 => ({
    handleOf: (fd) => fd + 1000,
    lockFileEx(handle, flags, _reserved, low, high, overlapped) {
      asked.push([`${handle} ${flags} ${low} ${high}`, overlapped]);
      return 0;
    },
    unlockFileEx: () => 0,
    moveFileEx: () => 0,
    lastError: () => error,
    isRemote: local,
  });

  test("asks for the range that upstream asks for, without waiting", () => {
    lockFileExBackend(kernel32(33)).tryLock(3);
    assert.deepEqual(asked.pop(), ["1003 3 65536 0", Buffer.alloc(32)]);
  });

  test("of a file that others read, asks for a byte behind its content", () => {
    for (const [arch, at] of [
      ["x64", 20],
      ["arm64", 20],
      ["ia32", 12], // pointers of four bytes
    ] as const) {
      lockFileExBackend(kernel32(33), arch).tryLock(3, true);
      const expected = Buffer.alloc(32);
      expected[at + 3] = 0x40;
      assert.deepEqual(asked.pop(), ["1003 3 1 0", expected]);
    }
  });

  test("tells a lock that is held from one that cannot be had", () => {
    for (const busy of [33, 997, 0]) assert.equal(lockFileExBackend(kernel32(busy)).tryLock(3), false);
    assert.throws(() => lockFileExBackend(kernel32(6)).tryLock(3), { code: "WIN32_6", message: /LockFileEx/ });
    assert.throws(() => lockFileExBackend(kernel32(158)).unlock(3), { code: "WIN32_158" });
  });
});
