import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

const page = readFileSync(fileURLToPath(new URL("../../../docs/how-to/monitoring.md", import.meta.url)), "utf8");

test("the counts of the page are those of stats()", (t) => {
  const handler = new ConcurrentRotatingFileHandler(join(temporaryDirectory(t), "app.log"));
  const documented = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
  assert.deepEqual(documented.sort(), Object.keys(handler.stats()).sort());
});

test("the alerts are of metrics that status prints", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  using handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 100, backupCount: 1 });
  handler.write("a record");
  writeFileSync(`${log}.1`, "");
  const { stdout } = await Clh.run(["status", log, "--format", "openmetrics"]);
  const source = fileURLToPath(new URL("../../../src/cli/terminal/open-metrics.ts", import.meta.url));
  const known = readFileSync(source, "utf8");
  const named = [...page.matchAll(/\bclh_\w+/g)].map(([name]) => name);
  assert.ok(named.length > 5);
  for (const name of named) assert.ok(known.includes(`"${name}"`), name);
  assert.match(stdout, /^clh_problems\{/m);
});
