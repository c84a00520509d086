import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sizeTrigger } from "../../../src/rotation/trigger.js";

test("strict: due before a record with which the file would reach the limit", () => {
  const { due } = sizeTrigger(100, true);
  assert.equal(due(50, 49), undefined);
  assert.equal(due(50, 50), "size");
});

test("lenient: due once the file has reached the limit", () => {
  const { due } = sizeTrigger(100, false);
  assert.equal(due(99, 1000), undefined);
  assert.equal(due(100, 1), "size");
});

test("a file without records is never due", () => {
  for (const strict of [true, false]) assert.equal(sizeTrigger(1, strict).due(0, 1000), undefined);
});

test("without a limit, never due", () => {
  assert.equal(sizeTrigger(0, true).due(2 ** 50, 2 ** 50), undefined);
});

test("what fits into the room makes no rotation due on the way", () => {
  const positive = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(positive, fc.boolean(), fc.nat(1000), fc.array(positive), (maxBytes, strict, start, records) => {
      const { due, room } = sizeTrigger(maxBytes, strict);
      let left = room(start);
      let size = start;
      for (const record of records) {
        if (record > left) break;
        assert.equal(due(size, record), undefined);
        size += record;
        left -= record;
      }
    }),
  );
});
