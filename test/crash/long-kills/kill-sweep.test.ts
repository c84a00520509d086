import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OPERATION_NAMES } from "../../support/operations.js";
import { KILL_MODES, killSweep } from "../kill-sweep.js";

/* The long form of crash/kill-sweep. */

// How many calls lie between two kills, where the handler that comes after the first kill is killed as well.
const STRIDE = 5;
const STRIDE_AFTER = 3;

for (const operation of OPERATION_NAMES) {
  describe(operation, () => {
    for (const mode of KILL_MODES) {
      test(`killed ${mode} every call`, async (t) => {
        const { kills, problems } = await killSweep(t, { operation, mode, stride: 1 });
        t.diagnostic(`${kills} kills`);
        assert.deepEqual(problems, []);
      });
      test(`killed ${mode} a call, and what comes after it, too`, async (t) => {
        const sweep = { operation, mode, stride: STRIDE, strideAfter: STRIDE_AFTER };
        const { kills, problems } = await killSweep(t, sweep);
        t.diagnostic(`${kills} kills`);
        assert.deepEqual(problems, []);
      });
    }
  });
}
