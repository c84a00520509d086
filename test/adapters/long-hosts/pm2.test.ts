import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { HOSTS, userFolder } from "../../support/hosts.js";
import { pm2Faults } from "../pm2.js";

/* Every host in four instances under PM2, which is reloaded while they log, and the queues in some. */

let folder: string;
before((t) => {
  folder = userFolder(t as TestContext);
});

for (const host of HOSTS) {
  if (host === "pipeline") continue; // a writer has a logger
  test(host, async (t) => assert.deepEqual(await pm2Faults(t, folder, { host, records: 20_000 }), []));
}

for (const delivery of ["batched", "background"] as const) {
  for (const host of ["log4js", "console"] as const) {
    const service = { host, records: 20_000, delivery, hasty: true };
    test(`${host}, ${delivery}, and an exit that waits for nothing`, async (t) =>
      assert.deepEqual(await pm2Faults(t, folder, service), []));
  }
}
