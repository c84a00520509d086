import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OPERATION_NAMES } from "../../support/operations.js";
import { whyNoStrace } from "../../support/strace.js";
import { CALLS, killAtSystemCalls } from "../system-calls.js";

/** How often each kill is done again with a second one. */
const AGAIN = 2;

describe("killed at a real call of the system beside a living writer, a clean start makes all whole:", {
  skip: whyNoStrace(),
}, () => {
  for (const operation of OPERATION_NAMES) {
    test(operation, async (t) => {
      const problems: string[] = [];
      for (const calls of CALLS) {
        const result = await killAtSystemCalls(t, operation, calls, AGAIN);
        t.diagnostic(`${result.kills} kills at ${calls}, ${result.secondKills} times with a second one`);
        problems.push(...result.problems);
      }
      assert.deepEqual(problems, []);
    });
  }
});
