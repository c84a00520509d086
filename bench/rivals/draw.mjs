import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { page, picture } from "./page.mjs";

/** Writes page and picture from the figures that a run has left there. Also by hand: node draw.mjs DIRECTORY */
export function draw(directory) {
  const { facts, results } = JSON.parse(readFileSync(join(directory, "rivals.json"), "utf8"));
  writeFileSync(join(directory, "rivals.svg"), picture(results));
  writeFileSync(join(directory, "rivals.html"), page(facts, results));
}

if (process.argv[1] === import.meta.filename) draw(process.argv[2]);
