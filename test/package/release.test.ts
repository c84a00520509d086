import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/package.js";
import { temporaryDirectory } from "../support/temporary.js";

const BEFORE =
  "# Changelog\n\n## 2.0.0 (unreleased)\n\n### Added\n\n- one\n\n### Fixed\n\n- two\n\n## 1.0.0\n\n- old\n";

test("fragments are joined by their kinds under the version, once, and one of no kind is refused", (t) => {
  const folder = temporaryDirectory(t);
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const join_ = () =>
    spawnSync(process.execPath, [join(ROOT, "scripts/changes.mjs")], { cwd: folder, encoding: "utf8" });
  const changelog = () => readFileSync(join(folder, "CHANGELOG.md"), "utf8");
  mkdirSync(join(folder, "changes"));
  write("changes/README.md", "how");
  write("package.json", '{ "version": "2.0.0" }');
  write("CHANGELOG.md", BEFORE);
  write("changes/b.changed.md", "three\nfour\n");
  write("changes/a.added.md", "five\n");
  write("changes/a.md", "lost\n");
  assert.match(join_().stderr, /Cannot join changes.a\.md: its name is to end in/);
  assert.equal(changelog(), BEFORE);
  write("changes/a.md", "");
  spawnSync("rm", [join(folder, "changes/a.md")]);
  assert.equal(join_().status, 0);
  const after =
    "# Changelog\n\n## 2.0.0 (unreleased)\n\n### Added\n\n- one\n- five\n\n### Changed\n\n- three\n  four\n\n### Fixed\n\n- two\n\n## 1.0.0\n\n- old\n";
  assert.equal(changelog(), after);
  assert.deepEqual(readdirSync(join(folder, "changes")), ["README.md"]);
  assert.equal(join_().status, 0);
  assert.equal(changelog(), after);
  write("package.json", '{ "version": "3.0.0" }');
  write("changes/c.fixed.md", "six");
  assert.equal(join_().status, 0);
  assert.equal(changelog(), after.replace("## 2.0.0", "## 3.0.0 (unreleased)\n\n### Fixed\n\n- six\n\n## 2.0.0"));
});
