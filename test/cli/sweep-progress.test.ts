import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SweepProgress } from "../../src/cli/terminal/sweep-progress.js";
import { unfinishedPath } from "../../src/log-files/hidden-names.js";
import { pendingPath } from "../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { temporaryDirectory } from "../support/temporary.js";

test("how far a sweep is, its files show", (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const pathOf = (sequence: number) => pendingPath(log, { sequence, place: "0", unique: "0123abcd", extension: "" });
  const unfinished = (sequence: number) => unfinishedPath(log, sequence, "0123abcd");
  for (const sequence of [1, 2, 3]) writeFileSync(pathOf(sequence), "x".repeat(sequence * 1000));
  const progress = new SweepProgress(systemEnvironment().fs, log);
  assert.equal(progress.total, 6000);
  assert.deepEqual(progress.look(), { done: 0, note: "" });
  writeFileSync(unfinished(1), "");
  assert.deepEqual(progress.look(), { done: 0, note: `${unfinished(1)}: 0 bytes` });
  writeFileSync(unfinished(2), "x".repeat(1500));
  assert.deepEqual(progress.look(), { done: 1000, note: `${unfinished(2)}: 1.5 KiB` });
  for (const sequence of [1, 2]) {
    rmSync(unfinished(sequence));
    rmSync(pathOf(sequence));
  }
  writeFileSync(pathOf(4), "rotated meanwhile");
  assert.deepEqual(progress.look(), { done: 3000, note: "" });
});
