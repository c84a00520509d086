import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Readable } from "node:stream";
import { describe, type TestContext, test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ConcurrentRotatingFileHandler, type DeliveryMode, type RotatingFileHandlerOptions } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { systemClock } from "../../src/platform/clock.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { Fixture } from "../support/child.js";
import { environmentWith } from "../support/environment.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";
import { notOnce, readAll, startWriters } from "../support/writers.js";

const QUEUED: DeliveryMode[] = ["batched", "background"];
const IS_DENO = "deno" in process.versions;

function setUp(t: TestContext, options: RotatingFileHandlerOptions) {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, options);
  t.after(() => handler.close());
  const errors: string[] = [];
  handler.on("error", ({ code }) => errors.push(code));
  return { log, handler, errors };
}

function lines(count: number, from = 0): string {
  return Array.from({ length: count }, (_, i) => `record ${from + i}\n`).join("");
}

/** Of how many records do markers say that they were dropped? */
function markedIn(text: string): number {
  const counts = [...text.matchAll(/([\d,]+) records dropped/g)].map(([, count]) => Number(count!.replaceAll(",", "")));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** All records up to some one, which may be cut off. */
function isCutAfter(text: string, acknowledged: number): void {
  const found = text.split("\n");
  const last = found.pop()!; // what it was killed in
  assert.ok(found.length >= acknowledged, `${found.length} of ${acknowledged}`);
  assert.equal(found.map((line) => `${line}\n`).join(""), lines(found.length));
  assert.ok(`record ${found.length}`.startsWith(last));
}

/** False when the machine was too busy for any to be dropped before the lock was given up. */
async function isSaidWhichWereDropped(t: TestContext, mode: DeliveryMode, lockTimeout: number): Promise<boolean> {
  const { log, handler } = setUp(t, {
    delivery: { mode: mode as "batched", queueBytes: "8KiB", maxBatchBytes: 512, overflow: "drop-oldest" },
    lockTimeout,
  });
  let dropped = 0;
  handler.on("drop", ({ count }) => {
    dropped += count;
  });
  const holder = makeLock(lockFilePath(log));
  assert.ok(holder.acquire(1000));
  const outcomes: (boolean | undefined)[] = [];
  const write = (count: number) => {
    for (let i = 0; i < count; i++) {
      const n = outcomes.push(undefined) - 1;
      handler.writeAsync(`record ${n}.`).then(
        () => {
          outcomes[n] = true;
        },
        ({ message }: Error) => {
          if (message.includes("dropped")) outcomes[n] = false; // the others were only late
        },
      );
    }
  };
  write(5000);
  while (!readdirSync(dirname(log)).some((name) => name.endsWith(".spill"))) await setTimeout(5);
  for (let i = 0; i < 20; i++) {
    write(2000);
    await setTimeout(5);
  }
  holder.close();
  while (handler.stats().pending > 0) await handler.flush().catch(() => {});
  await handler.flush().catch(() => {}); // tells of those that were dropped
  await handler.flush();
  const text = readFileSync(log, "utf8");
  const found = new Set(text.split("\n").map((line) => Number(/^record (\d+)\.$/.exec(line)?.[1] ?? -1)));
  const wrong = outcomes.flatMap((isWritten, n) => (isWritten === !found.has(n) ? [n] : []));
  assert.deepEqual(wrong, []);
  assert.equal(outcomes.filter((_, n) => !found.has(n)).length, dropped);
  assert.equal(markedIn(text), dropped);
  return outcomes.includes(false);
}

for (const delivery of QUEUED) {
  describe(delivery, () => {
    test("4 processes, rotation and compression: every record once, in its writer's order", async (t) => {
      const directory = temporaryDirectory(t);
      const options = { maxBytes: 32 * 1024, backupCount: 1000, useGzip: true, delivery };
      const writers = startWriters(t, 4, 5000, join(directory, "app.log"), options);
      assert.deepEqual(await Promise.all(writers.map(({ ended }) => ended)), [0, 0, 0, 0]);
      const found = readAll(directory, "app.log");
      assert.deepEqual(found.torn, []);
      assert.deepEqual(notOnce(found, 4, 5000), []);
    });

    test("flush and writeAsync resolve when the records are in the file", async (t) => {
      const { log, handler } = setUp(t, { delivery });
      for (let i = 0; i < 100; i++) handler.write(`record ${i}`);
      await handler.flush();
      assert.equal(readFileSync(log, "utf8"), lines(100));
      await Promise.all([handler.writeAsync("record 100"), handler.writeAsync("record 101")]);
      assert.equal(readFileSync(log, "utf8"), lines(102));
      assert.deepEqual([handler.stats().records, handler.stats().pending], [102, 0]);
    });

    test("killed: what was not acknowledged may be gone, and nothing else", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "acknowledging-writer", log, { delivery });
      let acknowledged = 0;
      for (let i = 0; i < 20; i++) acknowledged = Number(await fixture.line());
      fixture.process.kill("SIGKILL");
      await fixture.ended;
      for (const line of await fixture.rest()) acknowledged = Number(line);
      isCutAfter(readFileSync(log, "utf8"), acknowledged);
    });

    test("aborted: the same", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const what = { name: "acknowledging-writer", stderr: "pipe" } as const; // which is the stack of the abort
      const fixture = new Fixture(t, what, log, { delivery }, 1000);
      fixture.process.stderr!.resume();
      const acknowledged = Number((await fixture.rest()).at(-1));
      assert.equal(await fixture.ended, "SIGABRT");
      assert.ok(acknowledged >= 1000);
      isCutAfter(readFileSync(log, "utf8"), acknowledged);
    });

    test("while another process holds the lock, the event loop goes on, and nothing is lost", async (t) => {
      const { log, handler, errors } = setUp(t, { delivery, lockTimeout: "5s" });
      handler.write("record 0");
      await handler.flush();
      const holder = makeLock(lockFilePath(log));
      assert.ok(holder.acquire(1000));
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      for (let i = 1; i < 300; i++) {
        handler.write(`record ${i}`);
        await setTimeout(1);
      }
      delay.disable();
      assert.equal(readFileSync(log, "utf8"), lines(1));
      holder.close();
      await handler.flush();
      assert.equal(readFileSync(log, "utf8"), lines(300));
      assert.deepEqual(errors, []);
      assert.ok(delay.max / 1e6 < 2000, `the event loop stood still for ${delay.max / 1e6} ms`); // a write that waits for the lock: 5 s
    });

    test("held for longer than lockTimeout: records go into a spill, and come back in order", async (t) => {
      const { log, handler, errors } = setUp(t, { delivery, lockTimeout: 50 });
      const holder = makeLock(lockFilePath(log));
      assert.ok(holder.acquire(1000));
      for (let i = 0; i < 10; i++) handler.write(`record ${i}`);
      await assert.rejects(handler.flush(), { code: "ERR_CLH_FLUSH" });
      for (;;) {
        if (readdirSync(dirname(log)).some((name) => name.endsWith(".spill"))) break;
        await setTimeout(5);
      }
      for (let i = 10; i < 20; i++) handler.write(`record ${i}`);
      holder.close();
      while (handler.stats().pending > 0) await handler.flush().catch(() => {});
      assert.equal(readFileSync(log, "utf8"), lines(20));
      assert.deepEqual([...new Set(errors)], ["ERR_CLH_LOCK_TIMEOUT"]);
    });

    test("a promise is kept though this thread was busy for longer than it may take", async (t) => {
      const { log, handler } = setUp(t, { delivery, lockTimeout: 300 });
      await handler.writeAsync("record 0");
      await setImmediate(); // after which timers come before what the other thread has said
      const written = handler.writeAsync("record 1");
      systemClock.sleep(400);
      await written;
      assert.equal(readFileSync(log, "utf8"), lines(2));
    });

    test("drop-oldest while another process holds the lock: promises say which records were dropped", async (t) => {
      // Until the first of them take less than that to be too many: records in a spill are not dropped.
      for (let lockTimeout = 500; !(await isSaidWhichWereDropped(t, delivery, lockTimeout)); lockTimeout *= 2);
    });

    test("closed while another process holds the lock: what is in a spill is not said to be written", async (t) => {
      const { log, handler } = setUp(t, { delivery, lockTimeout: 50 });
      const holder = makeLock(lockFilePath(log));
      assert.ok(holder.acquire(1000));
      handler.write("record 0");
      handler.close();
      assert.equal(handler.stats().pending, 1);
      await assert.rejects(handler.flush(), { code: "ERR_CLH_FLUSH" });
      handler.write("record 1");
      holder.close();
      while (handler.stats().pending > 0) await handler.flush().catch(() => {});
      assert.equal(readFileSync(log, "utf8"), lines(2));
      assert.deepEqual(
        readdirSync(dirname(log)).filter((name) => name.endsWith(".spill")),
        [],
      );
    });

    for (const wait of ["writeAsync", "flush"] as const) {
      test(`a loop that awaits ${wait} lets timers in`, async (t) => {
        const { handler } = setUp(t, { delivery });
        handler.write("one");
        let isLetIn = false;
        const timer = setTimeout(1).then(() => {
          isLetIn = true;
        });
        for (const start = performance.now(); !isLetIn && performance.now() - start < 20_000; ) {
          if (wait === "flush") handler.write("one");
          await (wait === "flush" ? handler.flush() : handler.writeAsync("one"));
        }
        assert.ok(isLetIn, "in 20 s");
        await timer;
      });
    }

    test("mode w empties the file once, also when the handler is closed and used again", async (t) => {
      const { log, handler } = setUp(t, { delivery, mode: "w" });
      handler.write("record 0");
      handler.close();
      handler.write("record 1");
      handler.close();
      assert.equal(readFileSync(log, "utf8"), lines(2));
    });

    test("rotates by hand, behind what was written before", async (t) => {
      const { log, handler } = setUp(t, { delivery, backupCount: 1 });
      handler.write("record 0");
      assert.equal(handler.rotate(), true);
      handler.write("record 1");
      await handler.flush();
      assert.deepEqual([readFileSync(`${log}.1`, "utf8"), readFileSync(log, "utf8")], [lines(1), lines(1, 1)]);
    });

    test("a process that pauses when it is asked to goes on, and ends with all records", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const options = { delivery: { mode: delivery, queueBytes: "64KiB" } };
      const fixture = new Fixture(t, "pausing-writer", log, 20_000, options);
      assert.equal(await fixture.next(), "pauses");
      assert.match((await fixture.next()) ?? "it ended in a pause", /^[1-9]\d* pauses$/);
      assert.equal(await fixture.ended, 0);
      assert.equal(readFileSync(log, "utf8"), lines(20_000));
    });

    test("a process that pauses while another one holds the lock stays until it can go on", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const lock = makeLock(lockFilePath(log));
      t.after(() => lock.close());
      assert.ok(lock.acquire(1000));
      const options = { delivery: { mode: delivery, queueBytes: "64KiB" } };
      const fixture = new Fixture(t, "pausing-writer", log, 20_000, options);
      await fixture.lineThatIs("pauses");
      await Promise.race([fixture.ended, setTimeout(300)]);
      lock.close();
      await fixture.line();
      assert.equal(await fixture.ended, 0);
      assert.equal(readFileSync(log, "utf8"), lines(20_000));
    });

    test("backpressure: a stream of records never has more in memory than the queue", async (t) => {
      const { log, handler } = setUp(t, { delivery: { mode: delivery as "batched", queueBytes: "64KiB" } });
      let most = 0;
      for await (const record of Readable.from(records(20_000))) {
        if (!handler.write(record)) await new Promise((resolve) => handler.once("drain", () => resolve(undefined)));
        most = Math.max(most, handler.stats().pending);
      }
      await handler.flush();
      assert.equal(readFileSync(log, "utf8"), lines(20_000));
      assert.ok(most < (64 * 1024) / 8, `${most}`);
    });
  });
}

