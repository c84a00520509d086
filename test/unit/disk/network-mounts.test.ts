import assert from "node:assert/strict";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isOnNetwork } from "../../../src/disk/network-mounts.js";
import {
  ConcurrentRotatingFileHandler,
  type LogFileError,
  type RotatingFileHandlerOptions,
} from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { environmentWith, ManualClock, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* There is no server here: a file system that says that it is one of these, and what is asked of it. */

const NETWORK = {
  NFS: 0x6969,
  SMB: 0x517b,
  CIFS: 0xff534d42,
  SMB2: 0xfe534d42,
  "9p": 0x01021997,
  Ceph: 0x00c36400,
  AFS: 0x5346414f,
};
const LOCAL = { ext4: 0xef53, tmpfs: 0x01021994, FUSE: 0x65735546, unknown: 0 };

/** What is done with the log and the lock, in that order; the rest is left out. */
function watch(type: number): { calls: string[]; environment: Environment } {
  const { fs, lockBackend, clock } = systemEnvironment();
  const calls: string[] = [];
  const logs = new Set<number>();
  const note = (call: string, fd: number) => {
    if (logs.has(fd)) calls.push(call);
  };
  const { fs: watched } = environmentWith({
    fileSystemType: () => type,
    open(path, flags, mode) {
      const fd = fs.open(path, flags, mode);
      if (path.endsWith("app.log")) logs.add(fd);
      note("open", fd);
      return fd;
    },
    write(fd, bytes, offset, length) {
      note("write", fd);
      return fs.write(fd, bytes, offset, length);
    },
    fsync(fd) {
      note("fsync", fd);
      fs.fsync(fd);
    },
    fdatasync(fd) {
      note("fdatasync", fd);
      fs.fdatasync(fd);
    },
    close(fd) {
      note("close", fd);
      logs.delete(fd);
      fs.close(fd);
    },
  });
  const tryLock = (fd: number) => {
    calls.push("lock");
    return lockBackend.tryLock(fd);
  };
  const unlock = (fd: number) => {
    calls.push("unlock");
    lockBackend.unlock(fd);
  };
  return { calls, environment: { fs: watched, clock, lockBackend: { tryLock, unlock } } };
}

/** What the second of two writes does. */
function secondWrite(t: TestContext, type: number, options: RotatingFileHandlerOptions = {}): string[] {
  const { calls, environment } = watch(type);
  const path = join(temporaryDirectory(t), "made later", "app.log");
  const handler = new ConcurrentRotatingFileHandler(path, options, environment);
  t.after(() => handler.close());
  assert.equal(handler.write("one"), true);
  calls.length = 0;
  assert.equal(handler.write("two"), true);
  const second = calls.slice();
  assert.equal(readFileSync(path, "utf8"), "one\ntwo\n");
  return second;
}

for (const [name, type] of Object.entries(NETWORK)) {
  test(`${name}: opened, written, written back and closed within the lock, at every write`, (t) => {
    for (const sync of ["none", "data", "full"] as const) {
      // On NFS, the log is locked too: see ActiveFile.
      const opens = name === "NFS" ? ["open", "lock"] : ["open"];
      const expected = ["lock", ...opens, "write", "fsync", "close", "unlock"];
      assert.deepEqual(secondWrite(t, type, { sync }), expected);
      assert.deepEqual(secondWrite(t, type, { sync, keepFileOpen: false }), expected);
    }
  });

  test(`${name}: keepFileOpen that is asked for is kept`, (t) => {
    assert.deepEqual(secondWrite(t, type, { keepFileOpen: true }), ["lock", "write", "unlock"]);
  });
}

for (const [name, type] of Object.entries(LOCAL)) {
  test(`${name}: the file stays open`, (t) => assert.deepEqual(secondWrite(t, type), ["lock", "write", "unlock"]));

  test(`${name}: without keepFileOpen, closed within the lock too`, (t) => {
    const expected = ["lock", "open", "write", "close", "unlock"];
    assert.deepEqual(secondWrite(t, type, { keepFileOpen: false }), expected);
  });
}

test("JSON leaves the choice to the process that reads it", () => {
  const json = (options: RotatingFileHandlerOptions) =>
    JSON.parse(JSON.stringify(new ConcurrentRotatingFileHandler("app.log", options)));
  assert.equal("keepFileOpen" in json({}), false);
  assert.equal(json({ keepFileOpen: true }).keepFileOpen, true);
});

test("the first record that fails to be written back is told, and written once", (t) => {
  const { environment } = watch(NETWORK.NFS);
  const path = join(temporaryDirectory(t), "app.log");
  const fsync = () => {
    throw systemError("EIO", "fsync");
  };
  const handler = new ConcurrentRotatingFileHandler(path, {}, { ...environment, fs: { ...environment.fs, fsync } });
  const errors: LogFileError[] = [];
  handler.on("error", (error) => errors.push(error));
  handler.write("one");
  handler.close();
  assert.equal(readFileSync(path, "utf8"), "one\n");
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["ERR_CLH_WRITE", "ERR_CLH_WRITE"], // of the name of the new file, and of the record
  );
});

test("what counts is where the log is, or will be", (t) => {
  const directory = temporaryDirectory(t);
  const { fs } = systemEnvironment();
  const asked: string[] = [];
  const { fs: watched } = environmentWith({
    fileSystemType(path) {
      asked.push(path);
      fs.fileSystemType(path);
      return NETWORK.NFS;
    },
  });
  assert.equal(isOnNetwork(watched, join(directory, "a", "b", "app.log")), true);
  assert.deepEqual(asked.at(-1), directory);
  symlinkSync("/proc/self/stat", join(directory, "link.log"));
  isOnNetwork(watched, join(directory, "link.log"));
  assert.equal(asked.at(-1), join(directory, "link.log"));
});

