import assert from "node:assert/strict";
import { before, describe, type TestContext, test } from "node:test";
import { HOSTS, userFolder } from "../../support/hosts.js";
import { faults, MANAGERS } from "../managed.js";

/* 4 x 20,000 records through every host under every manager. */

let folder: string;
before((t) => {
  folder = userFolder(t as TestContext);
});

for (const manager of MANAGERS) {
  describe(manager, () => {
    for (const host of HOSTS) {
      if (host === "pipeline") continue; // a writer has a logger
      test(host, async (t) => assert.deepEqual(await faults(t, folder, { manager, host, records: 20_000 }), []));
    }
  });
}
