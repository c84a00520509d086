/* The table of results in docs/concepts/locking.md, between two marks. */

const TABLE = /(<!-- test:shares -->\n\n)((?:\|.*\n)+)(\n<!-- \/test:shares -->)/;
const CELLS_OF_NAME = 2;

/** The page with these rows, in place of those that have the same first two cells, or behind all. */
export function withRows(page: string, rows: readonly string[][]): string {
  if (!TABLE.test(page)) throw new Error("the page has no table between the marks of test:shares");
  return page.replace(TABLE, (_, begin: string, table: string, end: string) => {
    const [header, , ...old] = table.trim().split("\n").map(cellsOf);
    const byName = new Map([...old, ...rows].map((row) => [`${row.slice(0, CELLS_OF_NAME)}`, row]));
    return `${begin}${textOf([header!, ...byName.values()])}${end}`;
  });
}

function cellsOf(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function textOf([header, ...rows]: readonly string[][]): string {
  const widths = header!.map((_, i) => Math.max(...[header!, ...rows].map((row) => row[i]!.length)));
  const dashes = widths.map((width) => "-".repeat(width));
  return [header!, dashes, ...rows]
    .map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |\n`)
    .join("");
}
