import { readFileSync } from "node:fs";

/** The rows of one file of Python's answers. */
export function oracle<Row>(name: string): Row[] {
  const file = new URL(`../../../test/fixtures/oracles/${name}.jsonl`, import.meta.url);
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}
