import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  ConcurrentRotatingFileHandler,
  type HandlerEvents,
  type RotatingFileHandlerOptions,
} from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { listLogFiles } from "../../../src/log-files/list-files.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { environmentWith, ManualClock, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* Listeners that use the handler whose event they hear, as who logs its troubles through itself does. */

type Delivery = "sync" | "batched" | "background";
type EventName = keyof HandlerEvents;

const DELIVERIES: readonly Delivery[] = ["sync", "batched", "background"];
const RECORDS = 40;
const HEARD = "heard ";
const MOST_HEARD = 3; // or each record of a listener could make the next event

interface Scenario {
  readonly name: string;
  readonly event: EventName;
  readonly deliveries?: readonly Delivery[];
  readonly options?: RotatingFileHandlerOptions;
  readonly queue?: object;
  /** Whether records may be missing: the oldest, or those that were dropped. */
  readonly mayLack?: boolean;
  /** Before the handler is made. Returns what ends the trouble. */
  readonly prepare?: (log: string) => { environment?: Environment; end?: () => void };
}

function holdLock(log: string): { end: () => void } {
  const holder = makeLock(lockFilePath(log));
  assert.ok(holder.acquire(10_000));
  return {
    end() {
      holder.release();
      holder.close();
    },
  };
}

/** A disk on which nothing can be written until the end. */
function fillDisk(): { environment: Environment; end: () => void } {
  const { fs } = systemEnvironment();
  let isFull = true;
  const environment = environmentWith({
    write(...args) {
      if (isFull) throw systemError("ENOSPC", "write");
      return fs.write(...args);
    },
  });
  return {
    environment,
    end() {
      isFull = false;
    },
  };
}

const ROTATING = { maxBytes: 100, backupCount: 1000 };

const SCENARIOS: readonly Scenario[] = [
  { name: "rotated", event: "rotated", options: ROTATING },
  { name: "compressed", event: "compressed", options: { ...ROTATING, useGzip: true } },
  { name: "removed in a rotation", event: "removed", options: { ...ROTATING, backupCount: 2 }, mayLack: true },
  { name: "removed after it", event: "removed", options: { ...ROTATING, maxTotalBytes: 300 }, mayLack: true },
  {
    name: "recovered",
    event: "recovered",
    prepare(log) {
      writeFileSync(log, "torn");
      return {};
    },
  },
  {
    name: "warning",
    event: "warning",
    prepare(log) {
      const other = new ConcurrentRotatingFileHandler(log, { maxBytes: "1GiB", backupCount: 7 });
      other.open();
      return { end: () => other.close() };
    },
  },
  { name: "error of the lock", event: "error", options: { lockTimeout: 20 }, prepare: holdLock },
  { name: "error of the disk", event: "error", deliveries: ["sync", "batched"], prepare: fillDisk },
  {
    name: "drop from what is kept",
    event: "drop",
    deliveries: ["sync"],
    options: { retryBufferBytes: 100 },
    mayLack: true,
    prepare: fillDisk,
  },
  {
    name: "drop from the queue",
    event: "drop",
    deliveries: ["batched", "background"],
    queue: { queueBytes: 200, maxBatchBytes: 100, overflow: "drop-newest" },
    mayLack: true,
    prepare: holdLock,
  },
  {
    name: "drain",
    event: "drain",
    deliveries: ["batched", "background"],
    queue: { queueBytes: 2000 },
    prepare: holdLock,
  },
];

/** All records of the log, in order. */
function linesOf(log: string): string[] {
  const { fs } = systemEnvironment();
  const bytes = listLogFiles(fs, log).map(({ path, extension }) =>
    extension === ".gz" ? gunzipSync(readFileSync(path)) : readFileSync(path),
  );
  return Buffer.concat(bytes).toString().split("\n").slice(0, -1);
}

async function hear(t: TestContext, delivery: Delivery, scenario: Scenario): Promise<void> {
  const log = join(temporaryDirectory(t), "app.log");
  const { environment, end } = scenario.prepare?.(log) ?? {};
  const options = { delivery: { mode: delivery, ...scenario.queue } as never, ...scenario.options };
  const handler = new ConcurrentRotatingFileHandler(log, options, environment ?? systemEnvironment());
  t.after(() => handler.close());
  for (const quiet of ["error", "warning"] as const) handler.on(quiet, () => {});
  const heard: string[] = [];
  handler.on(scenario.event, () => {
    if (scenario.prepare === undefined) holdLock(log).end(); // no listener is called with the lock held
    if (heard.length === MOST_HEARD) return;
    heard.push(`${HEARD}${scenario.event} ${heard.length}`);
    handler.write(heard.at(-1)!);
    handler.writeLines("a line\n");
  });
  const happened = new Promise<void>((resolve) => handler.once(scenario.event, () => resolve()));
  const alive = setInterval(() => {}, 1000); // no timer of a handler keeps the process
  t.after(() => clearInterval(alive));
  const written: string[] = [];
  const isDrain = scenario.event === "drain";
  while (isDrain ? !handler.writableNeedDrain : written.length < RECORDS) {
    written.push(`record ${written.length}`);
    handler.write(written.at(-1)!);
  }
  if (isDrain) end?.();
  await happened;
  if (!isDrain) end?.();
  for (let isSwept = false; !isSwept || handler.stats().pending > 0; isSwept = true) {
    await Promise.allSettled([handler.flush()]); // rejected where records were dropped
    await handler.swept();
    await new Promise(setImmediate);
  }
  const dropped = handler.stats().dropped;
  clearInterval(alive);
  handler.close();
  await handler.swept(); // what listeners wrote may have been rotated since

  const lines = linesOf(log);
  const found = lines.filter((line) => line.startsWith("record "));
  const foundHeard = lines.filter((line) => line.startsWith(HEARD));
  assert.ok(heard.length > 0);
  if (scenario.mayLack) {
    assert.deepEqual(
      found,
      written.filter((record) => found.includes(record)),
    );
    assert.deepEqual(
      foundHeard,
      heard.filter((record) => foundHeard.includes(record)),
    );
    const all = found.length + foundHeard.length + lines.filter((line) => line === "a line").length;
    if (scenario.event === "drop") assert.equal(all + dropped, RECORDS + heard.length * 2);
  } else {
    assert.deepEqual(found, written);
    assert.deepEqual(foundHeard, heard);
    assert.equal(lines.filter((line) => line === "a line").length, heard.length);
  }
}

