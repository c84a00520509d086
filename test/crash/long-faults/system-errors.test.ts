import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { OPERATION_NAMES, type OperationName } from "../../support/operations.js";
import { whyNoStrace } from "../../support/strace.js";
import { VARIANTS } from "../error-sweep.js";
import { CALLS, ERRNOS, FailingProcess, type SystemFault } from "../system-errors.js";

const skip = whyNoStrace();

describe("every real call of the system fails:", { skip }, () => {
  for (const operation of OPERATION_NAMES) test(operation, (t) => noFaultDoesHarm(t, operation));
  for (const [name, options] of Object.entries(VARIANTS)) {
    test(`rotation by size, ${name}`, (t) => noFaultDoesHarm(t, "rotation by size", { options }));
  }

  test("a handler that empties a file that it cannot write to is found out", async (t) => {
    const fault = { call: "write", errno: "ENOSPC", n: 2, lasts: true } as const;
    const process = new FailingProcess(t);
    assert.deepEqual((await process.failAt("append", fault)).problems, []);
    const double = "empties a file that it cannot write to";
    assert.notDeepEqual((await process.failAt("append", { ...fault, double })).problems, []);
  });
});

async function noFaultDoesHarm(
  t: TestContext,
  operation: OperationName,
  more: Pick<SystemFault, "options"> = {},
): Promise<void> {
  const process = new FailingProcess(t);
  const problems: string[] = [];
  for (const call of CALLS) {
    let faults = 0;
    for (const errno of ERRNOS) {
      // What a signal interrupts is done again by libuv, without end.
      const isDoneAgain = errno === "EINTR" && call !== "flock";
      for (const lasts of isDoneAgain ? [false] : [false, true]) {
        for (let n = 1; ; n++) {
          const result = await process.failAt(operation, { call, errno, n, lasts, ...more });
          problems.push(...result.problems);
          if (!result.wasReached) break;
          faults++;
        }
      }
    }
    t.diagnostic(`${faults} faults of ${call}`);
  }
  assert.deepEqual(problems, []);
}
