import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { userFolder } from "../support/hosts.js";
import { pm2Faults } from "./pm2.js";

let folder: string;
before((t) => {
  folder = userFolder(t as TestContext);
});

test("log4js under PM2, reloaded while it logs", async (t) => {
  assert.deepEqual(await pm2Faults(t, folder, { host: "log4js", records: 5000 }), []);
});

test("the same with a queue, and an exit that waits for nothing", async (t) => {
  const service = { host: "log4js", records: 5000, delivery: "background", hasty: true } as const;
  assert.deepEqual(await pm2Faults(t, folder, service), []);
});