test("a file system that does not say is local", () => {
  for (const code of ["ENOSYS", "EACCES", "ENOENT"]) {
    const fileSystemType = () => {
      throw systemError(code, "statfs");
    };
    assert.equal(isOnNetwork(environmentWith({ fileSystemType }).fs, "/a/b/app.log"), false);
  }
});

test("open tells of a lock that is not free, and records wait beside the log", (t) => {
  for (const [type, isTold] of [
    [NETWORK.NFS, true],
    [LOCAL.ext4, false],
  ] as const) {
    const path = join(temporaryDirectory(t), "app.log");
    const holder = makeLock(lockFilePath(path));
    assert.ok(holder.tryAcquire());
    const environment = environmentWith({ fileSystemType: () => type });
    const handler = new ConcurrentRotatingFileHandler(path, { lockTimeout: 0 }, environment);
    const errors: LogFileError[] = [];
    handler.on("error", (error) => errors.push(error));
    if (isTold) handler.open();
    else assert.throws(() => handler.open(), { code: "ERR_CLH_LOCK_TIMEOUT" });
    assert.deepEqual(
      errors.map(({ code }) => code),
      isTold ? ["ERR_CLH_LOCK_TIMEOUT"] : [],
    );
    assert.equal(handler.write("one"), false);
    holder.close();
    assert.ok(handler.flushSync());
    handler.close();
    assert.equal(readFileSync(path, "utf8"), "one\n");
  }
});

test("FUSE mounts of what other hosts have are known by name", (t) => {
  const { fs } = systemEnvironment();
  const table = join(temporaryDirectory(t), "mountinfo");
  const open: typeof fs.open = (path, ...rest) => fs.open(path === "/proc/self/mountinfo" ? table : path, ...rest);
  const { fs: watched } = environmentWith({ fileSystemType: () => LOCAL.FUSE, open });
  const isShared = (type: string): boolean => {
    writeFileSync(table, `1 0 0:99 / / rw - ${type} there rw\n`);
    return isOnNetwork(watched, "/app.log");
  };
  for (const type of ["fuse.glusterfs", "fuse.sshfs", "fuse.mfs", "fuse.ceph-fuse", "fuse.juicefs", "virtiofs"])
    assert.equal(isShared(type), true, type);
  for (const type of ["fuse.encfs", "fuse.fuse-overlayfs", "fuse", "fuseblk"])
    assert.equal(isShared(type), false, type);
});

test("a waiter asks a server seldom, and this host often", (t) => {
  const triesIn = (type: number): number => {
    let tries = 0;
    const tryLock = () => {
      tries++;
      return false;
    };
    const environment = environmentWith({ fileSystemType: () => type }, new ManualClock());
    const lockBackend = { ...environment.lockBackend, tryLock };
    const path = join(temporaryDirectory(t), ".__app.lock");
    const lock = makeLock(path, "real", { ...environment, lockBackend, smbLocks: undefined });
    assert.equal(lock.acquire(1000), false);
    lock.close();
    return tries;
  };
  const [remote, local] = [triesIn(NETWORK.NFS), triesIn(LOCAL.ext4)];
  assert.ok(remote >= 20 && remote <= 60, `${remote} tries`);
  assert.ok(local > 100, `${local} tries`);
});

test("writers without pause on a network file system have turns of about one length", (t) => {
  const clock = new ManualClock();
  /** How much more one of two had the lock, in twenty seconds. */
  const ratioOn = (type: number): number => {
    const path = join(temporaryDirectory(t), ".__app.lock");
    const environment = environmentWith({ fileSystemType: () => type }, clock);
    const writers = [7, 8].map((sleep) => {
      return { lock: makeLock(path, "real", environment), sleep, at: clock.time, had: 0, hasIt: false };
    });
    for (const end = clock.time + 20_000; clock.time < end; ) {
      const next = writers.sort((a, b) => a.at - b.at)[0]!;
      clock.time = next.at;
      if (next.hasIt) next.lock.release(); // and asks again before anybody else can
      next.hasIt = next.lock.acquire(-1);
      if (next.hasIt) next.had++;
      next.at += next.hasIt ? 5 : next.sleep;
    }
    for (const { lock, hasIt } of writers) if (hasIt) lock.release();
    for (const { lock } of writers) lock.close();
    const shares = writers.map(({ had }) => had);
    return Math.max(...shares) / Math.min(...shares);
  };
  const [remote, local] = [ratioOn(NETWORK.NFS), ratioOn(LOCAL.ext4)];
  assert.ok(remote <= 2, `${remote}`);
  assert.ok(local > 2, `${local}`);
});

test("a turn of others delays no writer that must not wait so long", (t) => {
  const clock = new ManualClock();
  const environment = environmentWith({ fileSystemType: () => NETWORK.NFS }, clock);
  const lock = makeLock(join(temporaryDirectory(t), ".__app.lock"), "real", environment);
  const got = (wait: number): boolean => {
    const isLocked = lock.acquire(wait);
    if (isLocked) lock.release();
    return isLocked;
  };
  while (got(-1)) clock.time += 10;
  assert.ok(clock.time >= 1000, `its turn ended after ${clock.time} ms`);
  for (const wait of [0, 2, 50]) assert.equal(got(wait), true, `${wait} ms`);
  const before = clock.time;
  lock.close();
  assert.equal(clock.time, before, "nobody has slept");
});
