import { type Described, FieldPath } from "./field-path.js";
import { allOf, eitherOf, KeyScan, type Scan } from "./key-scan.js";
import { LEVEL_KEYS, type LevelRange, possibleRanks, rankOf, rankOfName } from "./levels.js";

/** A question that is asked of a record. */
export interface Condition {
  holds(record: Described): boolean;
  /** What must be so in its bytes, if that can be told. */
  readonly scan?: Scan | undefined;
}

export type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type Operand = FieldPath | Literal;

/** A value that an expression has. */
export class Literal {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  of(): unknown {
    return this.value;
  }
}

export function both(one: Condition, other: Condition): Condition {
  return { holds: (record) => one.holds(record) && other.holds(record), scan: allOf(one.scan, other.scan) };
}

export function either(one: Condition, other: Condition): Condition {
  return { holds: (record) => one.holds(record) || other.holds(record), scan: eitherOf(one.scan, other.scan) };
}

export function not(condition: Condition): Condition {
  return { holds: (record) => !condition.holds(record) };
}

/** A field is there, and is not false, null, 0 or empty. */
export function isTrue(operand: Operand): Condition {
  return { holds: (record) => Boolean(operand.of(record)), scan: scanOf(operand, Boolean) };
}

/** The level of a record is one of these. */
export function hasLevel({ from, to }: LevelRange): Condition {
  const isWanted = (rank: number | undefined) => rank !== undefined && rank >= from && rank <= to;
  return {
    holds: ({ fields }) => fields !== undefined && isWanted(rankOf(fields)),
    scan: new KeyScan(LEVEL_KEYS, (value) => possibleRanks(value).some(isWanted)),
  };
}

export function matches(operand: Operand, pattern: RegExp): Condition {
  const isMatch = (value: unknown) => isScalar(value) && value !== null && pattern.test(String(value));
  return { holds: (record) => isMatch(operand.of(record)), scan: scanOf(operand, isMatch) };
}

export function compare(left: Operand, operator: Operator, right: Operand): Condition {
  if (left instanceof Literal && right instanceof FieldPath) return compare(right, MIRRORED[operator], left);
  const holds = COMPARISONS[operator];
  if (left instanceof FieldPath && right instanceof Literal) {
    const wanted = right.value;
    const rank = isLevel(left) && typeof wanted === "string" ? rankOfName(wanted) : undefined;
    if (rank !== undefined) return compareLevels(operator, rank);
    const scan = holds(undefined, wanted) ? undefined : scanOf(left, (value) => holds(value, wanted));
    return { holds: (record) => holds(left.of(record), wanted), scan };
  }
  return { holds: (record) => holds(left.of(record), right.of(record)) };
}

/** By height, since names do not stand in the order of the alphabet, and since pino writes numbers. */
function compareLevels(operator: Operator, wanted: number): Condition {
  const holds = COMPARISONS[operator];
  const isWanted = (rank: number | undefined) => holds(rank, wanted);
  return {
    holds: ({ fields }) => isWanted(fields && rankOf(fields)),
    scan: isWanted(undefined) ? undefined : new KeyScan(LEVEL_KEYS, (value) => possibleRanks(value).some(isWanted)),
  };
}

function isLevel({ steps }: FieldPath): boolean {
  return steps.length === 1 && steps[0] === "level";
}

function scanOf(operand: Operand, holds: (value: unknown) => boolean): Scan | undefined {
  const keys = operand instanceof FieldPath ? operand.keys : [];
  return keys.length === 0 ? undefined : new KeyScan(keys, holds);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  // The text formats have texts only, and on a command line all is text.
  return isScalar(a) && isScalar(b) && String(a) === String(b);
}

function isScalar(value: unknown): boolean {
  return value !== undefined && typeof value !== "object";
}

/** Below zero, zero or above; NaN for what has no order. */
function order(a: unknown, b: unknown): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (typeof a !== "string" || typeof b !== "string") return Number.NaN;
  return a < b ? -1 : Number(a > b);
}

function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

const COMPARISONS: Readonly<Record<Operator, (a: unknown, b: unknown) => boolean>> = {
  "==": isEqual,
  "!=": (a, b) => !isEqual(a, b),
  "<": (a, b) => order(a, b) < 0,
  "<=": (a, b) => order(a, b) <= 0,
  ">": (a, b) => order(a, b) > 0,
  ">=": (a, b) => order(a, b) >= 0,
};

const MIRRORED: Readonly<Record<Operator, Operator>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};