function* records(count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield `record ${i}`;
}

describe("the thread of background", () => {
  const skip = IS_DENO && "it has none";
  const notNode = (IS_DENO || "bun" in process.versions) && "the flags are Node's";
  for (const when of ["before its first record", "while it writes", "while it waits", "with records in its spill"]) {
    const hasLock = when === "while it writes" || when === "with records in its spill";
    const keepsLock = hasLock && "bun" in process.versions && "Bun leaves the files of a thread open";
    test(`is terminated ${when}: no record is lost or doubled, and it is told`, {
      skip: skip || keepsLock,
    }, async (t) => {
      const directory = temporaryDirectory(t);
      const log = join(directory, "app.log");
      const fixture = new Fixture(t, "thread-killer", log, when);
      const told = await fixture.rest();
      assert.equal(await fixture.ended, 0);
      const names = readdirSync(directory).filter((name) => name.startsWith("app.log"));
      const numbers = names.map((name) => Number(name.split(".")[2] ?? 0)).sort((a, b) => b - a);
      const text = numbers.map((n) => readFileSync(n === 0 ? log : `${log}.${n}`, "utf8")).join("");
      assert.equal(text, lines(Number(told[0])));
      assert.deepEqual(told.slice(1), ["ERR_CLH_THREAD"]);
    });
  }

  test("is terminated when records were dropped: their marker is written", { skip }, async (t) => {
    const { log, handler } = setUp(t, {
      delivery: { mode: "background", queueBytes: "8KiB", overflow: "drop-oldest" },
      lockTimeout: 200,
      onLockTimeout: "wait",
    });
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(1000));
    const { postMessage } = Worker.prototype;
    let thread: Worker | undefined;
    Worker.prototype.postMessage = function (this: Worker, ...args: Parameters<typeof postMessage>) {
      thread = this;
      postMessage.apply(this, args);
    };
    for (let i = 0; i < 5000; i++) handler.write(`record ${i}`);
    Worker.prototype.postMessage = postMessage;
    await thread!.terminate();
    holder.close();
    while (handler.stats().pending > 0) await handler.flush().catch(() => {});
    const text = readFileSync(log, "utf8");
    const found = text.split("\n").filter((line) => line.startsWith("record")).length;
    assert.equal(found + markedIn(text), 5000);
  });

  test("hangs in a call of the system, and returns after it was taken for lost: no record is lost or doubled", {
    skip: notNode,
  }, async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const hang = new URL("../fixtures/hang-in-thread.js", import.meta.url).href;
    const fixture = new Fixture(t, { name: "hanging-thread", execArgv: ["--import", hang] }, log);
    assert.deepEqual(await fixture.rest(), ["ERR_CLH_THREAD"]);
    assert.equal(await fixture.ended, 0);
    assert.equal(readFileSync(log, "utf8"), lines(3000));
  });

  test("writes the last record while a listener runs: a flush is kept", { skip }, async (t) => {
    const { log, handler } = setUp(t, { delivery: { mode: "background", queueBytes: "8KiB" }, lockTimeout: 2000 });
    const waitUntilWritten = () => {
      while (handler.stats().pending > 0) systemClock.sleep(1);
    };
    let count = 0;
    while (handler.write(`record ${count++}`));
    waitUntilWritten(); // which it tells, and nobody hears before this turn ends
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(1000));
    handler.once("drain", () => {
      holder.close();
      waitUntilWritten();
    });
    handler.write(`record ${count++}`);
    await handler.flush();
    assert.equal(readFileSync(log, "utf8"), lines(count));
  });

  test("is not lost because the lock is not free, however long", async (t) => {
    const { log, handler, errors } = setUp(t, {
      delivery: { mode: "background", queueBytes: "8KiB" },
      lockTimeout: 50,
      onLockTimeout: "wait",
    });
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(1000));
    for (let i = 0; i < 200; i++) handler.write(`record ${i}`);
    assert.equal(handler.flushSync(), false);
    holder.close();
    while (handler.stats().pending > 0) await handler.flush().catch(() => {});
    assert.equal(readFileSync(log, "utf8"), lines(200));
    assert.ok(!errors.includes("ERR_CLH_THREAD"), `${errors}`);
  });

  test("cannot be started: this thread writes, and it is told", { skip: notNode }, async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const permission = process.allowedNodeEnvironmentFlags.has("--permission")
      ? "--permission"
      : "--experimental-permission";
    const allowed = ["--allow-addons", "--allow-fs-read=*", "--allow-fs-write=*"];
    const fixture = new Fixture(t, { name: "modest-writer", execArgv: ["--no-warnings", permission, ...allowed] }, log);
    assert.deepEqual(await fixture.rest(), ["ERR_CLH_THREAD"]);
    assert.equal(await fixture.ended, 0);
    assert.equal(readFileSync(log, "utf8"), lines(1000));
  });

  test("is started by code that --eval has", { skip: notNode }, (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const module = new URL("../../src/index.js", import.meta.url).href;
    const code = `
      import { ConcurrentRotatingFileHandler } from ${JSON.stringify(module)};
      const handler = new ConcurrentRotatingFileHandler(${JSON.stringify(log)}, { delivery: "background" });
      handler.on("error", ({ message }) => console.log(message));
      handler.write("record 0");
      await handler.flush();`;
    for (const type of [["--input-type=module"], ["--input-type", "module"]]) {
      const { stdout, stderr } = spawnSync(process.execPath, [...type, "--eval", code], { encoding: "utf8" });
      assert.deepEqual([stdout, stderr], ["", ""]);
    }
    assert.equal(readFileSync(log, "utf8"), "record 0\n".repeat(2));
  });

  test("options that are functions are refused", () => {
    const refused = { code: "ERR_CLH_OPTION", message: /another thread/ };
    for (const name of ["namer", "rotator"])
      assert.throws(
        () => new ConcurrentRotatingFileHandler("app.log", { delivery: "background", [name]: () => "" }),
        refused,
      );
    const handler = new ConcurrentRotatingFileHandler("app.log", { delivery: "background" });
    assert.throws(() => {
      handler.namer = (name) => name;
    }, refused);
    assert.throws(() => {
      handler.rotator = () => {};
    }, refused);
  });
});

