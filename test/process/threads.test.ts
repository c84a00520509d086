import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { DeliveryMode, RotatingFileHandlerOptions } from "../../src/index.js";
import type { ThreadEnd } from "../fixtures/thread-life.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

/* A handler in a thread of the application that ends before the process does. */

const RECORDS = 1000;
const BY_ITSELF: ThreadEnd[] = ["return", "exit", "throw", "reject"];

interface Case {
  readonly delivery: RotatingFileHandlerOptions["delivery"];
  /** How many records there may be after it has been terminated, half of them being acknowledged. */
  readonly atLeast: number;
  readonly atMost: number;
}

const CASES: Record<DeliveryMode, Case> = {
  sync: { delivery: "sync", atLeast: RECORDS, atMost: RECORDS },
  batched: { delivery: { mode: "batched", flushInterval: "1h" }, atLeast: RECORDS / 2, atMost: RECORDS / 2 },
  background: { delivery: "background", atLeast: RECORDS / 2, atMost: RECORDS },
};

for (const [mode, { delivery, atLeast, atMost }] of Object.entries(CASES)) {
  describe(`${mode}, in a thread`, { concurrency: true }, () => {
    for (const end of BY_ITSELF) {
      test(`that ends by itself (${end}): all records`, async (t) => {
        const log = join(temporaryDirectory(t), "app.log");
        const fixture = new Fixture(t, "thread-life", log, RECORDS, { delivery }, end);
        assert.equal(await fixture.ended, 0);
        assert.equal(readFileSync(log, "utf8"), `${lines(RECORDS)}after\n`);
      });
    }

    test("that is terminated: what was acknowledged, and the lock is free", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "thread-life", log, RECORDS, { delivery }, "terminated");
      assert.equal(await fixture.ended, 0);
      const found = readFileSync(log, "utf8").split("\n").slice(0, -2).length;
      assert.equal(readFileSync(log, "utf8"), `${lines(found)}after\n`);
      assert.ok(found >= atLeast && found <= atMost, `${found}`);
    });

    test("that is terminated while it writes: what was acknowledged, and the lock is free", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "thread-life", log, RECORDS, { delivery }, "terminated while it writes");
      const acknowledged = Number(await fixture.line());
      assert.equal(await fixture.ended, 0);
      const found = readFileSync(log, "utf8").split("\n").slice(0, -2).length;
      assert.equal(readFileSync(log, "utf8"), `${lines(found)}after\n`);
      assert.ok(found >= acknowledged, `${found} of ${acknowledged}`);
    });

    test("when the main thread exits: what was acknowledged", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "thread-life", log, RECORDS, { delivery }, "the main thread exits");
      assert.equal(await fixture.ended, 0);
      const found = readFileSync(log, "utf8").split("\n").slice(0, -1).length;
      assert.equal(readFileSync(log, "utf8"), lines(found));
      assert.ok(found >= atLeast && found <= atMost, `${found}`);
    });
  });
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => `record ${i}\n`).join("");
}
