import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectSweep } from "../collect-sweep.js";
import { KILL_MODES } from "../kill-sweep.js";

/* The long form of crash/collect-sweep. */

describe("a collector", () => {
  for (const mode of KILL_MODES)
    for (const rotates of [false, true])
      test(`killed ${mode} every call${rotates ? ", and the log rotated and compressed then" : ""}`, async (t) => {
        const { kills, problems } = await collectSweep(t, { mode, stride: 1, rotates });
        t.diagnostic(`${kills} kills`);
        assert.deepEqual(problems, []);
      });
});
