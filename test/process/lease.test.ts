import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { listLogFiles } from "../../src/log-files/list-files.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { Fixture } from "../support/child.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";

/* A process that keeps the lock from one record to the next; lease-model.test.ts looks at every order of the steps. */

const hasNoLeases = "deno" in process.versions || "bun" in process.versions;
const skip =
  (systemEnvironment().lockBackend.places === undefined || hasNoLeases) && "there are no leases on this system";

const TIMES = 12;
const DIST = new URL("../../../dist/", import.meta.url);

function start(t: TestContext, ...rest: string[]): { log: string; writer: Fixture; stop: () => void } {
  const log = join(temporaryDirectory(t), "app.log");
  return { log, writer: new Fixture(t, "lease-writer", log, ...rest), stop: () => writeFileSync(`${log}.stop`, "") };
}

/** Of all files of a log, in order. */
function linesOf(log: string): string[] {
  const files = listLogFiles(systemEnvironment().fs, log);
  return files.flatMap(({ path }) => readFileSync(path, "utf8").split("\n").slice(0, -1));
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `record ${i}`);
}

/** The number of records that it says it has written. */
async function recordsOf(writer: Fixture, threads: RegExp): Promise<number> {
  const line = await writer.line();
  const [, started, records] = /^(\d+) threads, (\d+) records$/.exec(line)!;
  assert.match(started!, threads);
  assert.equal(await writer.ended, 0);
  return Number(records);
}

describe("a process that keeps the lock between two records", { skip }, () => {
  const computesMeanwhile = async (t: TestContext, ...double: string[]) => {
    const { log, writer, stop } = start(t, "computes", ...double);
    await writer.lineThatIs("keeps the lock");
    const lock = makeLock(lockFilePath(log));
    t.after(() => lock.close());
    const isReleased = lock.acquire(5000); // it computes until this has returned
    lock.close();
    stop();
    await writer.ended;
    assert.ok(isReleased, "the lock stayed with a process that computes");
    assert.deepEqual(linesOf(log), numbered(await recordsOf(writer, /^[1-9]/)));
  };

  test("and then computes gives the lock up meanwhile", (t) => computesMeanwhile(t));
  test("is found out when no thread releases the lock", (t) =>
    assert.rejects(computesMeanwhile(t, "no thread"), /stayed with a process that computes/));

  test("and waits for a process that it has started, which writes too, gives it up", async (t) => {
    const { log, writer } = start(t, "waits");
    await writer.lineThatIs("keeps the lock");
    const records = await recordsOf(writer, /^[1-9]/);
    assert.deepEqual(linesOf(log), [...numbered(records), "record 0"]);
  });

  test("does not keep it when the thread that would release it does not come to look", async (t) => {
    const { log, writer } = start(t, "ends", "a thread that never looks");
    assert.equal(await writer.line(), "keeps no lock");
    assert.deepEqual(linesOf(log), numbered(await recordsOf(writer, /^[1-9]/)));
  });

  // In Node 20, a thread that is ended while it loads an addon ends the process by SIGABRT.
  test("does not end while its thread starts", async (t) => {
    const { writer } = start(t, "ends at once");
    assert.deepEqual(await writer.rest(), ["has waited for its thread"]);
    assert.equal(await writer.ended, 0);
  });

  test("is kept alive by none of it", async (t) => {
    const { log, writer } = start(t, "ends");
    await writer.lineThatIs("keeps the lock");
    assert.deepEqual(linesOf(log), numbered(await recordsOf(writer, /^[1-9]/)));
  });

  test("loses no record when it is stopped while another rotates", async (t) => {
    const { log, writer, stop } = start(t, "writes");
    const other = new ConcurrentRotatingFileHandler(log, { maxBytes: "64KiB", backupCount: 1000, lockTimeout: 50 });
    other.on("error", ({ code }) => assert.equal(code, "ERR_CLH_LOCK_TIMEOUT")); // it was stopped with the lock
    await writer.lineThatIs("keeps the lock");
    let others = 0;
    for (let times = 0; times < TIMES; times++) {
      process.kill(writer.process.pid!, "SIGSTOP");
      other.write(`other ${others++}`);
      other.rotate();
      other.write(`other ${others++}`);
      process.kill(writer.process.pid!, "SIGCONT");
      // Though the writer makes no pause; on a busy machine not always within the 50 ms.
      while (
        !(await other.flush().then(
          () => true,
          () => false,
        ))
      );
      await setTimeout(2 * times);
    }
    stop();
    const records = await recordsOf(writer, /^[1-9]/);
    other.close();
    const found = linesOf(log);
    const ofWriter = found.filter((line) => line.startsWith("record"));
    assert.deepEqual(ofWriter, numbered(records));
    assert.deepEqual(
      found.filter((line) => line.startsWith("other")),
      Array.from({ length: others }, (_, i) => `other ${i}`),
    );
    assert.equal(found.length, records + others);
  });

  test("finds a file that was moved away, and what is written goes to the new one", async (t) => {
    const { log, writer, stop } = start(t, "writes");
    await writer.lineThatIs("keeps the lock");
    const moved = `${log}.moved-away`;
    renameSync(log, moved);
    const { fs } = systemEnvironment();
    while (!fs.exists(log)) await setTimeout(1); // it makes a new one
    stop();
    const records = await recordsOf(writer, /^[1-9]/);
    const lines = [...linesOf(log), ...readFileSync(moved, "utf8").split("\n").slice(0, -1)];
    const numbers = lines.map((line) => Number(/^record (\d+)$/.exec(line)![1])).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: records }, (_, i) => i),
    );
  });

  test("shares the log with handlers of its own, also of other copies of this package", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const require = createRequire(import.meta.url);
    const copies: (typeof ConcurrentRotatingFileHandler)[] = [
      ConcurrentRotatingFileHandler,
      ConcurrentRotatingFileHandler,
      (await import(new URL("index.js", DIST).href)).ConcurrentRotatingFileHandler,
      require(fileURLToPath(new URL("index.cjs", DIST))).ConcurrentRotatingFileHandler,
    ];
    const handlers = copies.map((Handler) => new Handler(log, { maxBytes: "64KiB", backupCount: 1000 }));
    const times = 3000;
    for (let i = 0; i < times; i++) {
      // Several at a time, so that the lock is kept.
      const handler = handlers[Math.floor(i / 8) % handlers.length]!;
      assert.ok(handler.write(`record ${i}`));
    }
    for (const handler of handlers) handler.close();
    assert.deepEqual(linesOf(log), numbered(times));
  });
});

test("a process that writes seldom starts no thread", { skip }, async (t) => {
  const { log, writer } = start(t, "writes seldom");
  assert.deepEqual(numbered(await recordsOf(writer, /^0$/)), linesOf(log));
});
