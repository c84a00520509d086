import assert from "node:assert/strict";
import { test } from "node:test";
import { randomKills } from "./random-kills.js";

const SECONDS = 4;

test("8 writers, one of them killed every 50 ms: every acknowledged record once, in order", async (t) => {
  const { kills, records, torn, problems } = await randomKills(t, SECONDS);
  t.diagnostic(`${kills} kills, ${records} records, ${torn} torn`);
  assert.deepEqual(problems, []);
});
