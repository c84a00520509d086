import assert from "node:assert/strict";
import { test } from "node:test";
import { chaos, WORLDS } from "../chaos.js";

/* The long form of crash/chaos. */

const SEED = Number(process.env.CLH_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env.CLH_ROUNDS ?? 10);

for (const world of Object.keys(WORLDS)) {
  test(`${world}: each event ${ROUNDS} times, and each acknowledged record once`, {
    skip: process.platform !== "linux" && "needs devices, FIFOs and unshare",
  }, async (t) => {
    t.diagnostic(`CLH_SEED=${SEED}`);
    const { kills, records, problems } = await chaos(t, world, SEED, ROUNDS);
    t.diagnostic(`${kills} kills, ${records} records`);
    assert.deepEqual(problems, [], `CLH_SEED=${SEED}`);
  });
}
