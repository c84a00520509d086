import {
  both,
  type Condition,
  compare,
  either,
  isTrue,
  Literal,
  matches,
  not,
  type Operand,
  type Operator,
} from "./condition.js";
import { FieldPath, stepAt, unquoted } from "./field-path.js";

/** How deep parentheses and `!` may go: an expression may come from others, and the stack has an end. */
const DEEPEST = 100;
const LONGEST = 10_000;

/**
 * Reads a condition such as `status >= 500 && path ~ "/api" || !user.id`.
 * @throws {Error} that names the column
 */
export function parseWhere(text: string): Condition {
  return new Parser(text).parse();
}

type Token =
  | { readonly kind: "operand"; readonly operand: Operand }
  | { readonly kind: "pattern"; readonly pattern: RegExp }
  | { readonly kind: "sign"; readonly sign: string }
  | { readonly kind: "end" };

const SIGN = /&&|\|\||[=!<>]=|!~|=~|[=<>~!()]/y;
const NUMBER = /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])/uy;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/sy;
const PATTERN = /\/((?:[^/\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+)\/([a-z]*)/y;
const BLANKS = /\s*/y;

const SIGNS: Readonly<Record<string, string>> = { and: "&&", or: "||", not: "!", "=": "==", "=~": "~" };
const CONSTANTS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

class Parser {
  readonly #text: string;
  #next = 0;
  /** Where the token begins that is looked at. */
  #at = 0;
  #token: Token = { kind: "end" };

  constructor(text: string) {
    this.#text = text;
    if (text.length > LONGEST) throw this.#wrong(`it is longer than ${LONGEST} characters`, LONGEST);
    this.#advance();
  }

  parse(): Condition {
    const condition = this.#or(0);
    if (this.#token.kind !== "end") throw this.#expected("&&, || or the end");
    return condition;
  }

  #or(depth: number): Condition {
    let condition = this.#and(depth);
    while (this.#take("||")) condition = either(condition, this.#and(depth));
    return condition;
  }

  #and(depth: number): Condition {
    let condition = this.#not(depth);
    while (this.#take("&&")) condition = both(condition, this.#not(depth));
    return condition;
  }

  #not(depth: number): Condition {
    if (depth > DEEPEST) throw this.#wrong(`it goes deeper than ${DEEPEST} parentheses`);
    if (this.#take("!")) return not(this.#not(depth + 1));
    if (!this.#take("(")) return this.#comparison();
    const condition = this.#or(depth + 1);
    if (!this.#take(")")) throw this.#expected('")"');
    return condition;
  }

  #comparison(): Condition {
    const left = this.#operand("a field or a value");
    const sign = this.#token.kind === "sign" ? this.#token.sign : "";
    if (/^!?~$/.test(sign)) {
      this.#advance();
      const condition = matches(left, this.#pattern());
      return sign === "~" ? condition : not(condition);
    }
    if (!/^[=!<>]=$|^[<>]$/.test(sign)) return isTrue(left);
    this.#advance();
    return compare(left, sign as Operator, this.#operand("a field or a value"));
  }

  #operand(what: string): Operand {
    if (this.#token.kind !== "operand") throw this.#expected(what);
    const { operand } = this.#token;
    this.#advance();
    return operand;
  }

  #pattern(): RegExp {
    if (this.#token.kind === "pattern") {
      const { pattern } = this.#token;
      this.#advance();
      return pattern;
    }
    const at = this.#at;
    const operand = this.#token.kind === "operand" ? this.#token.operand : undefined;
    if (!(operand instanceof Literal) || typeof operand.value !== "string")
      throw this.#expected('a pattern such as "^/api" or /^\\/api/i');
    const pattern = this.#compile(operand.value, "", at);
    this.#advance();
    return pattern;
  }

  #compile(source: string, flags: string, at: number): RegExp {
    try {
      return new RegExp(source, flags.replace(/[gy]/g, ""));
    } catch (error) {
      throw this.#wrong((error as Error).message, at); // SyntaxError
    }
  }

  #take(sign: string): boolean {
    if (this.#token.kind !== "sign" || this.#token.sign !== sign) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#match(BLANKS);
    this.#at = this.#next;
    this.#token = this.#read();
  }

  #read(): Token {
    if (this.#next === this.#text.length) return { kind: "end" };
    const quoted = this.#match(QUOTED);
    if (quoted !== undefined) return { kind: "operand", operand: new Literal(unquoted(quoted[0])) };
    if (/["']/.test(this.#text[this.#next]!)) throw this.#wrong("the text has no closing quote");
    const pattern = this.#match(PATTERN);
    if (pattern !== undefined) return { kind: "pattern", pattern: this.#compile(pattern[1]!, pattern[2]!, this.#at) };
    const number = this.#match(NUMBER);
    if (number !== undefined) return { kind: "operand", operand: new Literal(Number(number[0])) };
    const sign = this.#match(SIGN);
    if (sign !== undefined) return { kind: "sign", sign: SIGNS[sign[0]] ?? sign[0] };
    return this.#word();
  }

  #word(): Token {
    const steps: (string | number)[] = [];
    for (;;) {
      const found = stepAt(this.#text, this.#next, steps.length === 0);
      if (found === undefined) break;
      steps.push(found.step);
      this.#next = found.end;
    }
    const text = this.#text.slice(this.#at, this.#next);
    if (text === "") throw this.#wrong(`${JSON.stringify(this.#here())} is no part of an expression`);
    if (this.#text[this.#next] === ".") throw this.#wrong(`${JSON.stringify(`${text}.`)} is no path of a field`);
    if (Object.hasOwn(CONSTANTS, text)) return { kind: "operand", operand: new Literal(CONSTANTS[text]) };
    if (Object.hasOwn(SIGNS, text)) return { kind: "sign", sign: SIGNS[text]! };
    return { kind: "operand", operand: new FieldPath(steps) };
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#next;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#next = pattern.lastIndex;
    return match;
  }

  /** The character that is looked at, whole. */
  #here(): string {
    return String.fromCodePoint(this.#text.codePointAt(this.#at)!);
  }

  #expected(what: string): Error {
    if (this.#token.kind === "end") return this.#wrong(`expected ${what}, and it ends there`);
    return this.#wrong(`expected ${what}, got ${JSON.stringify(this.#text.slice(this.#at, this.#next))}`);
  }

  #wrong(why: string, at = this.#at): Error {
    return new Error(`column ${at + 1}: ${why}`);
  }
}
