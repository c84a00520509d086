import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";
import { OpenedByOthers, setReadOnly } from "../support/win32.js";

/* Other programs that hold files of a log, as only Windows knows it. */

function setUp(t: TestContext, options: RotatingFileHandlerOptions = {}) {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { newline: "", ...options });
  const errors: string[] = [];
  handler.on("error", ({ code }) => errors.push(code));
  t.after(() => handler.close());
  return { log, handler, errors };
}

/** Writes until the file was rotated: a failed rotation is tried again a second later. Returns how many it wrote. */
async function writeUntilRotated(handler: ConcurrentRotatingFileHandler, first: number): Promise<number> {
  const before = handler.stats().rotations;
  for (let i = first; ; i++) {
    assert.ok(handler.write(`record ${i}`));
    if (handler.stats().rotations > before) return i + 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `record ${from + i}\n`).join("");

describe("a program that lets nobody rename", () => {
  test("the log: records go on into it, and it is rotated later", async (t) => {
    const { log, handler, errors } = setUp(t, { maxBytes: 30, backupCount: 5 });
    handler.write("record 0");
    const other = new OpenedByOthers(log);
    for (let i = 1; i < 50; i++) assert.ok(handler.write(`record ${i}`));
    other.close();
    assert.deepEqual([...new Set(errors)], ["ERR_CLH_ROTATE"]);
    const count = await writeUntilRotated(handler, 50);
    assert.equal(readFileSync(`${log}.1`, "utf8"), lines(0, count - 1));
    assert.equal(readFileSync(log, "utf8"), lines(count - 1, count));
  });

  test("a backup: the same", async (t) => {
    const { log, handler, errors } = setUp(t, { maxBytes: 30, backupCount: 5 });
    for (let i = 0; i < 4; i++) handler.write(`record ${i}`);
    const other = new OpenedByOthers(`${log}.1`);
    for (let i = 4; i < 50; i++) assert.ok(handler.write(`record ${i}`));
    other.close();
    assert.deepEqual([...new Set(errors)], ["ERR_CLH_ROTATE"]);
    const count = await writeUntilRotated(handler, 50);
    const text = [2, 1].map((n) => readFileSync(`${log}.${n}`, "utf8")).join("");
    assert.equal(text + readFileSync(log, "utf8"), lines(0, count));
  });

  test("a backup that has to go: it is deleted after a later rotation", async (t) => {
    const { log, handler, errors } = setUp(t, { backupCount: 0 });
    handler.write("record 0");
    const other = new OpenedByOthers(log);
    assert.equal(handler.rotate(), false);
    assert.deepEqual([...new Set(errors)], ["ERR_CLH_ROTATE"]);
    other.close();
    handler.write("record 1");
    assert.equal(readFileSync(log, "utf8"), lines(0, 2));
    assert.equal(handler.rotate(), true);
    assert.ok(!existsSync(log) || readFileSync(log, "utf8") === "");
  });
});

test("a program that lets nobody open the log: records wait in memory", (t) => {
  const { log, handler, errors } = setUp(t);
  const other = new OpenedByOthers(log, false);
  assert.equal(handler.write("record 0"), false);
  other.close();
  assert.deepEqual(errors, ["ERR_CLH_OPEN"]);
  assert.ok(handler.flushSync());
  handler.write("record 1");
  assert.equal(readFileSync(log, "utf8"), lines(0, 2));
});

const isRoot = { skip: process.env.WINEPREFIX !== undefined && "under Wine, root may write to read-only files" };
test("a read-only log: records wait in memory", isRoot, (t) => {
  const { log, handler, errors } = setUp(t);
  writeFileSync(log, "");
  setReadOnly(log, true);
  assert.equal(handler.write("record 0"), false);
  assert.deepEqual(errors, ["ERR_CLH_OPEN"]);
  setReadOnly(log, false);
  assert.ok(handler.flushSync());
});

test("a read-only backup is rotated and pruned", (t) => {
  const { log, handler } = setUp(t, { backupCount: 1 });
  handler.write("record 0");
  for (let i = 1; i < 4; i++) {
    assert.ok(handler.rotate());
    setReadOnly(`${log}.1`, true);
    handler.write(`record ${i}`);
  }
  assert.equal(readFileSync(`${log}.1`, "utf8"), lines(2, 3));
  setReadOnly(`${log}.1`, false);
});

test("the lock and that of Python exclude each other", (t) => {
  const path = lockFilePath(join(temporaryDirectory(t), "app.log"));
  const lock = makeLock(path);
  const python = new OpenedByOthers(path);
  assert.ok(lock.acquire(0));
  assert.equal(python.lockAsPython(), false);
  lock.release();
  assert.equal(python.lockAsPython(), true);
  assert.equal(lock.acquire(50), false);
  python.close();
  assert.ok(lock.acquire(0));
  lock.close();
});
