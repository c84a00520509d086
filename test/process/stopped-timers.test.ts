import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { DeliveryMode } from "../../src/index.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Test runners put timers and clocks in place of the real ones. What this package promises does not stop with them. */

describe("with the timers of a test runner, which stand still", { concurrency: 3 }, () => {
  for (const delivery of ["sync", "batched", "background"] satisfies DeliveryMode[]) {
    test(`${delivery}: records are written, promises kept and broken, files read`, async (t) => {
      const fixture = new Fixture(t, "stopped-timers", join(temporaryDirectory(t), "app.log"), delivery);
      const told = await fixture.rest();
      assert.equal(await fixture.ended, 0);
      assert.equal(told.shift(), "warning ERR_CLH_OPTION");
      assert.deepEqual(told, ["written", "ERR_CLH_FLUSH", "flushed", "one", "two", "from the queue"]);
    });
  }
});
