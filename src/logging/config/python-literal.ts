/*
 * Values as Python writes them: `('app.log', 'a', 512*1024, 5)`, `{'use_gzip': True}`. Read, never evaluated. Besides
 * literals there are sums and products of numbers, and the few names that Python's own examples use.
 */

/** What is wrong, and where: characters from the start of the text. */
export class LiteralError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const DEEPEST = 50;

const SPACE = /(?:\s|#[^\n]*|\\\n)*/y;
const NUMBER = /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?/y;
const STRING = /([rRuU]?)('''|"""|'|")/y;
const NAME = /[A-Za-z_][\w.]*/y;
const OPERATOR = /\*\*|\/\/|<<|>>|[-+*/%|^&~]/y;

/** Binary operators, weakest first. */
const OPERATORS: readonly (readonly string[])[] = [
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "//", "%"],
];

/**
 * Reads a value. A tuple is an array, a dict an object without a prototype, None null.
 * @param names those that stand for something
 * @throws {LiteralError}
 */
export function parseLiteral(text: string, names: ReadonlyMap<string, unknown>): unknown {
  return new LiteralParser(text, names).whole();
}

class LiteralParser {
  readonly #text: string;
  readonly #names: ReadonlyMap<string, unknown>;
  #at = 0;
  #depth = 0;

  constructor(text: string, names: ReadonlyMap<string, unknown>) {
    this.#text = text;
    this.#names = names;
  }

  whole(): unknown {
    const value = this.#list("");
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value.isTuple || value.items.length !== 1 ? value.items : value.items[0];
  }

  /** Expressions with commas between, up to `end`. */
  #list(end: string): { items: unknown[]; isTuple: boolean } {
    const items: unknown[] = [];
    let isTuple = false;
    for (;;) {
      this.#skipSpace();
      if (this.#at === this.#text.length || this.#peek === end) return { items, isTuple };
      items.push(this.#expression(0));
      if (!this.#takes(",")) return { items, isTuple };
      isTuple = true;
    }
  }

  #expression(strength: number): unknown {
    const operators = OPERATORS[strength];
    if (operators === undefined) return this.#unary();
    let left = this.#expression(strength + 1);
    for (;;) {
      this.#skipSpace();
      const start = this.#at;
      const operator = this.#match(OPERATOR)?.[0];
      if (operator === undefined || !operators.includes(operator)) {
        this.#at = start;
        return left;
      }
      left = this.#calculated(operator, left, this.#expression(strength + 1), start);
    }
  }

  #unary(): unknown {
    this.#skipSpace();
    const start = this.#at;
    const operator = this.#peek;
    if (operator !== "+" && operator !== "-" && operator !== "~") return this.#power();
    this.#at++;
    const value = this.#nested(() => this.#unary());
    if (typeof value !== "number") throw new LiteralError(`expected a number after ${operator}`, start);
    return operator === "-" ? -value : operator === "~" ? this.#calculated("-", -1, value, start) : value;
  }

  #power(): unknown {
    const base = this.#atom();
    this.#skipSpace();
    if (!this.#text.startsWith("**", this.#at)) return base;
    const start = this.#at;
    this.#at += 2;
    return this.#calculated(
      "**",
      base,
      this.#nested(() => this.#unary()),
      start,
    );
  }

  #calculated(operator: string, left: unknown, right: unknown, offset: number): unknown {
    if (operator === "+" && typeof left === "string" && typeof right === "string") return left + right;
    if (typeof left !== "number" || typeof right !== "number")
      throw new LiteralError(`${operator} is read between numbers only`, offset);
    const result = arithmetic(operator, left, right);
    if (!Number.isFinite(result) || Math.abs(result) > Number.MAX_SAFE_INTEGER)
      throw new LiteralError(`the result of ${operator} is no number, or too large`, offset);
    return result;
  }

  #atom(): unknown {
    const start = this.#at;
    if (this.#peek === "(") return this.#parenthesis();
    if (this.#peek === "[") return this.#nested(() => this.#enclosed("]").items);
    if (this.#peek === "{") return this.#nested(() => this.#dict());
    STRING.lastIndex = this.#at;
    if (STRING.test(this.#text)) return this.#strings();
    const digits = this.#match(NUMBER)?.[0];
    if (digits !== undefined) return this.#number(digits, start);
    const name = this.#match(NAME)?.[0];
    if (name === undefined) throw this.#unexpected();
    if (this.#names.has(name)) return this.#names.get(name);
    throw new LiteralError(`${name} is not known. Values are read, never evaluated: write a literal`, start);
  }

  #parenthesis(): unknown {
    const { items, isTuple } = this.#nested(() => this.#enclosed(")"));
    return isTuple || items.length === 0 ? items : items[0];
  }

  #enclosed(end: string): { items: unknown[]; isTuple: boolean } {
    const start = this.#at++;
    const list = this.#list(end);
    this.#close(end, start);
    return list;
  }

  #dict(): unknown {
    const start = this.#at++;
    const result: Record<string, unknown> = Object.create(null);
    for (;;) {
      this.#skipSpace();
      if (this.#peek === "}") break;
      const keyStart = this.#at;
      const key = this.#expression(0);
      if (typeof key !== "string") throw new LiteralError("expected a text as key", keyStart);
      if (!this.#takes(":")) throw this.#unexpected();
      result[key] = this.#expression(0);
      if (!this.#takes(",")) break;
    }
    this.#close("}", start);
    return result;
  }

  #close(end: string, start: number): void {
    if (this.#takes(end)) return;
    if (this.#at === this.#text.length) throw new LiteralError(`${this.#text[start]} is never closed`, start);
    throw this.#unexpected();
  }

  #nested<T>(body: () => T): T {
    if (++this.#depth > DEEPEST) throw new LiteralError(`nested more than ${DEEPEST} deep`, this.#at);
    const value = body();
    this.#depth--;
    return value;
  }

  /** One text, or several side by side, which are one. */
  #strings(): string {
    let result = "";
    for (;;) {
      const start = this.#at;
      const match = this.#match(STRING);
      if (match === undefined) return result;
      const [, prefix, quote] = match;
      result += this.#string(quote!, prefix!.toLowerCase() === "r", start);
      this.#skipSpace();
    }
  }

  #string(quote: string, isRaw: boolean, start: number): string {
    const contentStart = this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      if (this.#text.startsWith(quote, this.#at)) {
        const content = this.#text.slice(contentStart, this.#at);
        this.#at += quote.length;
        return isRaw ? content : unescaped(content, contentStart);
      }
      if (this.#peek === "\n" && quote.length === 1) break;
      if (this.#peek === "\\") this.#at++;
    }
    throw new LiteralError(`the text that begins with ${quote} is never closed`, start);
  }

  #number(digits: string, start: number): number {
    if (/^0\d/.test(digits)) throw new LiteralError(`write 0o${digits.slice(1)} for an octal number`, start);
    const value = Number(digits.replaceAll("_", ""));
    const isFraction = /^\d*(\.|\d[eE])/.test(digits);
    if (isFraction ? !Number.isFinite(value) : !Number.isSafeInteger(value))
      throw new LiteralError(`${digits.slice(0, 40)} is no number, or too large`, start);
    return value;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  /** Goes on behind a character, if it comes next. */
  #takes(character: string): boolean {
    this.#skipSpace();
    if (this.#peek !== character) return false;
    this.#at++;
    return true;
  }

  get #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #unexpected(): LiteralError {
    const found = this.#at === this.#text.length ? "it ends" : `there is ${JSON.stringify(this.#peek)}`;
    return new LiteralError(`${found} where a literal does not go on. Values are read, never evaluated`, this.#at);
  }
}

function arithmetic(operator: string, left: number, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  if (operator === "/") return left / right;
  if (operator === "//") return Math.floor(left / right);
  if (operator === "%") return left - right * Math.floor(left / right);
  if (operator === "**") return left ** right;
  // The rest is for whole numbers.
  if (!Number.isSafeInteger(left) || !Number.isSafeInteger(right)) return Number.NaN;
  if (operator === "<<") return right < 0 || right > 52 ? Number.NaN : left * 2 ** right;
  if (operator === ">>") return right < 0 ? Number.NaN : Math.floor(left / 2 ** right);
  const [a, b] = [BigInt(left), BigInt(right)];
  return Number(operator === "|" ? a | b : operator === "&" ? a & b : a ^ b);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(.))/gs;

function unescaped(content: string, start: number): string {
  return content.replace(ESCAPE, (whole, x, u, U, octal, other, offset: number) => {
    const hex: string | undefined = x ?? u ?? U;
    const code =
      hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : undefined;
    if ("xuUN".includes(other))
      throw new LiteralError(`${whole} is not read here: write the character`, start + offset);
    if (code === undefined) return ESCAPES[other as string] ?? whole; // as Python, which keeps what it does not know
    if (code > 0x10ffff) throw new LiteralError(`${whole} is no character`, start + offset);
    return String.fromCodePoint(code);
  });
}
