import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { userFolder } from "../support/hosts.js";
import { pm2Faults } from "./pm2.js";

test("log4js under PM2, reloaded while it logs", async (t) => {
  const folder = userFolder(t as TestContext);
  assert.deepEqual(await pm2Faults(t as TestContext, folder, { host: "log4js", records: 5000 }), []);
});
