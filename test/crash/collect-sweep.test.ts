import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectSweep } from "./collect-sweep.js";

describe("killed at a call of the file system, a collector's next one makes all whole:", () => {
  for (const [mode, stride, from] of [
    ["before", 4, 1],
    ["half", 2, 2], // the second tears the first entry of a cursor
    ["after", 7, 1],
  ] as const) {
    test(mode, async (t) => {
      const { kills, problems } = await collectSweep(t, { mode, stride, from });
      assert.deepEqual(problems, []);
      t.diagnostic(`${kills} kills`);
    });
  }

  test("also when another process rotates and compresses the log in between", async (t) => {
    const { kills, problems } = await collectSweep(t, { mode: "after", stride: 3, from: 2, rotates: true });
    assert.deepEqual(problems, []);
    t.diagnostic(`${kills} kills`);
  });
});

describe("a collector that is broken is found out:", () => {
  for (const double of [
    "notes no intent",
    "notes the place before the append",
    "notes the place after the append",
    "notes one intent for the whole batch",
  ] as const) {
    test(`one that ${double}`, async (t) => {
      const { problems } = await collectSweep(t, { mode: "after", stride: 2, double });
      assert.notDeepEqual(problems, []);
    });
  }

  test("a process that rotates the log, and settles nothing before", async (t) => {
    const { problems } = await collectSweep(t, { mode: "after", stride: 1, rotates: "blindly" });
    assert.ok(problems.some((text) => text.includes("where")));
  });
});
