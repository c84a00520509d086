import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Failure } from "../fixtures/failing-thread.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The thread of delivery background dies by itself; deliveries.test.ts terminates it. */

const RECORDS = 1000;

const FAILURES: [Failure, "before others" | "at exit"][] = [
  ["throws", "before others"],
  ["throws as it takes records", "before others"],
  ["throws as it takes records", "at exit"],
  ["throws when it has written", "before others"],
  ["exits", "before others"],
  ["exits in a write", "before others"],
  ["exits in a write", "at exit"],
  ["runs out of memory", "before others"],
  ["runs out of memory in a write", "before others"],
  ["runs out of memory in a write", "at exit"],
];

describe("the thread of background", { concurrency: 4 }, () => {
  for (const [failure, when] of FAILURES) {
    test(`${failure}, ${when}: no record is lost or doubled, and it is told`, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "thread-failure", log, RECORDS, failure, when);
      const told = await fixture.rest();
      assert.equal(await fixture.ended, 0);
      const expected = Array.from({ length: RECORDS }, (_, i) => `record ${i}\n`);
      assert.equal(readFileSync(log, "utf8"), expected.join(""));
      assert.deepEqual(told, ["ERR_CLH_THREAD"]);
    });
  }
});
