import { formatError } from "./format-error.js";
import { str } from "./python-text.js";

/* Python's `string.Template`. */

/** A format, taken apart: texts, and names between them. */
export type DollarFormat = readonly (string | { readonly name: string })[];

const PLACEHOLDER = /\$(?:(\$)|([_a-z][_a-z0-9]*)|\{([_a-z][_a-z0-9]*)\})?/gi;

/**
 * Takes a format apart.
 * @throws {LogFileError} `ERR_CLH_FORMAT` with Python's message
 */
export function parseDollarFormat(format: string): DollarFormat {
  const parts: (string | { name: string })[] = [];
  let at = 0;
  for (const match of format.matchAll(PLACEHOLDER)) {
    const [whole, dollar, plain, braced] = match;
    if (whole === "$") throw invalid(format, match.index);
    const name = plain ?? braced;
    parts.push(format.slice(at, match.index), name === undefined ? dollar! : { name });
    at = match.index + whole.length;
  }
  return [...parts, format.slice(at)].filter((part) => part !== "");
}

function invalid(format: string, index: number): Error {
  const lines = format.slice(0, index).split(/\r\n|[\n\r]/);
  return formatError(`Invalid placeholder in string: line ${lines.length}, col ${lines.at(-1)!.length + 1}`);
}

/** As {@link parseDollarFormat}, with the stricter rules of a formatter that validates. */
export function validateDollarFormat(format: string): void {
  const matches = [...format.matchAll(PLACEHOLDER)];
  if (matches.some(([whole]) => whole === "$")) throw formatError("invalid format: bare '$' not allowed");
  if (matches.every(([whole]) => whole === "$$")) throw formatError("invalid format: no fields");
}

/**
 * Fills in the values that the names stand for.
 * @param lookUp throws for a name that it does not know
 */
export function formatDollars(format: DollarFormat, lookUp: (name: string) => unknown): string {
  let result = "";
  for (const part of format) result += typeof part === "string" ? part : str(lookUp(part.name));
  return result;
}
