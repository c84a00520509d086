import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { OPERATION_NAMES } from "../support/operations.js";
import { ERRNOS, type Fault, type FaultResult, failAt, failInSweep } from "./error-sweep.js";

// The long form (npm run test:faults) goes on to the last call, with every errno; here each call has one of them.
const CALLS = 40;

describe("a call of the file system fails:", () => {
  for (const operation of OPERATION_NAMES) {
    test(operation, (t) => noFaultDoesHarm(t, (fault) => failAt(t, operation, fault)));
  }
  for (const operation of ["compression", "recovery"] as const) {
    test(`${operation}, in the sweep`, (t) => noFaultDoesHarm(t, (fault) => failInSweep(t, operation, fault)));
  }
});

async function noFaultDoesHarm(t: TestContext, fail: (fault: Fault) => Promise<FaultResult>): Promise<void> {
  const problems: string[] = [];
  let faults = 0;
  for (let n = 1; n <= CALLS; n++) {
    for (const half of [false, true]) {
      const result = await fail({ errno: ERRNOS[n % ERRNOS.length]!, n, lasts: n % 2 === 0, half });
      if (!result.wasReached) break;
      faults++;
      problems.push(...result.problems);
    }
  }
  t.diagnostic(`${faults} faults`);
  assert.deepEqual(problems, []);
}
