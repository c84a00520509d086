import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemError } from "../../../src/base/system-errors.js";
import {
  ConcurrentRotatingFileHandler,
  type LogFileError,
  type RotatingFileHandlerOptions,
} from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { SMB_RESTART_GRACE_MS } from "../../../src/lock/lock-timing.js";
import { isSpill } from "../../../src/log-files/hidden-names.js";
import { pathsOf } from "../../../src/log-files/list-files.js";
import type { Environment } from "../../../src/platform/environment.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { O_RDONLY } from "../../../src/platform/file-system.js";
import { OpenSpills } from "../../../src/spill/spill-reader.js";
import { environmentWith, ManualClock } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { SMB, SmbShare } from "../../support/smb-like.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* There is no server here, and one process: test/shares does the same on a real share, with real hosts. */

/** Two processes on one host, and one on another. */
interface Processes {
  readonly log: string;
  readonly share: SmbShare;
  readonly one: Environment;
  readonly two: Environment;
  readonly far: Environment;
}

const BROKEN = {
  /** As a version of ours did. */
  "with flock": (environment: Environment): Environment => ({ ...environment, smbLocks: undefined }),
  "without a guard": (environment: Environment): Environment => {
    const { fs } = environment;
    // Opens something else in its place.
    const open: typeof fs.open = (path, flags, mode) =>
      (flags & 3) === O_RDONLY && path.endsWith(".lock")
        ? fs.open("/dev/null", flags, mode)
        : fs.open(path, flags, mode);
    return { ...environment, fs: { ...fs, open } };
  },
};

function setUp(t: TestContext, breaks = (environment: Environment) => environment): Processes {
  const share = new SmbShare();
  const process = (host: string) => breaks(share.process(host).environment);
  return {
    log: join(temporaryDirectory(t), "app.log"),
    share,
    one: process("near"),
    two: process("near"),
    far: process("far"),
  };
}

function handlerOf(t: TestContext, log: string, environment: Environment, options: RotatingFileHandlerOptions = {}) {
  const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 0, backupCount: 9, ...options }, environment);
  handler.on("error", () => {});
  t.after(() => handler.close());
  return handler;
}

function isExcluded({ log, far }: Processes): boolean {
  const lock = makeLock(lockFilePath(log), "real", far);
  const isLocked = lock.tryAcquire();
  lock.close();
  return !isLocked;
}

/** One process holds the lock while another of its host, or itself, writes and closes the log. */
function keepsLock(t: TestContext, processes: Processes, who: "one" | "two"): void {
  const { log, one } = processes;
  const lock = makeLock(lockFilePath(log), "real", one);
  assert.ok(lock.tryAcquire());
  for (let times = 0; times < 3; times++) {
    const other = handlerOf(t, log, processes[who]);
    assert.equal(other.write("one"), false);
    other.close();
    assert.ok(isExcluded(processes));
  }
  lock.release();
  assert.ok(!isExcluded(processes));
  lock.close();
}

for (const who of ["one", "two"] as const) {
  test(`the lock is kept when process ${who} of its host closes the lock file`, (t) => keepsLock(t, setUp(t), who));
}

for (const [name, breaks] of Object.entries(BROKEN)) {
  test(`it is not ${name}`, (t) => {
    assert.throws(() => keepsLock(t, setUp(t, breaks), "two"), assert.AssertionError);
  });
}

test("a lock file that could not be closed is used again, and closed when it can be", (t) => {
  const { log, share, one } = setUp(t);
  const lock = makeLock(lockFilePath(log), "real", one);
  const opens = () => [...share.processes[0]!.opened.values()].filter(({ path }) => path.endsWith(".lock")).length;
  assert.ok(lock.tryAcquire());
  for (let times = 0; times < 5; times++) {
    const other = makeLock(lockFilePath(log), "real", one);
    assert.equal(other.tryAcquire(), false);
    other.close();
  }
  assert.equal(opens(), 4, "of two locks, each with a guard");
  lock.close();
  assert.equal(opens(), 0);
});

/** A spill stays its process's while others, and itself, look at it. */
function keepsSpill(t: TestContext, { log, one, two, far }: Processes): void {
  const lock = makeLock(lockFilePath(log), "real", far);
  const owner = handlerOf(t, log, one);
  const others = [handlerOf(t, log, one), handlerOf(t, log, two), handlerOf(t, log, far)];
  assert.ok(owner.write("zero"));
  assert.ok(lock.tryAcquire());
  assert.equal(owner.write("in a spill"), false);
  for (const environment of [one, two, far]) {
    const spills = new OpenSpills(environment, log);
    assert.deepEqual(
      [...spills.records()].map(({ bytes }) => String(bytes)),
      ["in a spill\n"],
    );
    spills.close();
  }
  lock.close();
  for (const other of others) {
    assert.ok(other.write("of another"));
    assert.ok(other.rotate());
  }
  assert.equal(pathsOf(far.fs, log, isSpill).length, 1, "nobody has taken it over");
  assert.ok(owner.flushSync());
  assert.equal(pathsOf(far.fs, log, isSpill).length, 0);
  assert.equal(readFileSync(log, "utf8"), "in a spill\n");
}

