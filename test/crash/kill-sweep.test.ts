import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OPERATION_NAMES } from "../support/operations.js";
import { killSweep } from "./kill-sweep.js";

// Every call in the long form (npm run test:crash), and after each as well; here, so many fewer.
const STRIDES = { before: 5, half: 4 } as const;

describe("killed at a call of the file system, a clean start makes all whole:", () => {
  for (const operation of OPERATION_NAMES) {
    test(operation, async (t) => {
      for (const mode of ["before", "half"] as const) {
        const { kills, problems } = await killSweep(t, { operation, mode, stride: STRIDES[mode] });
        assert.deepEqual(problems, []);
        t.diagnostic(`${kills} kills, ${mode}`);
      }
    });
  }
});

describe("a handler that is broken is found out:", () => {
  test("one that does not look whether the last record is whole", async (t) => {
    const sweep = { operation: "recovery", mode: "before", stride: 1000, double: "no tail check" } as const;
    assert.notDeepEqual((await killSweep(t, sweep)).problems, []);
  });

  test("one that lets a file wait where nobody looks for it", async (t) => {
    const sweep = { operation: "setting aside", mode: "before", stride: 1, double: "hides what waits" } as const;
    assert.ok((await killSweep(t, sweep)).problems.some((text) => text.includes("in no file that app.log* finds")));
  });

  test("one that brings a file into the archive by a copy, and not by a rename", async (t) => {
    const operation = "rotation into an archive";
    const sweep = { operation, mode: "before", stride: 1, double: "copies into the archive" } as const;
    assert.notDeepEqual((await killSweep(t, sweep)).problems, []);
  });

  test("one that deletes what it has compressed before the result has its name", async (t) => {
    const sweep = { operation: "compression", mode: "before", stride: 1, double: "unlinks the source first" } as const;
    assert.notDeepEqual((await killSweep(t, sweep)).problems, []);
  });
});
