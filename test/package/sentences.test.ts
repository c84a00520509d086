import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../support/temporary.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function check(...pages: string[]) {
  const args = ["scripts/sentences.mjs", ...pages];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { status, found: [...stderr.matchAll(/:(\d+): (\d+) words/g)].map(([, line, words]) => [line, words].join()) };
}

const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");

test("a sentence of 31 words is found in a paragraph, over two lines, and in a list; code and tables are not read", (t) => {
  const page = join(temporaryDirectory(t), "page.md");
  const lines = [
    `# ${words(30)}`,
    "",
    `Short. ${words(31)}. Short.`,
    "",
    `${words(20)}`,
    `${words(11)}`,
    "",
    `- ${words(29)} \`a b c\``,
    `- ${words(28)} [a b c](d.md)`,
    `  - ${words(30)} \`a b c\``,
    "",
    "```js",
    words(40),
    "```",
    "",
    `| ${words(40)} |`,
    "",
    `${words(30)}! ${words(30)}?`,
  ];
  writeFileSync(page, lines.join("\n"));
  assert.deepEqual(check(page), { status: 1, found: ["3,31", "5,31", "9,31", "10,31"] });
});

test("no page has one", () => assert.deepEqual(check(), { status: 0, found: [] }));
