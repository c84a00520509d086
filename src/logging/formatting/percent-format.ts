import { checkSize, formatError, typeName } from "./format-error.js";
import { exponential, fixed, general } from "./half-even.js";
import { firstOf, lengthOf, pad } from "./padding.js";
import { ascii, repr, str } from "./python-text.js";

/* Python's `format % values`. */

/** One conversion of a format: `%(name)-8.3s`. */
interface Conversion {
  /** The value's name; undefined = the next argument. */
  readonly key: string | undefined;
  readonly left: boolean;
  readonly zero: boolean;
  readonly alternate: boolean;
  /** Shown before a number that is not negative. */
  readonly plus: "" | " " | "+";
  /** "*" is the next argument. */
  readonly width: number | "*" | undefined;
  readonly precision: number | "*" | undefined;
  readonly type: string;
}

/** A format, taken apart: texts, and conversions between them. */
export type PercentFormat = readonly (string | Conversion)[] & {
  /** How many arguments it takes; one with names takes one, which has them all. */
  readonly places: number;
};

const CONVERSION = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?(.?)/suy;

// Formats are mostly constants of the program.
const KEPT = 1000;
const LONGEST_KEPT = 1000; // characters
const kept = new Map<string, PercentFormat>();

/**
 * Takes a format apart, once.
 * @throws {LogFileError} `ERR_CLH_FORMAT` with Python's message
 */
export function parsePercentFormat(format: string): PercentFormat {
  const known = kept.get(format);
  if (known !== undefined) return known;
  const parts = parse(format);
  if (kept.size >= KEPT) kept.clear();
  if (format.length <= LONGEST_KEPT) kept.set(format, parts);
  return parts;
}

function parse(format: string): PercentFormat {
  const parts: (string | Conversion)[] = [];
  let text = "";
  for (let at = 0; at < format.length; ) {
    const next = format.indexOf("%", at);
    text += format.slice(at, next === -1 ? undefined : next);
    if (next === -1) break;
    if (format[next + 1] === "%") {
      text += "%";
      at = next + 2;
      continue;
    }
    CONVERSION.lastIndex = next;
    const match = CONVERSION.exec(format)!;
    parts.push(text, conversionOf(match));
    text = "";
    at = next + match[0].length;
  }
  return Object.assign(
    [...parts, text].filter((part) => part !== ""),
    { places: placesOf(parts) },
  );
}

function placesOf(parts: readonly (string | Conversion)[]): number {
  const conversions = parts.filter((part) => typeof part !== "string");
  if (conversions.some(({ key }) => key !== undefined)) return 1;
  return conversions.flatMap(({ width, precision }) => [width, precision, "*"]).filter((one) => one === "*").length;
}

function conversionOf(match: RegExpExecArray): Conversion {
  const [whole, key, flags = "", width, precision, type = ""] = match;
  if (type === "") throw formatError("incomplete format");
  if (type === "(" && key === undefined) throw formatError("incomplete format key");
  if (!"diouxXeEfFgGcrsa".includes(type)) throw unsupported(type, match.index + whole.length - type.length);
  return {
    key,
    left: flags.includes("-"),
    zero: flags.includes("0"),
    alternate: flags.includes("#"),
    plus: flags.includes("+") ? "+" : flags.includes(" ") ? " " : "",
    width: size(width, "width"),
    precision: size(precision, "precision"),
    type,
  };
}

function size(text: string | undefined, what: "width" | "precision"): number | "*" | undefined {
  return text === undefined || text === "*" ? text : checkSize(Number(text), what);
}

function unsupported(type: string, index: number): Error {
  const code = type.codePointAt(0)!;
  const shown = code >= 0x20 && code < 0x7f ? type : "?";
  return formatError(`unsupported format character '${shown}' (0x${code.toString(16)}) at index ${index}`);
}

/**
 * Fills in the values that the names of a format stand for.
 * @param lookUp throws for a name that it does not know
 * @param whole what a conversion without a name stands for, if it is the first
 */
export function formatNamed(format: PercentFormat, lookUp: (name: string) => unknown, whole?: unknown): string {
  let result = "";
  let isFirst = true;
  for (const part of format) {
    if (typeof part === "string") {
      result += part;
      continue;
    }
    const { key, width, precision } = part;
    if (width === "*" || precision === "*" || (key === undefined && !isFirst))
      throw formatError("not enough arguments for format string");
    result += convert(part, key === undefined ? whole : lookUp(key), width, precision);
    isFirst = false;
  }
  return result;
}

