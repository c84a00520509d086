import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chaos } from "../support/nats-chaos.js";
import { needsNats } from "../support/nats-server.js";

describe("random kills of writers, collectors and three servers", needsNats, () => {
  test("leave each acknowledged record in the log once, in its order and whole", async (t) => {
    const { problems, found, acknowledged, kills } = await chaos(t, { seconds: 20, acknowledge: "spilled" });
    t.diagnostic(JSON.stringify({ found, acknowledged, kills }));
    assert.deepEqual(problems, []);
    assert.ok(acknowledged > 0 && kills.writers > 0 && kills.collectors > 0 && kills.servers + kills.all > 0);
  });
});
