import assert from "node:assert/strict";
import { test } from "node:test";
import { stuckHolder } from "./stuck-holder.js";

// The long form (npm run test:crash) stops it for longer, and asks for 300 ms: here many tests share the machine.
const STOPPED = 1500;
// With `lockTimeout` 200, whoever waits for each record gives eight of them up meanwhile.
const MANY = 20;

test("a writer that is stopped with the lock held: the others spill, no record is lost or doubled, all in order", async (t) => {
  const { said, problems } = await stuckHolder(t, STOPPED);
  t.diagnostic(JSON.stringify(said));
  assert.deepEqual(problems, []);
  for (const { refused, dropped } of said) assert.ok(refused > MANY && dropped === 0);
});
