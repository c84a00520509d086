import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  fstatSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Mount } from "../../src/disk/mount.js";
import { Permissions } from "../../src/disk/permissions.js";
import type { FileLock } from "../../src/lock/file-lock.js";
import { LockFile, lockFilePath } from "../../src/lock/lock-file.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { O_RDONLY } from "../../src/platform/file-system.js";
import { Fixture } from "../support/child.js";
import { environmentWith, systemError } from "../support/environment.js";
import { type LockKind, makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";
import { asOther, needsRoot } from "../support/users.js";

/* What every lock backend must do. The one of this system is tested: flock(2), or LockFileEx on Windows. */

const LONGER_THAN_TRUST = 5;

const isWindows = process.platform === "win32";
const POSIX = { skip: isWindows && "Windows has no modes" };
const NO_STOP = { skip: isWindows && "Windows stops no process" };
const NO_DELETION = {
  skip: isWindows && "Windows keeps the name of a deleted file, and lets none be renamed over one that is open",
};
const NO_LINKS = { skip: isWindows && "links need a privilege there, and Wine has none: test/unit/windows.test.ts" };

function lockIn(t: TestContext, kind?: LockKind): { path: string; lock: FileLock; other: FileLock } {
  const path = join(temporaryDirectory(t), ".__app.lock");
  const [lock, other] = [makeLock(path, kind), makeLock(path, kind)];
  t.after(() => {
    lock.close();
    other.close();
  });
  return { path, lock, other };
}

describe("exclusion", () => {
  test("of two locks in one thread", (t) => {
    const { lock, other } = lockIn(t);
    assert.equal(lock.tryAcquire(), true);
    assert.equal(other.tryAcquire(), false);
    lock.release();
    assert.equal(other.tryAcquire(), true);
    other.release();
  });

  test("a thread does not wait for itself", (t) => {
    const { lock, other } = lockIn(t);
    lock.acquire(0);
    const start = performance.now();
    assert.equal(other.acquire(60_000), false);
    assert.ok(performance.now() - start < 30_000);
    lock.release();
  });

  test("of processes", async (t) => assert.equal(await countTogether(t, "real", 4, 0), 4 * 500));
  test("of threads", async (t) => assert.equal(await countTogether(t, "real", 1, 4), 4 * 500));
  test("of threads and processes", async (t) => assert.equal(await countTogether(t, "real", 2, 2), 4 * 500));

  test("is missed when there is no lock", async (t) => {
    await assert.rejects(async () => assert.equal(await countTogether(t, "no lock", 4, 0), 4 * 500));
  });
});

/** Processes, or threads in each of them, add to one counter 500 times; without a lock, additions get lost. */
async function countTogether(t: TestContext, kind: LockKind, processes: number, threads: number): Promise<number> {
  const directory = temporaryDirectory(t);
  const counter = join(directory, "counter");
  writeFileSync(counter, "0");
  const run = () => new Fixture(t, "lock-user", "count", join(directory, ".lock"), counter, 500, kind, threads).ended;
  assert.deepEqual(await Promise.all(Array.from({ length: processes }, run)), Array(processes).fill(0));
  return Number(readFileSync(counter, "utf8"));
}

describe("a holder", () => {
  test("that is killed releases it", async (t) => {
    const { path, lock } = lockIn(t);
    const holder = new Fixture(t, "lock-user", "hold", path);
    await holder.line();
    assert.equal(lock.tryAcquire(), false);
    holder.process.kill("SIGKILL");
    await holder.ended;
    assert.equal(lock.acquire(5000), true);
    lock.release();
  });

  test("that is killed releases it, though a child of its lives on", async (t) => {
    const { path, lock } = lockIn(t);
    assert.equal(lock.tryAcquire(), true);
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    await once(child, "spawn");
    lock.close(); // as the end of the process would
    const other = makeLock(path);
    // At once, but Bun and Deno tell of a child that has yet to become the program.
    assert.equal(other.acquire(10_000), true);
    other.close();
  });

  test("that is stopped delays a waiter by its time-out, and no longer", NO_STOP, async (t) => {
    const { path, lock } = lockIn(t);
    const holder = new Fixture(t, "lock-user", "hold", path);
    await holder.line();
    process.kill(holder.process.pid!, "SIGSTOP"); // what has been killed by its object is dead to Deno
    const start = performance.now();
    assert.equal(lock.acquire(200), false);
    const waited = performance.now() - start;
    assert.ok(waited >= 200, `only ${waited} ms`);
    assert.ok(waited < 10_000, `${waited} ms`);
    process.kill(holder.process.pid!, "SIGCONT");
    holder.say("release");
    assert.equal(lock.acquire(5000), true);
    lock.release();
  });
});

describe("the lock file", () => {
  test("is named as upstream names it", () => {
    assert.equal(lockFilePath("/logs/app.log"), normalize("/logs/.__app.lock"));
    assert.equal(lockFilePath("/logs/app.txt"), normalize("/logs/.__app.txt.lock"));
    assert.equal(lockFilePath("/logs/APP.LOG"), normalize("/logs/.__APP.LOG.lock"));
    assert.equal(lockFilePath("/logs/app.log", "/locks"), normalize("/locks/.__app.lock"));
  });

  test("is neither deleted nor truncated nor written", (t) => {
    const { path, lock } = lockIn(t);
    writeFileSync(path, "1700000000");
    const { ino } = statSync(path);
    lock.acquire(0);
    lock.release();
    lock.close();
    assert.equal(readFileSync(path, "utf8"), "1700000000");
    assert.equal(statSync(path).ino, ino);
  });

  for (const [what, change] of [
    ["deleted", (path: string) => rmSync(path)],
    ["replaced", replace],
    ["moved away", (path: string) => renameSync(path, `${path}.moved`)],
  ] as const) {
    const onlyIf = what === "moved away" ? {} : NO_DELETION;
    test(`that was ${what} is not the lock any more`, onlyIf, (t) => changedLockFile(t, "real", change));
    test(`that was ${what}: a lock that never looks again is found out`, onlyIf, (t) =>
      assert.throws(() => changedLockFile(t, "never looks again", change), assert.AssertionError),
    );
  }

  for (const [umask, options, bits] of [
    [0o022, {}, 0o600],
    [0o002, {}, 0o660],
    [0o000, {}, 0o666],
    [0o022, { umask: 0o007 }, 0o660],
    [0o022, { umask: 0o027 }, 0o600],
    [0o000, { chmod: 0o640 }, 0o600],
    [0o077, { chmod: 0o664 }, 0o660],
  ] as const) {
    const asked = Object.entries(options).map(([name, value]) => `${name} ${value.toString(8)}`);
    test(`can be opened by those who may write only: umask ${umask.toString(8)} ${asked}`, POSIX, (t) => {
      const path = join(temporaryDirectory(t), ".__app.lock");
      const before = process.umask(umask);
      t.after(() => process.umask(before));
      const seen: number[] = [];
      const { fs } = systemEnvironment();
      const open: typeof fs.open = (...args) => {
        const fd = fs.open(...args);
        seen.push(fstatSync(fd).mode & 0o777);
        return fd;
      };
      const permissions = new Permissions(
        { chmod: undefined, umask: undefined, owner: undefined, ...options },
        assert.fail,
      );
      const file = new LockFile(path, new Mount(environmentWith({ open }), path), permissions);
      file.open();
      file.close();
      assert.equal(statSync(path).mode & 0o777, bits);
      for (const first of seen) assert.equal(first & ~bits, 0, "not even for a moment");
    });
  }

  test("that Python, or an older version, has made is kept from readers", POSIX, (t) => {
    for (const [old, bits] of [
      [0o755, 0o600],
      [0o775, 0o660],
      [0o777, 0o666],
    ] as const) {
      const { path, lock } = lockIn(t);
      writeFileSync(path, "1700000000");
      chmodSync(path, old);
      assert.ok(lock.acquire(0));
      lock.release();
      assert.equal(statSync(path).mode & 0o777, bits);
      assert.equal(readFileSync(path, "utf8"), "1700000000");
    }
  });

  describe("of a log that others may read", needsRoot, () => {
    /** The other user opens the lock file as it can, and keeps it: can the log be locked? */
    const isStopped = (t: TestContext, mode?: number): boolean => {
      const { path, lock } = lockIn(t);
      chmodSync(dirname(path), 0o755);
      assert.ok(lock.acquire(0));
      lock.release();
      if (mode !== undefined) chmodSync(path, mode);
      const { fs, lockBackend } = systemEnvironment();
      try {
        const fd = asOther(() => fs.open(path, O_RDONLY));
        t.after(() => fs.close(fd));
        assert.ok(lockBackend.tryLock(fd));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "EACCES");
      }
      return !lock.acquire(0);
    };

    test("cannot be held by them", (t) => assert.equal(isStopped(t), false));
    test("could be, if it were as upstream makes it", (t) => assert.equal(isStopped(t, 0o755), true));
  });

  test("is asked for at once when a rotation must be sure", NO_DELETION, (t) => {
    const { path, lock } = lockIn(t);
    lock.acquire(0);
    assert.equal(lock.isStillShared(), true);
    rmSync(path);
    assert.equal(lock.isStillShared(), false);
    lock.release();
  });

  test("that is a symbolic link is refused, and its target not touched", NO_LINKS, (t) => {
    const { path, lock } = lockIn(t);
    const target = `${path}.target`;
    symlinkSync(target, path);
    assert.throws(() => lock.acquire(0), { code: "ERR_CLH_LOCK", path, message: /symbolic link/ });
    assert.ok(!existsSync(target));
    writeFileSync(target, "");
    assert.throws(() => lock.acquire(0), { code: "ERR_CLH_LOCK" });
    assert.ok(lstatSync(path).isSymbolicLink());
  });

  test("that becomes a symbolic link while it is in use is refused", NO_LINKS, (t) => {
    const { path, lock } = lockIn(t);
    lock.acquire(0);
    lock.release();
    renameSync(path, `${path}.moved`);
    symlinkSync(`${path}.moved`, path);
    systemEnvironment().clock.sleep(LONGER_THAN_TRUST);
    assert.throws(() => lock.acquire(0), { code: "ERR_CLH_LOCK" });
  });

  test("is made with its directory", (t) => {
    const path = join(temporaryDirectory(t), "a", "b", ".lock");
    const lock = makeLock(path);
    assert.equal(lock.acquire(0), true);
    lock.close();
  });

  test("that is a directory is refused", (t) => {
    const path = temporaryDirectory(t);
    assert.throws(() => makeLock(path).acquire(0), { code: "ERR_CLH_LOCK", path });
  });
});

