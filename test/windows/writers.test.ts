import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hasCode } from "../../src/base/system-errors.js";
import { stress } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";
import { notOnce, readAll, startWriters } from "../support/writers.js";

/* What Linux proves in test/process, so often that it says something here and ends in minutes under Wine. */

const RECORDS = 10_000;

describe(`4 processes x ${RECORDS} records: every one once, whole`, () => {
  test("the command", async () => {
    const { code, verdict } = await stress(
      "--num-processes",
      "4",
      "--log-calls",
      `${RECORDS}`,
      "--max-bytes",
      "512KiB",
      "--gzip",
    );
    assert.deepEqual(verdict.problems, []);
    assert.equal(verdict.found, 4 * RECORDS);
    assert.ok(verdict.rotations > 0);
    assert.equal(code, 0);
  });

  for (const delivery of ["batched", "background"] as const) {
    test(delivery, async (t) => {
      const directory = temporaryDirectory(t);
      const options = { maxBytes: 512 * 1024, backupCount: 1000, useGzip: true, delivery };
      const writers = startWriters(t, 4, RECORDS, join(directory, "app.log"), options);
      assert.deepEqual(await Promise.all(writers.map(({ ended }) => ended)), [0, 0, 0, 0]);
      const found = readAll(directory, "app.log");
      assert.deepEqual(found.torn, []);
      assert.deepEqual(notOnce(found, 4, RECORDS), []);
    });
  }
});

test("writers without a lock are found out", async (t) => {
  const directory = temporaryDirectory(t);
  const options = { maxBytes: 2048, backupCount: 3000 };
  const writers = startWriters(t, 4, 1000, join(directory, "app.log"), options, "no lock");
  await Promise.all(writers.map(({ ended }) => ended));
  const found = readAll(directory, "app.log");
  assert.notDeepEqual([...found.torn, ...notOnce(found, 4, 1000)], []);
});

test("killed writers: the others lose nothing, and the killed ones at most what they were in", async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const options = { maxBytes: 8 * 1024, backupCount: 3000, lockTimeout: "30s" };
  const writers = startWriters(t, 4, 1500, log, options as never);
  for (const [i, { process }] of writers.slice(2).entries()) {
    for (;;) {
      const written = countSoFar(directory, `w${i + 2}`);
      if (written > 100) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill("SIGKILL");
  }
  await Promise.all(writers.map(({ ended }) => ended));
  const found = readAll(directory, "app.log");
  assert.deepEqual(notOnce(found, 2, 1500), []);
  for (const killed of ["w2", "w3"]) {
    const times = found.times.get(killed)!;
    assert.deepEqual([...times], Array(times.length).fill(1), "a hole, or a record twice");
  }
  assert.ok(found.torn.length <= 2, found.torn.join("\n"));
});

/** Of a log that is being rotated: a file may have another name when it is to be read. */
function countSoFar(directory: string, writer: string): number {
  try {
    return readAll(directory, "app.log").times.get(writer)?.length ?? 0;
  } catch (error) {
    if (!hasCode(error, "ENOENT", "EPERM", "EBUSY")) throw error;
    return 0;
  }
}
