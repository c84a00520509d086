import assert from "node:assert/strict";
import { test } from "node:test";
import { stuckHolder } from "../stuck-holder.js";

const TIMES = 5;

for (let i = 1; i <= TIMES; i++) {
  test(`a lock holder that is stopped for 3 s, lockTimeout 200 ms: no write takes 300 ms (${i} of ${TIMES})`, async (t) => {
    const { said, problems } = await stuckHolder(t, 3000);
    t.diagnostic(JSON.stringify(said));
    assert.deepEqual(problems, []);
    for (const { refused, slowest, dropped } of said) assert.ok(refused > 0 && slowest < 300 && dropped === 0);
  });
}