/** Fills in arguments, in order. */
export function formatPositional(format: PercentFormat, args: readonly unknown[]): string {
  let used = 0;
  const next = () => {
    if (used >= args.length) throw formatError("not enough arguments for format string");
    return args[used++];
  };
  const count = (given: number | "*" | undefined) => (given === "*" ? starred(next()) : given);
  let result = "";
  for (const part of format) {
    if (typeof part === "string") {
      result += part;
      continue;
    }
    if (part.key !== undefined) throw formatError("format requires a mapping");
    const width = count(part.width);
    const precision = count(part.precision);
    const isLeft = width !== undefined && width < 0;
    const conversion = isLeft ? { ...part, left: true } : part;
    result += convert(conversion, next(), width && Math.abs(width), precision && Math.max(precision, 0));
  }
  if (used < args.length) throw formatError("not all arguments converted during string formatting");
  return result;
}

function starred(value: unknown): number {
  if (!Number.isInteger(value)) throw formatError("* wants int");
  checkSize(Math.abs(value as number), "width");
  return value as number;
}

function convert(conversion: Conversion, value: unknown, width = 0, precision: number | undefined): string {
  const { type, left, zero } = conversion;
  if (type === "s" && typeof value === "string" && width === 0 && precision === undefined) return value;
  if ("csra".includes(type)) {
    const text = textOf(type, value);
    return pad(
      "",
      precision === undefined || type === "c" ? text : firstOf(text, precision),
      width,
      left ? "<" : ">",
      " ",
    );
  }
  const { sign, body } = "diuoxX".includes(type)
    ? whole(conversion, value, precision)
    : real(conversion, value, precision ?? 6);
  if (width <= lengthOf(sign) + body.length) return sign + body;
  return pad(sign, body, width, left ? "<" : zero ? "=" : ">", zero && !left ? "0" : " ");
}

function textOf(type: string, value: unknown): string {
  if (type === "s") return str(value);
  if (type === "r") return repr(value);
  if (type === "a") return ascii(value);
  if (Number.isInteger(value)) {
    return characterOf(value as number);
  }
  if (typeof value !== "string" || lengthOf(value) !== 1) throw formatError("%c requires int or char");
  return value;
}

/** What `%c` makes of a number. */
export function characterOf(code: number): string {
  if (code < 0 || code > 0x10ffff) throw formatError("%c arg not in range(0x110000)");
  return String.fromCodePoint(code);
}

interface SignedText {
  readonly sign: string;
  readonly body: string;
}

function whole({ type, plus, alternate }: Conversion, value: unknown, precision = 1): SignedText {
  const integer = toInteger(type, value);
  const base = type === "o" ? 8 : type === "x" || type === "X" ? 16 : 10;
  const digits = (integer < 0 ? -integer : integer).toString(base).padStart(precision, "0");
  const prefix = alternate && base !== 10 ? (base === 8 ? "0o" : "0x") : "";
  const sign = (integer < 0 ? "-" : plus) + prefix;
  return type === "X" ? { sign: sign.toUpperCase(), body: digits.toUpperCase() } : { sign, body: digits };
}

function toInteger(type: string, value: unknown): number | bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return Number(value);
  const isDecimal = "diu".includes(type);
  if (typeof value !== "number") {
    throw formatError(
      `%${type} format: ${isDecimal ? "a real number" : "an integer"} is required, not ${typeName(value)}`,
    );
  }
  if (Number.isSafeInteger(value)) return value;
  if (Number.isNaN(value)) throw formatError("cannot convert float NaN to integer");
  if (!Number.isFinite(value)) throw formatError("cannot convert float infinity to integer");
  if (!isDecimal && !Number.isInteger(value)) throw formatError(`%${type} format: an integer is required, not float`);
  return BigInt(Math.trunc(value));
}

function real({ type, plus, alternate }: Conversion, value: unknown, precision: number): SignedText {
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean")
    throw formatError(`must be real number, not ${typeName(value)}`);
  const number = Number(value);
  const sign = number < 0 || Object.is(number, -0) ? "-" : plus;
  const body = realBody(number, type.toLowerCase(), precision, alternate);
  return { sign, body: type < "a" ? body.toUpperCase() : body };
}

/** |value| as "e", "f" or "g"; `alternate` is C's "#": always with a point. */
export function realBody(value: number, type: string, precision: number, alternate: boolean): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return "inf";
  const form: (x: number, precision: number, keepZeros: boolean) => string =
    type === "f" ? fixed : type === "e" ? exponential : general;
  const text = form(value, precision, alternate);
  return alternate && !text.includes(".") ? text.replace(/(?=e)|$/, ".") : text;
}