test("a spill is left to its process", (t) => keepsSpill(t, setUp(t)));

test("it is not with flock", (t) => {
  assert.throws(() => keepsSpill(t, setUp(t, BROKEN["with flock"])), assert.AssertionError);
});

test("what another host has open, though the lock is ours, is not written", (t) => {
  const { log, one, far } = setUp(t);
  const handler = handlerOf(t, log, one);
  assert.ok(handler.write("one"));
  const fd = far.fs.open(log, 2);
  assert.ok(far.smbLocks!.tryLock(fd, true));
  assert.equal(handler.write("two"), false);
  assert.equal(readFileSync(log, "utf8"), "one\n");
  far.fs.close(fd);
  assert.ok(handler.flushSync());
  assert.equal(readFileSync(log, "utf8"), "one\ntwo\n");
});

test("the server is asked for a log after it was opened, and before its length is", (t) => {
  const { log, one } = setUp(t);
  const calls: string[] = [];
  const isLog = (fd: number) => readFileSync(log, "utf8") !== undefined && logs.has(fd);
  const logs = new Set<number>();
  const { fs, smbLocks } = one;
  const environment = {
    ...one,
    fs: {
      ...fs,
      open(...[path, flags, mode]: Parameters<typeof fs.open>) {
        const fd = fs.open(path, flags, mode);
        if (path === log) logs.add(fd);
        if (path === log) calls.push("open");
        return fd;
      },
      statusOfOpen(...[fd, into]: Parameters<typeof fs.statusOfOpen>) {
        if (isLog(fd)) calls.push("status");
        fs.statusOfOpen(fd, into);
      },
      close(fd: number) {
        logs.delete(fd);
        fs.close(fd);
      },
    },
    smbLocks: {
      tryLock(fd: number, isRead?: boolean) {
        if (isLog(fd)) calls.push(`lock${isRead ? " behind all" : ""}`);
        return smbLocks!.tryLock(fd, isRead);
      },
      unlock: smbLocks!.unlock,
    },
  };
  const handler = handlerOf(t, log, one);
  assert.ok(handler.write("one"));
  const other = handlerOf(t, log, environment);
  assert.ok(other.write("two"));
  assert.deepEqual(calls, ["open", "status", "lock behind all", "status"]);
});

test("nobrl is told, once", (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const { fs } = systemEnvironment();
  const table = join(temporaryDirectory(t), "mountinfo");
  fs.writeAt(fs.open(table, 0o102, 0o600), Buffer.from("1 0 0:99 / / rw - cifs //server/share rw,nobrl\n"), 0);
  const open: typeof fs.open = (path, ...rest) => fs.open(path === "/proc/self/mountinfo" ? table : path, ...rest);
  const handler = handlerOf(t, log, environmentWith({ fileSystemType: () => SMB, open }));
  const warnings: LogFileError[] = [];
  handler.on("warning", (warning) => warnings.push(warning));
  for (const record of ["one", "two"]) assert.ok(handler.write(record));
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["ERR_CLH_LOCK"],
  );
  assert.match(warnings[0]!.message, /nobrl/);
});

test("nobody writes for a while when the server was started again, and clients may send old writes again", (t) => {
  const { log, one } = setUp(t);
  const clock = new ManualClock();
  let isLost = false;
  const environment: Environment = {
    ...one,
    clock,
    smbLocks: {
      ...one.smbLocks!,
      tryLock(fd, isRead) {
        if (!isLost) return one.smbLocks!.tryLock(fd, isRead);
        isLost = false;
        throw systemError(constants.errno.EBADF, "fcntl");
      },
    },
  };
  const handler = handlerOf(t, log, environment);
  assert.ok(handler.write("one"));
  isLost = true;
  for (const _ of Array.from({ length: 10 })) {
    assert.equal(handler.write("x"), false);
    clock.time += SMB_RESTART_GRACE_MS / 10;
  }
  assert.equal(readFileSync(log, "utf8"), "one\n");
  assert.ok(handler.flushSync());
  assert.equal(readFileSync(log, "utf8"), `one\n${"x\n".repeat(10)}`);
});
