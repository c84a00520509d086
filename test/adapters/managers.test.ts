import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { HOSTS, userFolder } from "../support/hosts.js";
import { faults, MANAGERS } from "./managed.js";

/* 4 x 5,000 records through every host, under one manager each; in long-hosts 4 x 20,000, under all of them. */

const records = 5000;

let folder: string;
before((t) => {
  folder = userFolder(t as TestContext);
});

for (const [i, host] of HOSTS.entries()) {
  if (host === "pipeline") continue; // a writer has a logger
  const manager = MANAGERS[i % MANAGERS.length]!;
  test(`${host}: ${manager}`, async (t) => assert.deepEqual(await faults(t, folder, { manager, host, records }), []));
}

test("what winston's own file transport loses is found out", async (t) => {
  const found = await faults(t, folder, { manager: "fork", host: "winston's own file", records });
  assert.match(found.join(), /w\d: record/);
});
