import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { followLog, readLog } from "../../src/index.js";
import { LEVEL_WORDS, nameOfRank, rankOf, rankOfName } from "../../src/reading/fields/levels.js";
import { parseRecordFormat } from "../../src/reading/fields/record-format.js";
import { parseWhere } from "../../src/reading/fields/where.js";

const page = (name: string) => readFileSync(fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url)), "utf8");
const cells = (row: string) => row.split(/(?<!\\)\|/).map((cell) => cell.trim());

/** The rows of the table whose head begins with a word. */
function rowsOf(text: string, head: string): string[][] {
  const [, table] = new RegExp(`^\\| ${head}\\b.*\\n\\|[-| ]+\\n((?:\\|.*\\n)+)`, "m").exec(text)!;
  return table!
    .trimEnd()
    .split("\n")
    .map((row) => cells(row).slice(1, -1));
}

const search = page("how-to/search.md");

test("the table of levels has all names and numbers of the code", () => {
  const rows = rowsOf(search, "level");
  const named = rows.flatMap(([level, others, pino, python]) => {
    const name = level!.replaceAll("`", "");
    const words = [name, ...others!.split(", ").filter(Boolean)];
    for (const word of words) assert.equal(rankOfName(word), Number(pino), word);
    assert.equal(nameOfRank(Number(pino)), name);
    if (python !== "") assert.equal(rankOf({ levelno: Number(python) }), Number(pino), name);
    return words;
  });
  assert.deepEqual(named.sort(), LEVEL_WORDS.split("|").sort());
});

test("the conditions and formats of the page can be read", () => {
  const conditions = rowsOf(search, "write")
    .slice(0, -1)
    .flatMap(([given]) => given!.match(/`[^`]+`/g)!);
  assert.ok(conditions.length >= 9);
  for (const condition of conditions) parseWhere(condition.slice(1, -1).replaceAll("\\|", "|"));
  const formats = rowsOf(search, "format").flatMap(([given, text]) =>
    /^`[a-z]/.test(given!) ? given!.match(/`\w+`/g)! : text!.match(/`[^`]+`/g)!,
  );
  assert.ok(formats.length >= 11);
  for (const format of formats) parseRecordFormat(format.slice(1, -1));
});

test("the options of the page are those of the code, and no other", async () => {
  const documented = [
    ...page("reference/reading.md")
      .split("## ")[0]!
      .matchAll(/^- ((?:`\w+`(?:, )?)+):/gm),
  ]
    .flatMap(([, names]) => names!.match(/\w+/g)!)
    .sort();
  const known: string[] = [];
  for (const reader of [readLog, followLog]) {
    await assert.rejects(reader("app.log", { qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq: 1 } as object).next(), ({ message }) => {
      known.push(...message.replace(/^.*The options are: |\.$/g, "").split(", "));
      return true;
    });
  }
  assert.deepEqual(documented, [...new Set(known)].sort());
});
