import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Failure } from "../fixtures/failing-thread.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The thread of delivery background dies by itself; deliveries.test.ts terminates it. */

const RECORDS = 1000;

const FAILURES: [Failure, "at once" | "with a record" | "at exit"][] = [
  ["throws", "at once"],
  ["throws as it takes records", "with a record"],
  ["throws as it takes records", "at exit"],
  ["throws when it has written", "with a record"],
  ["exits", "at once"],
  ["exits in a write", "with a record"],
  ["exits in a write", "at exit"],
  ["runs out of memory", "at once"],
  ["runs out of memory in a write", "with a record"],
  ["runs out of memory in a write", "at exit"],
];

describe("the thread of background", { concurrency: 4 }, () => {
  for (const [failure, when] of FAILURES) {
    test(`${failure}, ${when}: no record is lost or doubled, and it is told`, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "thread-failure", log, RECORDS, failure, when);
      const told = await fixture.rest();
      assert.equal(await fixture.ended, 0);
      const found = readFileSync(log, "utf8").split("\n").slice(0, -1);
      if (failure.endsWith("in a write")) removePiece(found);
      assert.deepEqual(
        found,
        Array.from({ length: RECORDS }, (_, i) => `record ${i}`),
      );
      assert.deepEqual(told, ["ERR_CLH_THREAD"]);
    });
  }
});

test("handlers of background that are opened and closed in turn share memory", async (t) => {
  const directory = temporaryDirectory(t);
  const HANDLERS = 200;
  const fixture = new Fixture(t, "many-in-turn", join(directory, "app.log"), HANDLERS);
  const bytes = Number(await fixture.line());
  assert.equal(await fixture.ended, 0);
  // On a busy machine a thread is slow to leave memory, and that of a few more is needed meanwhile.
  const eachOwn = HANDLERS * 18 * 1024 ** 2;
  assert.ok(bytes < eachOwn / 4, `${bytes} bytes, and ${eachOwn} if none were shared`);
  const found = Array.from({ length: 10 }, (_, i) => readFileSync(join(directory, `app.log.${i}`), "utf8")).join("");
  assert.equal(new Set(found.trim().split("\n")).size, HANDLERS);
});

/** Half of a write may end within a record, which is written again: the piece has a line of its own. */
function removePiece(found: string[]): void {
  const at = found.findIndex((line, i) => line !== `record ${i}`);
  if (at >= 0 && `record ${at}`.startsWith(found[at]!)) found.splice(at, 1);
}
