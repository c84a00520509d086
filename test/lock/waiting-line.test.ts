import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { lockHolders } from "../../src/inspection/lock-holders.js";
import type { FileLock } from "../../src/lock/file-lock.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { FilePath, FileStatus } from "../../src/platform/file-system.js";
import type { Places } from "../../src/platform/lock-backend.js";
import { loadLibc } from "../../src/platform/native.js";
import { F_OFD_SETLK, F_WRLCK, FlockStruct } from "../../src/platform/struct-flock.js";
import { Fixture } from "../support/child.js";
import { environmentWith, systemError } from "../support/environment.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";
import { PYTHON, whyNoUpstream } from "../support/upstream.js";

/* What lock/waiting-line.ts does with real processes; waiting-line-model.test.ts looks at every order of its steps. */

const { places } = systemEnvironment().lockBackend;
const onlyWithPlaces = { skip: places === undefined && "this system has one kind of locks" };
const NFS = 0x6969;

class Line {
  readonly path: string;
  readonly turns: string;
  readonly lock: FileLock;
  readonly #t: TestContext;
  readonly #fd: number;

  constructor(t: TestContext, environment?: Environment) {
    const directory = temporaryDirectory(t);
    this.#t = t;
    this.path = join(directory, ".__app.lock");
    this.turns = join(directory, "turns");
    this.lock = makeLock(this.path, "real", environment);
    assert.ok(this.lock.acquire(0));
    this.#fd = openSync(this.path, "r+");
    t.after(() => {
      this.lock.close();
      closeSync(this.#fd);
    });
  }

  /** Starts a process that waits for the lock, and returns when it has its place. */
  async add(name: string, isPatient = false): Promise<Fixture> {
    const before = this.last;
    const waiter = new Fixture(this.#t, "lock-user", "wait", this.path, this.turns, name, isPatient);
    while (this.last === before) await setTimeout(1);
    return waiter;
  }

  /** The last place that somebody holds, or -1. */
  get last(): number {
    let last = -1;
    for (let next: number | undefined = -1; next !== undefined; last = next ?? last)
      next = places!.find(this.#fd, last + 1, Number.POSITIVE_INFINITY, true);
    return last;
  }
}

describe("who waits for the lock", onlyWithPlaces, () => {
  test("gets it in the order in which they came, and before one that has just had it", async (t) => {
    const line = new Line(t);
    const waiters: Fixture[] = [];
    for (const name of ["a", "b", "c", "d"]) waiters.push(await line.add(name, true));
    line.lock.release();
    assert.equal(line.lock.tryAcquire(), false);
    assert.deepEqual(await Promise.all(waiters.map(({ ended }) => ended)), [0, 0, 0, 0]);
    assert.equal(readFileSync(line.turns, "utf8"), "abcd");
  });

  test("does not get it before the others, if there is no line", async (t) => {
    const { lockBackend, ...system } = systemEnvironment();
    const { tryLock, unlock } = lockBackend;
    const line = new Line(t, { ...system, lockBackend: { tryLock, unlock } });
    const waiter = await line.add("a");
    process.kill(waiter.process.pid!, "SIGSTOP");
    line.lock.release();
    assert.equal(line.lock.tryAcquire(), true);
    line.lock.release();
  });

  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    test(`holds up nobody when it gets ${signal}`, async (t) => {
      const line = new Line(t);
      const first = await line.add("a");
      const second = await line.add("b");
      process.kill(first.process.pid!, signal);
      if (signal === "SIGKILL") await first.ended;
      line.lock.release();
      assert.equal(await second.ended, 0);
      assert.ok(line.lock.acquire(60_000));
      assert.equal(readFileSync(line.turns, "utf8"), "b");
      if (signal === "SIGKILL") return;
      process.kill(first.process.pid!, "SIGCONT");
      line.lock.release();
      assert.equal(await first.ended, 0);
      assert.equal(readFileSync(line.turns, "utf8"), "ba");
    });
  }

  for (const [name, start, length] of [
    ["all of the lock file", 0n, 0n],
    ["all of it but its begin", 10n, 0n],
    ["a byte behind which no number is exact", 2n ** 62n, 1n],
  ] as const) {
    test(`does without a line where a stranger has locked ${name}`, (t) => {
      const line = new Line(t);
      line.lock.release();
      const stranger = openSync(line.path, "r+");
      t.after(() => closeSync(stranger));
      assert.equal(FlockStruct.over(loadLibc())!.call(stranger, F_OFD_SETLK, F_WRLCK, start, length), 0);
      const lock = makeLock(line.path);
      t.after(() => lock.close());
      assert.equal(lock.acquire(5000), true);
      lock.release();
    });
  }

  test("keeps its place while it is away, and is waited for only when it is there", async (t) => {
    const line = new Line(t);
    line.lock.release();
    const held = new Held(t, line.path);
    const away = makeLock(line.path);
    t.after(() => away.close());
    assert.equal(away.acquire(0), false);
    assert.equal(line.last, -1, "others do not wait for it");
    const waiter = await line.add("a");
    held.release();
    assert.equal(await waiter.ended, 0);
    const again = new Held(t, line.path);
    const other = await line.add("b");
    process.kill(other.process.pid!, "SIGSTOP");
    again.release();
    assert.equal(line.lock.tryAcquire(), false, "another waits");
    assert.equal(away.tryAcquire(), true, "it was there before");
    away.release();
    process.kill(other.process.pid!, "SIGCONT");
    assert.equal(await other.ended, 0);
  });
});

test("who waits is not taken for a holder by who asks for them", onlyWithPlaces, async (t) => {
  const line = new Line(t);
  const waiter = await line.add("a");
  process.kill(waiter.process.pid!, "SIGSTOP");
  const { fs } = systemEnvironment();
  const status = new FileStatus();
  fs.status(new FilePath(line.path), status);
  assert.deepEqual(lockHolders(fs)(line.path, status), [process.pid]);
  line.lock.release();
  assert.deepEqual(lockHolders(fs)(line.path, status), []);
});

test("upstream does not care who waits", { skip: whyNoUpstream() || onlyWithPlaces.skip }, async (t) => {
  const line = new Line(t);
  const waiter = await line.add("a");
  process.kill(waiter.process.pid!, "SIGSTOP");
  line.lock.release();
  const program = `
import logging, sys
from concurrent_log_handler import ConcurrentRotatingFileHandler
sys.dont_write_bytecode = True
handler = ConcurrentRotatingFileHandler(sys.argv[1])
handler.handleError = lambda record: sys.exit(repr(sys.exc_info()[1]))
handler.emit(logging.makeLogRecord({"msg": "python"}))
`;
  const log = join(dirname(line.path), "app.log");
  execFileSync(PYTHON, ["-c", program, log], { timeout: 60_000, stdio: "inherit" });
  assert.equal(readFileSync(log, "utf8"), "python\n");
});

/** A lock that is held by nobody who would be known here, as by another process. */
class Held {
  readonly #fd: number;

  constructor(t: TestContext, path: string) {
    this.#fd = openSync(path, "a");
    t.after(() => closeSync(this.#fd));
    assert.ok(systemEnvironment().lockBackend.tryLock(this.#fd));
  }

  release(): void {
    systemEnvironment().lockBackend.unlock(this.#fd);
  }
}

/** Places that count how often they are asked for. */
function counted(found: Places): { places: Places; asked: () => number } {
  let count = 0;
  const counting = <Arguments extends unknown[], Result>(call: (...args: Arguments) => Result) => {
    return (...args: Arguments): Result => {
      count++;
      return call(...args);
    };
  };
  return {
    places: { hold: counting(found.hold), free: counting(found.free), find: counting(found.find) },
    asked: () => count,
  };
}

describe("there is no line", onlyWithPlaces, () => {
  /** Waits in vain, and then not. */
  const use = (t: TestContext, environment: Environment) => {
    const path = join(temporaryDirectory(t), ".__app.lock");
    const lock = makeLock(path, "real", environment);
    t.after(() => lock.close());
    const holder = new Held(t, path);
    assert.equal(lock.acquire(5), false);
    holder.release();
    assert.ok(lock.acquire(0));
    lock.release();
  };

  for (const [where, type, isKept] of [
    ["on a network file system, where one kind of lock may be made of the other", NFS, false],
    ["on one that nobody knows", 0x12345678, false],
    ["but on ext4 there is", 0xef53, true],
  ] as const) {
    test(where, (t) => {
      const environment = environmentWith({ fileSystemType: () => type });
      const { places: seen, asked } = counted(places!);
      use(t, { ...environment, lockBackend: { ...environment.lockBackend, places: seen } });
      assert.equal(asked() > 0, isKept);
    });
  }

  test("where the system refuses it, and the lock works as ever", (t) => {
    const system = systemEnvironment();
    const refuse = () => {
      throw systemError("ENOLCK", "fcntl");
    };
    const refusing = { hold: refuse, free: refuse, find: refuse };
    use(t, { ...system, lockBackend: { ...system.lockBackend, places: refusing } });
    const onlyFull = { ...places!, hold: refuse };
    use(t, { ...system, lockBackend: { ...system.lockBackend, places: onlyFull } });
  });
});
