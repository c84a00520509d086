import assert from "node:assert/strict";
import { test } from "node:test";
import type { When } from "../../../src/options/options.js";
import { CALENDAR_WHENS, parseDuration, parseSize, parseWhen, WHENS } from "../../../src/options/parsers.js";

test("sizes", () => {
  assert.equal(parseSize(0), 0);
  assert.equal(parseSize("512"), 512);
  assert.equal(parseSize("512k"), 512 * 1024);
  assert.equal(parseSize("10MiB"), 10 * 1024 ** 2);
  assert.equal(parseSize("10 MB"), 10 * 1024 ** 2);
  assert.equal(parseSize("1.5g"), 1.5 * 1024 ** 3);
  assert.equal(parseSize("2TiB"), 2 * 1024 ** 4);
});

test("durations", () => {
  assert.equal(parseDuration(250), 250);
  assert.equal(parseDuration("500ms"), 500);
  assert.equal(parseDuration("10s"), 10_000);
  assert.equal(parseDuration("14d"), 14 * 86_400_000);
});

test("anything else is refused", () => {
  for (const value of [
    -1,
    1.5,
    Number.NaN,
    Infinity,
    2 ** 60,
    "",
    "ten",
    "10 apples",
    "-1k",
    "1e3",
    "0.3b",
    null,
    {},
    [],
    true,
  ]) {
    assert.equal(parseSize(value), undefined, String(value));
    assert.equal(parseDuration(value), undefined, String(value));
  }
});

test("a period may be spelt in upper and lower case, and is offered in one spelling", () => {
  for (const [value, period] of [
    ["midnight", "MIDNIGHT"],
    ["Midnight", "MIDNIGHT"],
    ["w0", "W0"],
    ["s", "S"],
    ["", undefined],
    ["weekly", "WEEKLY"],
    ["yearly", undefined],
    ["W7", undefined],
    [5, undefined],
  ] as const) {
    assert.equal(parseWhen(value), period);
  }
  // For the compiler: the union that editors offer is open, and each that it offers is taken.
  const offered: readonly When[] = ["S", "M", "H", "D", "midnight", "W0", "W1", "W2", "W3", "W4", "W5", "W6"];
  assert.deepEqual(offered.map(parseWhen), WHENS);
  const calendar: readonly When[] = ["hourly", "daily", "weekly", "monthly"];
  assert.deepEqual(calendar.map(parseWhen), CALENDAR_WHENS);
});