for (const delivery of DELIVERIES) {
  describe(`${delivery}: a listener that writes costs no record, and writes none twice:`, () => {
    for (const scenario of SCENARIOS) {
      if (scenario.deliveries?.includes(delivery) === false) continue;
      test(scenario.name, (t) => hear(t, delivery, scenario));
    }
  });
}

describe("rotate()", () => {
  for (const does of ["writes", "throws"]) {
    test(`rotates once, though a listener ${does}`, (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const handler = new ConcurrentRotatingFileHandler(log, { backupCount: 9 });
      t.after(() => handler.close());
      handler.on("rotated", () => {
        if (handler.stats().rotations > 9) throw new Error("it rotates without end");
        if (does === "throws") throw new Error("on purpose");
        handler.write("one of the listener");
        handler.write("another one");
      });
      assert.ok(handler.write("one"));
      if (does === "throws") assert.throws(() => handler.rotate(), { message: "on purpose" });
      else assert.equal(handler.rotate(), true);
      assert.ok(handler.write("two"));
      assert.ok(handler.write("three"));
      assert.equal(handler.stats().rotations, 1);
      const more = does === "throws" ? [] : ["one of the listener", "another one"];
      assert.deepEqual(linesOf(log), ["one", ...more, "two", "three"]);
    });
  }
});

test("records that wait on disk are merged once, though a listener writes while they are", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const { fs } = systemEnvironment();
  const closed: unknown[] = [];
  const clock = new ManualClock();
  const environment = environmentWith(
    {
      close(fd) {
        try {
          fs.close(fd);
        } catch (error) {
          closed.push(error);
        }
      },
    },
    clock,
  );
  const handler = new ConcurrentRotatingFileHandler(log, { ...ROTATING, lockTimeout: 20 }, environment);
  t.after(() => handler.close());
  const errors: string[] = [];
  handler.on("error", ({ code }) => errors.push(code));
  handler.on("rotated", () => {
    clock.time += 10_000; // the next try is due
    handler.write("rotated");
  });
  const records = Array.from({ length: 8 }, (_, i) => `record ${i}, of some length`);
  const { end } = holdLock(log);
  for (const record of records) assert.equal(handler.write(record), false);
  end();
  await handler.flush();
  assert.deepEqual(closed, []);
  assert.deepEqual(errors, ["ERR_CLH_LOCK_TIMEOUT"]);
  assert.equal(handler.stats().pending, 0);
  const lines = linesOf(log);
  assert.deepEqual(
    lines.filter((line) => line !== "rotated"),
    records,
  );
  assert.equal(lines.length - records.length, handler.stats().rotations);
});

test("a namer that writes to another handler of the log, which waits for the lock, does not wait for itself", (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const options = { maxBytes: 30, backupCount: 9 };
  const other = new ConcurrentRotatingFileHandler(log, { ...options, onLockTimeout: "wait" });
  const namer = (name: string) => {
    other.write("a name");
    return name;
  };
  const handler = new ConcurrentRotatingFileHandler(log, { ...options, namer });
  t.after(() => {
    handler.close();
    other.close();
  });
  for (const record of ["one of some length", "two of some length"]) assert.ok(handler.write(record));
  assert.ok(other.stats().pending > 0);
  assert.ok(other.flushSync());
  assert.deepEqual(new Set(linesOf(log)), new Set(["one of some length", "two of some length", "a name"]));
});

test("a namer that flushes the records that it has written does not enter the rotation again", (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const flushed: boolean[] = [];
  const handler: ConcurrentRotatingFileHandler = new ConcurrentRotatingFileHandler(log, {
    maxBytes: 30,
    backupCount: 9,
    namer(name) {
      if (flushed.length === 0) handler.write("a name"); // or its records rotate without end
      flushed.push(handler.flushSync());
      return name;
    },
  });
  t.after(() => handler.close());
  assert.ok(handler.write("one of some length"));
  assert.ok(handler.write("two of some length"));
  assert.ok(flushed.length > 0 && !flushed.includes(true));
  const lines = linesOf(log);
  assert.deepEqual(
    lines.filter((line) => line !== "a name"),
    ["one of some length", "two of some length"],
  );
  assert.equal(lines.filter((line) => line === "a name").length, 1);
});
