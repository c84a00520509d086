import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration, parseSize } from "../../../src/options/parsers.js";

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
