import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { OPERATION_NAMES } from "../../support/operations.js";
import { ERRNOS, type Fault, type FaultResult, failAt, failInSweep, VARIANTS } from "../error-sweep.js";

/* The long form of crash/error-sweep: every errno at every call, once and for as long as records come. */

describe("every call of the file system fails:", () => {
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

async function noFaultDoesHarm(t: TestContext, fail: (fault: Fault) => Promise<FaultResult>): Promise<void> {
  const problems: string[] = [];
  let faults = 0;
  for (const errno of ERRNOS) {
    for (const lasts of [false, true]) {
      for (const half of [false, true]) {
        for (let n = 1; ; n++) {
          const result = await fail({ errno, n, lasts, half });
          if (!result.wasReached) break;
          faults++;
          problems.push(...result.problems);
        }
      }
    }
  }
  t.diagnostic(`${faults} faults`);
  assert.deepEqual(problems, []);
}
