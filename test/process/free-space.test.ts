import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler, type TimedRotatingFileHandlerOptions } from "../../src/index.js";
import { readLog } from "../../src/reading/read-log.js";
import type { PruningKind } from "../fixtures/filling-writer.js";
import { Fixture } from "../support/child.js";
import { fill, smallDisk } from "../support/small-disk.js";

const KIBIBYTE = 1024;
const WRITERS = ["w0", "w1"];
const RECORDS = 900; // of 7 kB: more than the disk has
const LEFT_FREE = 3072 * KIBIBYTE;
const SIZED = { maxBytes: 256 * KIBIBYTE, minFreeBytes: LEFT_FREE };

/** Two processes write more than a disk of 8 MB holds; what is wrong then. Undefined where none can be mounted. */
async function fillDisk(t: TestContext, options: TimedRotatingFileHandlerOptions, kind: PruningKind = "real") {
  const disk = smallDisk(t, "tmpfs");
  if (disk === undefined) return undefined;
  const others = ["other.log.1", "app.log.notes", "app.log.1x", "app.log.2020-01-01.txt"].map((name) =>
    join(disk, name),
  );
  for (const path of others) writeFileSync(path, "x");
  const log = join(disk, "app.log");
  const writers = WRITERS.map((name) => new Fixture(t, "filling-writer", name, RECORDS, log, options, kind));
  const said = await Promise.all(writers.map(async (writer) => JSON.parse((await writer.rest()).at(-1)!)));
  // Another process may have the lock for as long as this one waits: then the next rotation deletes them.
  const isForLater = (problem: string) => problem.includes("the lock was not free in time");
  const problems: string[] = said.flatMap((one) => one.problems).filter((problem) => !isForLater(problem));
  for (const path of others) if (!existsSync(path)) problems.push(`${path} is gone`);
  const { bavail, bsize } = statfsSync(disk);
  // Files of each process may have come since the disk was last asked.
  if (bavail * bsize < LEFT_FREE / 2) problems.push(`only ${bavail * bsize} bytes are free`);
  const found = new Map<string, number[]>(WRITERS.map((name) => [name, []]));
  for await (const { text } of readLog(log)) {
    const [writer, number] = text.split(" ");
    found.get(writer!)!.push(Number(number));
  }
  for (const [writer, numbers] of found) {
    const first = RECORDS - numbers.length;
    if (numbers.some((number, i) => number !== first + i))
      problems.push(`records of ${writer} are missing behind others`);
  }
  const kept = [...found.values()].reduce((sum, numbers) => sum + numbers.length, 0);
  if (kept === WRITERS.length * RECORDS) problems.push("all records are there: the disk was not full");
  const removed = said.reduce((sum, one) => sum + one.removed, 0);
  return { problems, removed, dropped: said.map((one) => one.dropped) };
}

describe("with minFreeBytes, the oldest backups of a disk that gets full go, and no other file", () => {
  const kinds: Record<string, TimedRotatingFileHandlerOptions> = {
    numbered: SIZED,
    "numbered and compressed": { ...SIZED, compression: "gzip" },
    dated: { ...SIZED, when: "s" },
    "dated, compressed, with delivery background": {
      ...SIZED,
      when: "midnight",
      useGzip: true,
      delivery: "background",
    },
    "by percents": { ...SIZED, minFreeBytes: null, minFreePercent: 37.5 },
  };
  for (const [name, options] of Object.entries(kinds)) {
    test(name, async (t) => {
      const result = await fillDisk(t, options);
      if (result === undefined) return;
      assert.deepEqual(result.problems, []);
      assert.deepEqual(result.dropped, [0, 0]);
      assert.ok(result.removed > 0, "and events tell why");
    });
  }

  test("a handler that deletes the newest is found out", async (t) => {
    const result = await fillDisk(t, SIZED, "prunes the newest");
    if (result === undefined) return;
    assert.ok(result.problems.some((problem) => problem.includes("missing behind others")));
  });
});

describe("a disk that is full", () => {
  for (const delivery of ["sync", "batched", "background"] as const) {
    test(`is given room before a record is given up, with delivery ${delivery}`, async (t) => {
      const disk = smallDisk(t, "tmpfs");
      if (disk === undefined) return;
      mkdirSync(join(disk, "log"));
      const path = join(disk, "log", "app.log");
      const handler = new ConcurrentRotatingFileHandler(path, { backupCount: 9, minFreeBytes: "200k", delivery });
      t.after(() => handler.close());
      const told: unknown[] = [];
      handler.on("error", (error) => told.push(error));
      handler.on("removed", ({ reason }) => told.push(reason));
      for (let i = 0; i < 6; i++) {
        await handler.writeAsync(`${i}`.repeat(128 * KIBIBYTE));
        handler.rotate();
      }
      // A rotation of delivery background is that of the next write by another thread.
      const free = fill(disk);
      await handler.writeAsync("x".repeat(128 * KIBIBYTE));
      assert.deepEqual(told, ["space", "space"]);
      assert.equal(handler.stats().dropped, 0);
      assert.equal(handler.stats().failures, 0);
      const backups = readdirSync(join(disk, "log")).filter((name) => /^app\.log\.\d/.test(name));
      assert.deepEqual(backups.sort(), ["app.log.1", "app.log.2", "app.log.3", "app.log.4"]);
      assert.match(readFileSync(`${path}.1`, "utf8"), /^5+\n$/);
      free();
    });
  }

  test("keeps its backups where nobody has asked, and the record waits", (t) => {
    const disk = smallDisk(t, "tmpfs");
    if (disk === undefined) return;
    const path = join(disk, "app.log");
    const handler = new ConcurrentRotatingFileHandler(path, { backupCount: 9 });
    t.after(() => handler.close());
    handler.on("error", () => {});
    for (const record of ["one", "two"]) {
      handler.write(record.repeat(64 * KIBIBYTE));
      handler.rotate();
    }
    const free = fill(disk);
    assert.equal(handler.write("x".repeat(64 * KIBIBYTE)), false);
    assert.ok(existsSync(`${path}.2`));
    free();
    assert.ok(handler.flushSync());
    rmSync(path);
  });
});
