import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OPERATION_NAMES } from "../../support/operations.js";
import { whyNoStrace } from "../../support/strace.js";
import { CALLS, killAtSystemCalls } from "../system-calls.js";

const AGAIN = 2;

describe("killed at a real call of the system beside a living writer, a clean start makes all whole:", {
  skip: whyNoStrace(),
}, () => {
  for (const operation of OPERATION_NAMES) {
    test(operation, async (t) => {
      for (const calls of CALLS) {
        const { kills, secondKills, problems } = await killAtSystemCalls(t, operation, calls, AGAIN);
        t.diagnostic(`${kills} kills at ${calls}, ${secondKills} times with a second one`);
        assert.deepEqual(problems, []);
      }
    });
  }
});
