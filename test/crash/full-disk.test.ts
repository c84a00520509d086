import assert from "node:assert/strict";
import { test } from "node:test";
import { fullDisk } from "./full-disk.js";

const TIMES = 3;

for (const kind of ["tmpfs"] as const) {
  test(`a ${kind} that is filled and freed ${TIMES} times: nothing is lost or doubled, and writing goes on by itself`, async (t) => {
    const result = await fullDisk(t, kind, TIMES);
    if (result === undefined) return;
    t.diagnostic(JSON.stringify(result.said));
    assert.deepEqual(result.problems, []);
    assert.ok(result.said.every(({ dropped }) => dropped === 0));
    assert.ok(result.said.some(({ refused }) => refused > 0));
  });
}