describe("background in Deno", () => {
  for (const isDeno of [true, false]) {
    const skip = IS_DENO && !isDeno && "it would have the thread";
    test(isDeno ? "is batched, as a warning says once" : "and nowhere else", { skip }, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      writeFileSync(log, "of an earlier run\n");
      const { fs } = systemEnvironment();
      let isWrittenHere = false;
      const environment = environmentWith({
        write(...args) {
          isWrittenHere = true;
          return fs.write(...args);
        },
      });
      const options = { mode: "w", delivery: "background" } as const;
      const handler = new ConcurrentRotatingFileHandler(log, options, { ...environment, isDeno });
      const warnings: (string | undefined)[] = [];
      handler.on("warning", ({ code, path }) => warnings.push(code, path));
      handler.write("record 0");
      await handler.flush();
      handler.write("record 1");
      handler.close();
      handler.write("record 2");
      await handler.flush();
      handler.close();
      assert.equal(readFileSync(log, "utf8"), lines(3));
      assert.deepEqual(warnings, isDeno ? ["ERR_CLH_THREAD", log] : []);
      assert.equal(isWrittenHere, isDeno);
      assert.match(JSON.stringify(handler), /"mode":"background"/); // what was asked for, for whoever reads it elsewhere
    });
  }

  test("is told from other runtimes", () => {
    assert.equal(systemEnvironment().isDeno, IS_DENO);
  });
});
