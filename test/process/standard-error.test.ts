import assert from "node:assert/strict";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import type { Telling } from "../fixtures/telling-program.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

/* What a handler has to say ends no program, and is said before its thread or process is gone. */

const TELLING: Telling[] = ["sync", "batched", "background", "trace", "last resort", "logging error"];

// `process.stderr` of a program that has touched it makes a pipe so, for this package too.
const touching = `data:text/javascript,${encodeURIComponent("process.stderr;")}`;
const NOT_BLOCKING = { name: "telling-program", execArgv: ["--import", touching], stderr: "pipe" as const };

/** The path of a log that cannot be written. */
function impossibleLog(t: TestContext): string {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "file"), "in the way");
  return join(directory, "file", "app.log");
}

async function isAlive(fixture: Fixture): Promise<void> {
  fixture.say("go");
  assert.deepEqual(await fixture.rest(), ["alive"]);
  assert.equal(await fixture.ended, 0);
}

describe("a program goes on", { concurrency: 2 }, () => {
  for (const what of TELLING) {
    test(`when nobody reads its standard error: ${what}`, async (t) => {
      const fixture = new Fixture(t, { name: "telling-program", stderr: "pipe" }, impossibleLog(t), what, 3);
      assert.equal(await fixture.line(), "ready");
      const isClosed = new Promise((resolve) => fixture.process.stderr!.once("close", resolve));
      fixture.process.stderr!.destroy();
      await isClosed;
      await isAlive(fixture);
    });
  }

  const skip = process.platform === "win32" && "it has no such device";
  for (const what of TELLING) {
    test(`when its standard error is on a full disk: ${what}`, { skip }, async (t) => {
      const full = openSync("/dev/full", "w");
      t.after(() => closeSync(full));
      const fixture = new Fixture(t, { name: "telling-program", stderr: full }, impossibleLog(t), what, 3);
      assert.equal(await fixture.line(), "ready");
      await isAlive(fixture);
    });
  }

  test("when nobody reads what would be in a pipe that does not block", { skip }, async (t) => {
    const fixture = new Fixture(t, NOT_BLOCKING, impossibleLog(t), "last resort", 1000);
    assert.equal(await fixture.line(), "ready");
    await isAlive(fixture);
  });
});

test("a reader that is slow gets whole lines from a pipe that does not block", {
  skip: process.platform === "win32",
}, async (t) => {
  const fixture = new Fixture(t, NOT_BLOCKING, impossibleLog(t), "last resort", 200);
  const said = text(fixture.process.stderr!);
  assert.equal(await fixture.line(), "ready");
  await isAlive(fixture);
  assert.equal(await said, `${"-".repeat(1000)}\n`.repeat(200));
});

test("a thread that ends says what it has to say before", async (t) => {
  const fixture = new Fixture(
    t,
    { name: "telling-program", stderr: "pipe" },
    impossibleLog(t),
    "a thread that ends",
    1,
  );
  const said = text(fixture.process.stderr!);
  assert.equal(await fixture.line(), "ready");
  await isAlive(fixture);
  assert.match(await said, /^concurrent-log-handler: Cannot .*ENOTDIR.*\[ERR_CLH_\w+\]\n/);
  assert.match(await said, /\nconcurrent-log-handler: The process ends, and 1 records .* are lost/);
});