/** A lock that was in use sees that its file is another one now, and takes that. */
function changedLockFile(t: TestContext, kind: LockKind, change: (path: string) => void): void {
  const { path, lock, other } = lockIn(t, kind);
  assert.ok(lock.acquire(0));
  lock.release();
  change(path);
  assert.ok(other.acquire(0));
  systemEnvironment().clock.sleep(LONGER_THAN_TRUST);
  assert.equal(lock.tryAcquire(), false, "two hold the lock");
  other.release();
  assert.equal(lock.tryAcquire(), true);
  lock.release();
}

function replace(path: string): void {
  writeFileSync(`${path}.new`, "");
  renameSync(`${path}.new`, path);
}

test("a lock that cannot be released is closed, and throws nothing", (t) => {
  const { path } = lockIn(t);
  const system = systemEnvironment();
  const unlock = () => {
    throw systemError("EIO", "flock");
  };
  const lock = makeLock(path, "real", { ...system, lockBackend: { ...system.lockBackend, unlock } });
  assert.ok(lock.acquire(0));
  lock.release();
  const other = makeLock(path);
  assert.equal(other.tryAcquire(), true);
  other.close();
});

test("a failing lock is told of, with its path, and tried anew", (t) => {
  const { path } = lockIn(t);
  const system = systemEnvironment();
  let fails = true;
  const tryLock = (fd: number) => {
    if (fails) throw systemError("ENOLCK", "flock");
    return system.lockBackend.tryLock(fd);
  };
  const lock = makeLock(path, "real", { ...system, lockBackend: { ...system.lockBackend, tryLock } });
  assert.throws(() => lock.acquire(0), { code: "ERR_CLH_LOCK", path, message: /ENOLCK/ });
  fails = false;
  assert.equal(lock.acquire(0), true);
  lock.close();
});

