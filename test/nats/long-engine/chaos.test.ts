import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chaos } from "../../support/nats-chaos.js";
import { needsNats } from "../../support/nats-server.js";

const SECONDS = Number(process.env.CLH_ENGINE_SECONDS ?? 600);

const WORLDS = {
  '"spilled", servers killed one by one and all at once': { acknowledge: "spilled", share: 0.4 },
  '"stored", the same': { acknowledge: "stored", share: 0.3 },
  '"written", all servers killed at once, with their stores': { acknowledge: "written", isWiped: true, share: 0.3 },
} as const;

describe(`random kills for ${SECONDS} s`, needsNats, () => {
  for (const [name, { share, ...world }] of Object.entries(WORLDS))
    test(name, async (t) => {
      const { problems, ...counts } = await chaos(t, { ...world, seconds: SECONDS * share });
      t.diagnostic(JSON.stringify(counts));
      assert.deepEqual(problems.slice(0, 20), []);
      assert.ok(counts.acknowledged > 0);
    });
});
