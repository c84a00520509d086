import { stripVTControlCharacters } from "node:util";
import type { LogRecord } from "../../reading/records/block.js";
import { colours } from "../terminal/colours.js";

const LONGEST_SHOWN = 64 * 1024;

const { red, yellow } = colours(process.stdout);

/** As much of a record as is shown: one of a gigabyte would take all of the screen for days. */
export function textOf(record: LogRecord): string {
  const more = record.bytes.length - LONGEST_SHOWN;
  return more <= 0 ? record.text : `${record.head} … [cut here; clh read shows all of it]`;
}

export function paintOf(level: string | undefined): (text: string) => string {
  if (level !== undefined && /^(?:error|critical|alert|emergency|fatal)$/.test(level)) return red;
  return level === "warning" ? yellow : (text) => text;
}

export function inverse(text: string): string {
  return `\x1b[7m${stripVTControlCharacters(text)}\x1b[27m`;
}

export function blank(count: number): string[] {
  return Array.from({ length: Math.max(0, count) }, () => "~");
}
