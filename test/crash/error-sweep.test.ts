import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { OPERATION_NAMES } from "../support/operations.js";
import { ERRNOS, type Fault, type FaultResult, failAt, failInSweep, VARIANTS } from "./error-sweep.js";

// The long form (npm run test:faults) goes on to the last call, with every errno; here each call has one of them.
const CALLS = 40;

describe("a call of the file system fails:", () => {
  for (const operation of OPERATION_NAMES) {
    test(operation, (t) => noFaultDoesHarm(t, (fault) => failAt(t, operation, fault)));
  }
  for (const [name, options] of Object.entries(VARIANTS)) {
    test(`rotation by size, ${name}`, (t) =>
      noFaultDoesHarm(t, (fault) => failAt(t, "rotation by size", { ...fault, options })));
  }
  for (const operation of ["compression", "recovery"] as const) {
    test(`${operation}, in the sweep`, (t) => noFaultDoesHarm(t, (fault) => failInSweep(t, operation, fault)));
  }
});

test("a handler that empties a file that it cannot write to is found out", async (t) => {
  const fault = {
    errno: "ENOSPC",
    lasts: false,
    half: true,
    double: "empties a file that it cannot write to",
  } as const;
  const { problems } = await failEach((changes) => failAt(t, "append", { ...changes, ...fault }));
  assert.ok(problems.some((text) => text.includes("where 0 should be")));
});

async function noFaultDoesHarm(t: TestContext, fail: (fault: Fault) => Promise<FaultResult>): Promise<void> {
  const { faults, problems } = await failEach(fail);
  t.diagnostic(`${faults} faults`);
  assert.deepEqual(problems, []);
}

async function failEach(fail: (fault: Fault) => Promise<FaultResult>): Promise<{ faults: number; problems: string[] }> {
  const problems: string[] = [];
  let faults = 0;
  for (let n = 1; n <= CALLS; n++) {
    for (const half of n % 2 === 0 ? [false, true] : [false]) {
      const result = await fail({ errno: ERRNOS[n % ERRNOS.length]!, n, lasts: n % 2 === 0, half });
      if (!result.wasReached) break;
      faults++;
      problems.push(...result.problems);
    }
  }
  return { faults, problems };
}
