import { inspect } from "node:util";

/*
 * Values as text. Texts and whole numbers look as they do in Python; everything else as it does in JavaScript.
 */

const INSPECTION = { breakLength: Number.POSITIVE_INFINITY, compact: true } as const;

/** What `%s` makes of a value: Python's `str`. */
export function str(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  return hasOwnText(value) ? String(value) : inspect(value, INSPECTION);
}

/** What `%r` makes of a value: Python's `repr`. A text is quoted, and what cannot be seen in it is escaped. */
export function repr(value: unknown): string {
  return typeof value === "string" ? quoted(value) : inspect(value, INSPECTION);
}

/** What `%a` makes of a value: as {@link repr}, with everything but ASCII escaped. */
export function ascii(value: unknown): string {
  return repr(value).replace(/[\u0080-\u{10ffff}]/gu, escaped);
}

/** True for an error, a date, a URL, an object of a class with `toString`; not for plain objects and arrays. */
function hasOwnText(value: object): boolean {
  if (Array.isArray(value)) return false;
  const text: unknown = value.toString;
  return typeof text === "function" && text !== Object.prototype.toString;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  // Python escapes control, format, private and unassigned characters, half surrogate pairs, and all spaces but one.
  const body = text.replace(/[\\'"]|[\p{C}\p{Z}]/gu, (character) => {
    if (character === " " || (character !== quote && (character === "'" || character === '"'))) return character;
    return character === quote ? `\\${quote}` : (ESCAPES[character] ?? escaped(character));
  });
  return quote + body + quote;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  if (code > 0xffff) return `\\U${code.toString(16).padStart(8, "0")}`;
  return code > 0xff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\x${code.toString(16).padStart(2, "0")}`;
}
