import type { Command, Help } from "commander";

/* How texts of the command fit on a terminal: sizes, plurals, and lines of whole words. */

const UNITS = ["KiB", "MiB", "GiB", "TiB"];
const NARROW = 40;
const INDENT = 6;

/** 1234567 -> "1,234,567" */
export function group(value: number): string {
  return value.toLocaleString("en");
}

/** "1 file", "1,234 files" */
export function counted(count: number, what: string): string {
  return `${group(count)} ${what}${count === 1 ? "" : "s"}`;
}

/** 13002342 -> "12.4 MiB" */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return counted(bytes, "byte");
  let value = bytes;
  let unit = -1;
  // A size that rounds to 1,024 of one unit is 1 of the next.
  for (; value >= 1023.95 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${value.toLocaleString("en", { maximumFractionDigits: 1 })} ${UNITS[unit]}`;
}

/** "[=====     ] 50%" */
export function fillBar(part: number, whole: number, width = 10): string {
  const filled = Math.min(1, part / whole);
  const bar = "=".repeat(Math.floor(filled * width)).padEnd(width);
  return `[${bar}] ${Math.floor(filled * 100)}%`;
}

/** Columns of a terminal; elsewhere lines are as long as they are. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.isTTY && stream.columns > 0 ? stream.columns : Number.POSITIVE_INFINITY;
}

/** Lines of whole words; a word that is longer than a line has one of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** The last part of a path or a text that is too long for a line. */
export function endOf(text: string, width: number): string {
  if (text.length <= width) return text;
  return width < 2 ? "" : `…${text.slice(text.length - width + 1)}`;
}

/** Help that breaks no word on a narrow terminal: there a description stands below its flag. */
export function fitHelp(command: Command): void {
  command.configureHelp({
    minWidthToWrap: 1,
    formatItem(this: Help, term, termWidth, description, helper) {
      const width = this.helpWidth ?? 80;
      const isNarrow = width - termWidth < NARROW;
      const indent = isNarrow ? INDENT : termWidth + 4;
      const lines = wrap(description, Math.max(1, width - indent));
      const first = isNarrow ? `  ${helper.styleTitle(term)}\n` : `  ${term.padEnd(termWidth)}  `;
      if (description === "") return first.trimEnd();
      const rest = lines.join(`\n${" ".repeat(indent)}`);
      return first + (isNarrow ? " ".repeat(indent) : "") + rest;
    },
  });
}

/** The same of texts below the help: each line of prose in lines of whole words; examples as they are. */
export function fitText(text: string, width: number): string {
  return text
    .split("\n")
    .flatMap((line) => (line.startsWith("  ") ? line : wrap(line, width)))
    .join("\n");
}
