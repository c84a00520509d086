import assert from "node:assert/strict";
import { test } from "node:test";
import { writeFully } from "../../../src/platform/write-fully.js";

test("all bytes are written, once and in order, however few are taken at a time", () => {
  const written: number[] = [];
  writeFully(3, 10, (at, length) => {
    const taken = Math.min(length, 3);
    for (let i = 0; i < taken; i++) written.push(at + i);
    return taken;
  });
  assert.deepEqual(written, [3, 4, 5, 6, 7, 8, 9]);
});

test("nothing is no call, and a system that takes nothing is not asked for ever", () => {
  writeFully(5, 5, () => assert.fail("there is nothing to write"));
  assert.throws(() => writeFully(0, 5, () => 0), /took no bytes/);
});
