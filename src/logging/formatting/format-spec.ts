import { checkSize, formatError, typeName } from "./format-error.js";
import { type Alignment, firstOf, pad } from "./padding.js";
import { characterOf, realBody } from "./percent-format.js";
import { str } from "./python-text.js";

/* Python's format specification: what is behind the colon in "{levelname:>8}". */

interface Spec {
  readonly fill: string;
  readonly align: Alignment | undefined;
  readonly sign: string;
  readonly alternate: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | undefined;
  readonly type: string;
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?(.)?$/su;

function parse(spec: string, value: unknown): Spec {
  const match = SPEC.exec(spec);
  if (match === null) throw formatError(`Invalid format specifier '${spec}' for object of type '${typeName(value)}'`);
  const [, fill, align, sign = "", , alternate, zero, width, grouping = "", precision, type = ""] = match;
  return {
    fill: fill ?? (zero === undefined ? " " : "0"),
    align: (align as Alignment | undefined) ?? (zero !== undefined && typeof value !== "string" ? "=" : undefined),
    sign,
    alternate: alternate !== undefined,
    width: checkSize(Number(width ?? 0), "width"),
    grouping,
    precision: precision === undefined ? undefined : checkSize(Number(precision), "precision"),
    type,
  };
}

/**
 * Python's `format(value, spec)`.
 * @throws {LogFileError} `ERR_CLH_FORMAT` with Python's message
 */
export function formatValue(value: unknown, spec: string): string {
  if (spec === "") return str(value);
  const parsed = parse(spec, value);
  if (typeof value === "string") return formatText(value, parsed);
  if (typeof value === "number" || typeof value === "bigint") return formatNumber(value, parsed);
  if (typeof value === "boolean")
    return parsed.type === "" ? formatText(str(value), parsed) : formatNumber(Number(value), parsed);
  throw formatError(`unsupported format string passed to ${typeName(value)}.__format__`);
}

function formatText(
  text: string,
  { align = "<", fill, sign, alternate, width, grouping, precision, type }: Spec,
): string {
  if (type !== "" && type !== "s") throw unknownCode(type, "str");
  if (sign !== "") throw formatError("Sign not allowed in string format specifier");
  if (alternate) throw formatError("Alternate form (#) not allowed in string format specifier");
  if (align === "=") throw formatError("'=' alignment not allowed in string format specifier");
  if (grouping !== "") throw formatError(`Cannot specify '${grouping}' with 's'.`);
  return pad("", precision === undefined ? text : firstOf(text, precision), width, align, fill);
}

/** Types of which digits are not grouped. */
const UNGROUPED: Readonly<Record<string, string>> = { ",": "bcnoxX", _: "cn" };

function formatNumber(value: number | bigint, { type: given, ...common }: Spec): string {
  const { align = ">", fill, sign, width, grouping } = common;
  if (given !== "" && UNGROUPED[grouping]?.includes(given))
    throw formatError(`Cannot specify '${grouping}' with '${given}'.`);
  const type = given !== "n" ? given : typeof value === "bigint" || Number.isInteger(value) ? "d" : "g";
  const spec = { ...common, type };
  const isNegative = value < 0 || Object.is(value, -0);
  const shownSign = isNegative ? "-" : sign === "-" ? "" : sign;
  const { prefix, body } = "bcdoxX".includes(type) && type !== "" ? wholeBody(value, spec) : realText(value, spec);
  if (type === "c") {
    if (sign !== "") throw formatError("Sign not allowed with integer format specifier 'c'");
    return pad("", characterOf(Number(value)), width, common.align ?? "<", fill);
  }
  const digits = grouping === "" ? "" : /^[0-9a-fA-F]*/.exec(body)![0];
  if (digits === "") return pad(shownSign + prefix, body, width, align, fill);
  const rest = body.slice(digits.length);
  const room = align === "=" && fill === "0" ? width - shownSign.length - prefix.length - rest.length : 0;
  return pad(shownSign + prefix, grouped(digits, spec, room) + rest, width, align, fill);
}

function wholeBody(value: number | bigint, { type, alternate, precision }: Spec): { prefix: string; body: string } {
  if (typeof value === "number" && !Number.isInteger(value)) throw unknownCode(type, "float");
  if (precision !== undefined) throw formatError("Precision not allowed in integer format specifier");
  const integer = BigInt(value);
  const base = { b: 2, o: 8, x: 16, X: 16 }[type] ?? 10;
  const prefix = alternate && base !== 10 ? `0${type}` : "";
  const digits = (integer < 0n ? -integer : integer).toString(base);
  return { prefix, body: type === "X" ? digits.toUpperCase() : digits };
}

function realText(value: number | bigint, { type, alternate, precision }: Spec): { prefix: string; body: string } {
  if (!"eEfFgG%".includes(type)) throw unknownCode(type, Number.isInteger(value) ? "int" : "float");
  if (type === "" && precision === undefined) return { prefix: "", body: String(value < 0 ? -value : value) };
  const number = Math.abs(Number(value));
  if (type === "") return { prefix: "", body: realBody(number, "g", precision!, false) };
  if (type === "%") return { prefix: "", body: `${realBody(number * 100, "f", precision ?? 6, alternate)}%` };
  const body = realBody(number, type.toLowerCase(), precision ?? 6, alternate);
  return { prefix: "", body: type < "a" ? body.toUpperCase() : body };
}

/** "1,234"; with zeros before it, which are grouped too, up to `width`: "0,001,234" for 8. */
function grouped(digits: string, { grouping, type }: Spec, width: number): string {
  const size = type !== "" && "boxX".includes(type) ? 4 : 3;
  let count = digits.length;
  while (count + Math.floor((count - 1) / size) < width) count++;
  const filled = digits.padStart(count, "0");
  const groups: string[] = [];
  for (let end = filled.length; end > 0; end -= size) groups.unshift(filled.slice(Math.max(end - size, 0), end));
  return groups.join(grouping);
}

function unknownCode(type: string, name: string): Error {
  return formatError(`Unknown format code '${type}' for object of type '${name}'`);
}
