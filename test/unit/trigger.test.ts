import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sizeTrigger } from "../../src/rotation/trigger.js";

test("strict: due before a record with which the file would reach the limit", () => {
  const { isDue } = sizeTrigger(100, true);
  assert.equal(isDue(50, 49), false);
  assert.equal(isDue(50, 50), true);
});

test("lenient: due once the file has reached the limit", () => {
  const { isDue } = sizeTrigger(100, false);
  assert.equal(isDue(99, 1000), false);
  assert.equal(isDue(100, 1), true);
});

test("a file without records is never due", () => {
  for (const strict of [true, false]) assert.equal(sizeTrigger(1, strict).isDue(0, 1000), false);
});

test("without a limit, never due", () => {
  assert.equal(sizeTrigger(0, true).isDue(2 ** 50, 2 ** 50), false);
});

test("what fits into the room makes no rotation due on the way", () => {
  const positive = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(positive, fc.boolean(), fc.nat(1000), fc.array(positive), (maxBytes, strict, start, records) => {
      const { isDue, room } = sizeTrigger(maxBytes, strict);
      let left = room(start);
      let size = start;
      for (const record of records) {
        if (record > left) break;
        assert.equal(isDue(size, record), false);
        size += record;
        left -= record;
      }
    }),
  );
});
