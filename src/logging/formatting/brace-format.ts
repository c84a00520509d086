import { formatError } from "./format-error.js";
import { formatValue } from "./format-spec.js";
import { ascii, repr, str } from "./python-text.js";

/* Python's `format.format(**values)`. */

/** One field of a format: "{name!r:>8}". */
interface Field {
  /** The first part of its name, and the attributes and items behind it. */
  readonly name: string;
  readonly path: readonly string[];
  readonly conversion: string | undefined;
  readonly spec: BraceFormat;
}

/** A format, taken apart: texts, and fields between them. */
export type BraceFormat = readonly (string | Field)[];

const NAME = /^([^.[]*)((?:\.[^.[]+|\[[^\]]+\])*)$/;
const STEP = /\.([^.[]+)|\[([^\]]+)\]/g;

// logging.StrFormatStyle refuses what is not of these forms.
const STRICT_NAME = /^[\p{L}\p{N}_]+(\.[\p{L}\p{N}_]+|\[[^\]]+\])*$/u;
const STRICT_SPEC = /^(.?[<=>^])?[+ -]?#?0?(\d+|\{\w+\})?[,_]?(\.(\d+|\{\w+\}))?[bcdefgnosx%]?$/isu;

/**
 * Takes a format apart.
 * @throws {LogFileError} `ERR_CLH_FORMAT` with Python's message
 */
export function parseBraceFormat(format: string): BraceFormat {
  return new Parser(format).parts(0);
}

/** As {@link parseBraceFormat}, with the stricter rules of a formatter that validates. */
export function validateBraceFormat(format: string): void {
  const fields: string[] = [];
  try {
    new Parser(format, (name, conversion, spec) => {
      if (name !== "" && !STRICT_NAME.test(name)) throw formatError(`invalid field name/expression: ${repr(name)}`);
      if (name !== "") fields.push(name);
      if (conversion !== undefined && !"rsa".includes(conversion))
        throw formatError(`invalid conversion: ${repr(conversion)}`);
      if (spec !== "" && !STRICT_SPEC.test(spec)) throw formatError(`bad specifier: ${repr(spec)}`);
    }).parts(0);
  } catch (error) {
    throw formatError(`invalid format: ${(error as Error).message}`, error);
  }
  if (fields.length === 0) throw formatError("invalid format: no fields");
}

type Check = (name: string, conversion: string | undefined, spec: string) => void;

class Parser {
  readonly #format: string;
  readonly #check: Check | undefined;
  #at = 0;

  constructor(format: string, check?: Check) {
    this.#format = format;
    this.#check = check;
  }

  /** Up to the end; of a specification, which is at depth 1, up to the brace that ends its field. */
  parts(depth: number): BraceFormat {
    const parts: (string | Field)[] = [];
    let text = "";
    for (; this.#at < this.#format.length; this.#at++) {
      const character = this.#format[this.#at]!;
      const isDoubled = depth === 0 && this.#format[this.#at + 1] === character;
      if (character === "}" && depth > 0) break;
      if (character === "}" && !isDoubled) throw formatError("Single '}' encountered in format string");
      if (character === "{" && !isDoubled) {
        parts.push(text, this.#field(depth));
        text = "";
      } else {
        text += character;
        if (character === "{" || character === "}") this.#at++;
      }
    }
    return [...parts, text].filter((part) => part !== "");
  }

  /** From its opening to its closing brace. */
  #field(depth: number): Field {
    if (depth > 1) throw formatError("Max string recursion exceeded");
    const start = ++this.#at;
    if (start === this.#format.length) throw formatError("Single '{' encountered in format string");
    while (this.#at < this.#format.length && !"!:}".includes(this.#character)) {
      if (this.#character === "{") throw formatError("unexpected '{' in field name");
      if (this.#character === "[") this.#at = this.#until("]");
      this.#at++;
    }
    const name = this.#format.slice(start, this.#at);
    const conversion = this.#character === "!" ? this.#conversion() : undefined;
    let spec: BraceFormat = [];
    const specStart = this.#at + 1;
    if (this.#character === ":") {
      this.#at++;
      spec = this.parts(depth + 1);
    }
    if (this.#character !== "}") throw formatError("expected '}' before end of string");
    this.#check?.(name, conversion, specStart > this.#at ? "" : this.#format.slice(specStart, this.#at));
    return { ...nameOf(name), conversion, spec };
  }

  #conversion(): string {
    const conversion = this.#format[this.#at + 1];
    this.#at += 2;
    if (conversion === undefined || this.#character === "") throw formatError("unmatched '{' in format spec");
    if (this.#character !== ":" && this.#character !== "}")
      throw formatError("expected ':' after conversion specifier");
    return conversion;
  }

  get #character(): string {
    return this.#format[this.#at] ?? "";
  }

  #until(character: string): number {
    const end = this.#format.indexOf(character, this.#at);
    if (end === -1) throw formatError("expected '}' before end of string");
    return end;
  }
}

function nameOf(text: string): { name: string; path: string[] } {
  const match = NAME.exec(text);
  if (match === null) throw formatError(`Only '.' or '[' may follow ']' in format field specifier`);
  return { name: match[1]!, path: [...match[2]!.matchAll(STEP)].map(([, attribute, item]) => attribute ?? item!) };
}

/** The names at the start of all fields, also of those within specifications. */
export function namesIn(format: BraceFormat): string[] {
  return format.flatMap((part) => (typeof part === "string" ? [] : [part.name, ...namesIn(part.spec)]));
}

/**
 * Fills in the values that the names stand for.
 * @param lookUp throws for a name that it does not know
 */
export function formatBraces(format: BraceFormat, lookUp: (name: string) => unknown): string {
  let result = "";
  for (const part of format) result += typeof part === "string" ? part : formatField(part, lookUp);
  return result;
}

function formatField({ name, path, conversion, spec }: Field, lookUp: (name: string) => unknown): string {
  if (/^\d*$/.test(name)) throw formatError(`Replacement index ${name || 0} out of range for positional args tuple`);
  let value = lookUp(name);
  for (const step of path) value = property(value, step);
  if (conversion !== undefined) value = converted(value, conversion);
  return formatValue(value, formatBraces(spec, lookUp));
}

/** Own properties only: a format may come from a file, and must not reach into what objects inherit. */
function property(value: unknown, name: string): unknown {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, name))
    return (value as Record<string, unknown>)[name];
  throw formatError(`There is no ${repr(name)} in ${str(value)}`);
}

function converted(value: unknown, conversion: string): string {
  if (conversion === "s") return str(value);
  if (conversion === "r") return repr(value);
  if (conversion === "a") return ascii(value);
  throw formatError(`Unknown conversion specifier ${conversion}`);
}
