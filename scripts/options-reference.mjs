// Writes the tables of docs/reference/options.md from those of the code: npm run build && node scripts/options-reference.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getDefault } from "valibot";

const PAGE = "docs/reference/options.md";
const HEADER = ["option", "upstream", "default", "meaning"];

/** The page with its two tables made anew: options of all handlers, and those of the timed one. */
export function withTables(page, { OPTIONS, TIME_OPTIONS }) {
  const names = Object.keys(OPTIONS);
  const tables = [names.filter((name) => !TIME_OPTIONS.includes(name)), TIME_OPTIONS];
  return page.replace(/^\| option .*\n(\|.*\n)+/gm, () =>
    table(tables.shift().map((name) => cells(name, OPTIONS[name]))),
  );
}

function cells(name, { schema, upstream = "", standard, meaning }) {
  const value = getDefault(schema);
  const words = standard ?? (value === undefined ? "none" : `\`${JSON.stringify(value)}\``);
  return [`\`${name}\``, upstream && `\`${upstream}\``, words, meaning];
}

function table(rows) {
  const widths = HEADER.map((_, i) => Math.max(...[HEADER, ...rows].map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |\n`;
  return [HEADER, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = readFileSync(PAGE, "utf8");
  writeFileSync(PAGE, withTables(page, await import("../build/src/options/option-table.js")));
}
