/*
 * What a terminal is given of texts that others have written: names of processes and files, settings, records. Control
 * characters in them would command the terminal, and line feeds would forge lines of ours.
 */

// Control characters of ISO 6429, ends of lines of Unicode, and what turns the direction of text.
const COMMANDS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const HARMLESS_IN_RECORDS = String.raw`\x1b\[[\d;:]*m|[\n\t]`; // colours, lines and tabs
const IN_RECORDS = new RegExp(`(${HARMLESS_IN_RECORDS})|${COMMANDS.source}`, "gu");
const NAMES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text in one line, with escapes for what is not to be shown: "\x1b[31m" -> "\\x1b[31m". */
export function printable(text: string): string {
  return text.replace(COMMANDS, (character) => NAMES[character] ?? escapeOf(character));
}

/** The same of a record, which may have lines, tabs and colours. */
export function printableRecord(text: string): string {
  return text.replace(IN_RECORDS, (found, harmless?: string) => harmless ?? printable(found));
}

/** A value as a line of JSON that is the same value, and safe to show. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(COMMANDS, (character) => `\\u${hex(character, 4)}`)}\n`;
}

/** The same of a text that is JSON, in one line. */
export function jsonText(text: string): string {
  // Between its values, blanks may be any of these, which would not be escapes there.
  if (/[\r\t]/.test(text)) return jsonLine(JSON.parse(text));
  return `${text.replace(COMMANDS, (character) => `\\u${hex(character, 4)}`)}\n`;
}

/** Says on standard error what went wrong. */
export function complain(message: string): void {
  process.stderr.write(`clh: ${printable(message)}\n`);
}

function escapeOf(character: string): string {
  return character <= "\xff" ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, "0");
}
