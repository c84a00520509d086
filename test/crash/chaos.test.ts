import assert from "node:assert/strict";
import { test } from "node:test";
import { chaos, WORLDS } from "./chaos.js";

const SEED = Number(process.env.CLH_SEED ?? 17);

for (const world of Object.keys(WORLDS)) {
  test(`${world}: each event once, and each acknowledged record once`, {
    skip: process.platform !== "linux" && "needs devices, FIFOs and unshare",
  }, async (t) => {
    const left =
      process.getuid?.() === 0 ? "" : ", without what needs root: files of another user, devices, pid namespaces";
    t.diagnostic(`CLH_SEED=${SEED}${left}`);
    const { kills, records, problems } = await chaos(t, world, SEED, 1);
    t.diagnostic(`${kills} kills, ${records} records`);
    assert.deepEqual(problems, [], `CLH_SEED=${SEED}`);
  });
}

test("handlers that believe another user's spill are found out", {
  skip: process.getuid?.() !== 0 && "needs root, to give files away",
}, async (t) => {
  const { problems } = await chaos(t, "by size, plain", SEED, 1, "takes what others own for its own");
  assert.ok(problems.includes("forged has written nothing, and is in the log"), problems.join("\n"));
});