test("an open that the server of a network file system has forgotten is replaced, once", (t) => {
  const { path } = lockIn(t);
  const system = systemEnvironment();
  for (const code of ["ESTALE", "EIO"]) {
    const tried: number[] = [];
    let forgotten = 0;
    const tryLock = (fd: number) => {
      tried.push(fd);
      if (forgotten-- > 0) throw systemError(code, "flock");
      return system.lockBackend.tryLock(fd);
    };
    const closed: number[] = [];
    const close = (fd: number) => {
      closed.push(fd);
      system.fs.close(fd);
    };
    const environment = { ...environmentWith({ close }), lockBackend: { ...system.lockBackend, tryLock } };
    const lock = makeLock(path, "real", environment);
    forgotten = 1;
    assert.equal(lock.acquire(0), true);
    assert.deepEqual([tried.length, closed], [2, tried.slice(0, 1)]);
    lock.release();
    forgotten = 2;
    assert.throws(() => lock.acquire(0), { code: "ERR_CLH_LOCK", message: new RegExp(code) });
    assert.equal(lock.acquire(0), true);
    lock.release();
    lock.close();
    assert.equal(closed.length, 4);
  }
});

test("a lock file that is replaced without end counts as held by another", NO_DELETION, (t) => {
  const { path } = lockIn(t);
  const { fs } = systemEnvironment();
  const environment = environmentWith({
    linkStatus(file, into) {
      replace(path);
      return fs.linkStatus(file, into);
    },
  });
  assert.equal(makeLock(path, "real", environment).tryAcquire(), false);
});
