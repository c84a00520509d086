import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Read by the parser of Prometheus itself, where Python has it. */

const PARSE = `
import sys, json
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps({s.name: [f.type, f.unit, s.labels, s.value] for f in parse(sys.stdin.read()) for s in f.samples}))
`;
const parse = (input: string) => spawnSync("python3", ["-c", PARSE], { input, encoding: "utf8" });
const skip = parse("# EOF\n").status !== 0 && "prometheus_client is not there (python3-prometheus-client in Debian)";

test("status --format openmetrics is what a parser takes", { skip }, async (t) => {
  const log = join(temporaryDirectory(t), 'with "quotes" and \\.log');
  writeFileSync(log, "12345\n");
  for (const n of [1, 2]) writeFileSync(`${log}.${n}`, "123\n");
  const { code, stdout, stderr } = await Clh.run(["status", log, "--format", "openmetrics"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const parsed = parse(stdout);
  assert.equal(parsed.status, 0, parsed.stderr);
  const found = JSON.parse(parsed.stdout);
  assert.deepEqual(found.clh_active_size_bytes, ["gauge", "bytes", { log }, 6]);
  assert.deepEqual(found.clh_backups, ["gauge", "", { log }, 2]);
  assert.deepEqual(found.clh_backups_size_bytes, ["gauge", "bytes", { log }, 8]);
  assert.equal("clh_next_rotation_timestamp_seconds" in found, false, "what is not known is left out");
  // A double without its end, or with a text for a value, is refused.
  for (const wrong of [stdout.replace("# EOF\n", ""), stdout.replace(/ 6$/m, " six")])
    assert.notEqual(parse(wrong).status, 0);
});
