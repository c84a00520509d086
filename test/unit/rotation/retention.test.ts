import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Limits } from "../../../src/options/resolved-options.js";
import { type Backup, missingSpace, toFree, toPrune } from "../../../src/rotation/retention.js";

const NOW = 1000;
const NO_LIMITS: Limits = { count: Infinity, age: Infinity, totalBytes: Infinity, periods: Infinity };

/** Backups "a", "b", …, from the oldest to the newest. */
function backups(...them: Partial<Backup>[]): Backup[] {
  return them.map((one, i) => ({ path: String.fromCharCode(97 + i), size: 10, endsAt: NOW - 100 + i, ...one }));
}

function pruned(them: Backup[], limits: Partial<Limits>): string {
  return toPrune(them, { ...NO_LIMITS, ...limits }, NOW)
    .map(({ path }) => path)
    .join("");
}

test("without limits nothing goes", () => assert.equal(pruned(backups({}, {}, {}), {}), ""));

test("of too many, the oldest go", () => {
  assert.equal(pruned(backups({}, {}, {}, {}), { count: 3 }), "a");
  assert.equal(pruned(backups({}, {}, {}, {}), { count: 1 }), "abc");
  assert.equal(pruned(backups({}, {}), { count: 2 }), "");
});

test("those that have ended too long ago go", () => {
  const them = backups({ endsAt: NOW - 20 }, { endsAt: NOW - 10 }, { endsAt: NOW - 9 });
  assert.equal(pruned(them, { age: 10 }), "ab");
  assert.equal(pruned(them, { age: 21 }), "");
});

test("of too many bytes, the oldest go, also where a smaller one would still fit", () => {
  assert.equal(pruned(backups({ size: 1 }, { size: 50 }, { size: 10 }, { size: 10 }), { totalBytes: 30 }), "ab");
  assert.equal(pruned(backups({}, {}, {}), { totalBytes: 30 }), "");
});

test("the newest stays, however large or old it is, and alone if it must", () => {
  assert.equal(pruned(backups({ size: 31 }), { totalBytes: 30 }), "");
  assert.equal(pruned(backups({}, { size: 31 }), { totalBytes: 30 }), "a");
  assert.equal(pruned(backups({}, { endsAt: 0 }), { age: 10 }), "a");
});

test("a file of 1970 takes no others with it, and stays as long as they do", () => {
  const them = backups({ endsAt: NOW - 9 }, { endsAt: 0 }, { endsAt: NOW - 8 }, {});
  assert.equal(pruned(them, { age: 10 }), "");
});

test("a time that is yet to come says nothing: the next one does", () => {
  const them = backups({ endsAt: NOW + 50 }, { endsAt: NOW - 10 }, { endsAt: NOW + 50 });
  assert.equal(pruned(them, { age: 10 }), "ab");
  assert.equal(pruned(them, { age: 11 }), "");
  assert.equal(pruned(backups({ endsAt: NOW + 1 }, { endsAt: NOW + 1 }), { age: 10, count: 5 }), "");
});

test("what is surplus goes whatever the limits are", () => {
  assert.equal(pruned(backups({ isSurplus: true }, {}), {}), "a");
});

test("a period counts once, however many backups it has", () => {
  const them = backups(
    { period: "1" },
    { period: "1" },
    { period: "2" },
    { period: "3" },
    { period: "3" },
    { period: "3" },
  );
  assert.equal(pruned(them, { periods: 2 }), "ab");
  assert.equal(pruned(them, { periods: 1 }), "abc");
  assert.equal(pruned(them, { periods: 3 }), "");
});

test("all limits hold, what goes is older than what stays, and no more goes than must", () => {
  const some = fc.array(fc.record({ size: fc.nat(50), period: fc.integer({ min: 1, max: 5 }) }), { maxLength: 12 });
  const limits = fc.record({
    count: fc.nat(10),
    totalBytes: fc.nat(200),
    age: fc.nat(120),
    periods: fc.integer({ min: 1, max: 6 }),
  });
  fc.assert(
    fc.property(some, limits, (sizes, limit) => {
      const them = sizes
        .sort((a, b) => a.period - b.period)
        .map(({ size, period }, i) => ({ path: `${i}`, size, period: `${period}`, endsAt: NOW - 100 + i }));
      const gone = toPrune(them, limit, NOW);
      const holds = (kept: Backup[]) =>
        kept.length <= 1 ||
        (kept.length <= limit.count &&
          kept.reduce((sum, { size }) => sum + size, 0) <= limit.totalBytes &&
          new Set(kept.map(({ period }) => period)).size <= limit.periods &&
          kept.every(({ endsAt }) => endsAt > NOW - limit.age));
      assert.deepEqual(gone, them.slice(0, gone.length));
      assert.ok(holds(them.slice(gone.length)));
      if (gone.length > 0) assert.ok(!holds(them.slice(gone.length - 1)));
    }),
  );
});

test("the disk lacks the larger of what both options ask for", () => {
  const disk = { total: 1000, free: 100 };
  assert.equal(missingSpace({ minFreeBytes: 150, minFreePercent: 12 }, disk), 50);
  assert.equal(missingSpace({ minFreeBytes: 110, minFreePercent: 12 }, disk), 20);
  assert.ok(missingSpace({ minFreeBytes: 100, minFreePercent: null }, disk) <= 0);
  assert.ok(missingSpace({ minFreeBytes: undefined, minFreePercent: undefined }, disk) <= 0);
});

test("to free space, no more of the oldest go than must, and never the newest", () => {
  const some = fc.array(fc.record({ size: fc.nat(50) }), { maxLength: 12 });
  fc.assert(
    fc.property(some, fc.integer({ min: -50, max: 400 }), (sizes, missing) => {
      const them = backups(...sizes);
      const gone = toFree(them, missing);
      const bytesOf = (some: readonly Backup[]) => some.reduce((sum, { size }) => sum + size, 0);
      assert.deepEqual(gone, them.slice(0, gone.length));
      if (gone.length > 0) assert.ok(gone.length < them.length && bytesOf(gone.slice(0, -1)) < missing);
      assert.ok(bytesOf(gone) >= missing || gone.length >= them.length - 1);
    }),
  );
});
