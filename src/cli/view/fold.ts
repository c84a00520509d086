import stringWidth from "string-width";
import { printable } from "../terminal/printable.js";

const TAB = 8;
const SEGMENTS = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The rows that a text takes on a screen of so many columns; escapes in it are shown as escapes. */
export function rowsOf(text: string, columns: number): string[] {
  return text.split(/\r?\n/).flatMap((line) => fold(line.split("\t").map(printable), columns));
}

/** Breaks printable texts, with a tab between each two, into rows. */
function fold(cells: readonly string[], columns: number): string[] {
  if (cells.length === 1 && /^[ -~]*$/.test(cells[0]!)) return chunks(cells[0]!, columns);
  const rows: string[] = [];
  let row = "";
  let width = 0;
  const add = (part: string, partWidth: number) => {
    if (width + partWidth > columns && width > 0) {
      rows.push(row);
      row = "";
      width = 0;
    }
    row += part;
    width += partWidth;
  };
  for (const [i, cell] of cells.entries()) {
    if (i > 0) {
      const blanks = Math.min(TAB - (width % TAB), columns);
      add(" ".repeat(blanks), blanks);
    }
    for (const { segment } of SEGMENTS.segment(cell)) add(segment, stringWidth(segment));
  }
  rows.push(row);
  return rows;
}

function chunks(text: string, columns: number): string[] {
  const rows = [text.slice(0, columns)];
  for (let at = columns; at < text.length; at += columns) rows.push(text.slice(at, at + columns));
  return rows;
}

/** The beginning of a text that fits into so many columns. */
export function cut(text: string, columns: number): string {
  return columns <= 0 ? "" : fold([printable(text)], columns)[0]!;
}
