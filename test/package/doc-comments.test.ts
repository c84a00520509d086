import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function check(...sources: string[]) {
  const args = ["scripts/doc-comments.mjs", ...sources];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { status, missing: stderr.split("\n").slice(1, -1) };
}

test("what has no doc comment is found, also in a class, in a type without a name, and beside what is internal", () => {
  const file = "test/fixtures/undocumented.ts";
  assert.deepEqual(check(file), {
    status: 1,
    missing: ["Documented.bare", "Documented.parts.bare", "Documented.bareToo", "Bare"].map(
      (name) => `  ${file}: ${name}`,
    ),
  });
});

test("all that users of the package can name has one", () => assert.deepEqual(check(), { status: 0, missing: [] }));
