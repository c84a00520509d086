import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await Clh.run(["completion", shell]);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

const isInstalled = (shell: string) => spawnSync(shell, ["-c", "exit"]).status === 0;

describe("completes in bash", { skip: !isInstalled("bash") && "bash is not installed" }, () => {
  for (const [words, expected] of [
    [["re"], ["read"]],
    [["s"], ["status", "sweep", "stress"]],
    [["read", "--s"], ["--since"]],
    [
      ["read", "app.log", "--format", ""],
      ["text", "json"],
    ],
    [["stress", "--writers", "c"], ["cluster"]],
    [
      ["write", "app.log", "--compression", ""],
      ["gzip", "brotli", "zstd"],
    ],
    [["rotate", "--sync", "d"], ["data"]],
    [["sweep", "--on-lock-timeout", "s"], ["spill"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["read", "app"], []], // files, which bash itself completes then
  ] as const) {
    test(words.join(" "), async (t) => {
      const file = join(temporaryDirectory(t), "completion");
      writeFileSync(file, await script("bash"));
      const call = `source "$1"; shift; COMP_WORDS=(clh "$@"); COMP_CWORD=$#; _clh; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const found = execFileSync("bash", ["-c", call, "bash", file, ...words], { encoding: "utf8" });
      assert.deepEqual(found.split("\n").filter(Boolean), expected);
    });
  }
});

for (const [shell, check] of [
  ["zsh", "-n"],
  ["fish", "--no-execute"],
] as const) {
  test(`is a script of ${shell}`, { skip: !isInstalled(shell) && `${shell} is not installed` }, async (t) => {
    const file = join(temporaryDirectory(t), "completion");
    writeFileSync(file, await script(shell));
    const { status, stderr } = spawnSync(shell, [check, file], { encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

test("another shell is refused", async () => {
  const { code, stderr } = await Clh.run(["completion", "tcsh"]);
  assert.equal(code, 2);
  assert.match(stderr, /^clh: .*'tcsh' is invalid.*bash, zsh, fish\.\n$/);
});
