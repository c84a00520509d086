import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { ConcurrentRotatingFileHandler, logStatus } from "../../../src/index.js";
import { settingsPath } from "../../../src/log-files/hidden-names.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* Deno without --allow-sys tells neither the computer nor the user: settings are left, and read, all the same. */

function deny(): void {
  const denied = () => {
    throw Object.assign(new Error("Requires sys access"), { name: "NotCapable" });
  };
  mock.method(os, "hostname", denied);
  if (process.geteuid !== undefined) mock.method(process as Required<NodeJS.Process>, "geteuid", denied);
  syncBuiltinESMExports();
}

test("settings are left where neither the computer nor the user may be known", async (t) => {
  t.after(() => {
    mock.restoreAll();
    syncBuiltinESMExports();
  });
  const log = join(temporaryDirectory(t), "app.log");
  deny();
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 1000, backupCount: 1 });
  handler.write("record");
  const left = JSON.parse(readFileSync(settingsPath(log), "utf8"));
  handler.close();
  assert.deepEqual([left.writer.pid, left.writer.host, left.settings.maxBytes], [process.pid, "", 1000]);
  assert.equal((await logStatus(log)).settings?.writer?.host, "");
});
