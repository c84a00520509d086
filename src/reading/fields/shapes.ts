import { LEVEL_WORDS } from "./levels.js";

/** The fields of a record, by their names. */
export type Fields = Readonly<Record<string, unknown>>;

/** How records of one kind look. */
export interface Shape {
  /** True for the first line of a record. */
  begins(line: string): boolean;
  /** Undefined for a text of another shape. */
  parse(text: string): Fields | undefined;
  /** Its records say when they were written, so that a line without that is no record of the others that are weak. */
  readonly isTimed: boolean;
}

export const json: Shape = {
  isTimed: false,
  begins: (line) => /^\{\s*["}]/.test(line),
  parse(text) {
    if (!text.startsWith("{")) return undefined;
    const end = text.indexOf("\n"); // behind it stands what a crash has printed
    try {
      return JSON.parse(end === -1 ? text : text.slice(0, end)) as Fields;
    } catch {
      return undefined; // SyntaxError: it was cut off, or is none
    }
  },
};

/** Fields are the named groups of a pattern. Numbers are so; what is "-" is not there. */
class TextShape implements Shape {
  readonly #pattern: RegExp;
  readonly #numbers: readonly string[];
  readonly isTimed: boolean;

  constructor(pattern: RegExp, isTimed: boolean, numbers: readonly string[] = []) {
    this.#pattern = pattern;
    this.#numbers = numbers;
    this.isTimed = isTimed;
  }

  begins(line: string): boolean {
    return this.#pattern.test(line);
  }

  parse(text: string): Fields | undefined {
    const match = this.#pattern.exec(text);
    if (match === null) return undefined;
    const { word, ...groups } = match.groups ?? {};
    if (word !== undefined) groups.level = word;
    const isThere = ([, value]: readonly [string, string | undefined]) => value !== undefined && value !== "-";
    const typed = ([name, value]: readonly [string, string]) =>
      [name, this.#numbers.includes(name) ? Number(value) : value] as const;
    return Object.fromEntries(Object.entries(groups).filter(isThere).map(typed));
  }
}

/** A shape of the user's own: a regular expression with named groups. */
export function patternShape(pattern: RegExp): Shape {
  return new TextShape(new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")), true);
}

export const ISO_TIME: string = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?`;
const COLOUR = String.raw`(?:\x1b\[[\d;]*m)`;
const REST = String.raw`(?<message>[\s\S]*)`;
const UPPER = LEVEL_WORDS.toUpperCase();
const LOWER = LEVEL_WORDS;

/** log4js, `basic` and `coloured`. */
export const log4js: Shape = new TextShape(
  new RegExp(
    String.raw`^${COLOUR}?\[(?<time>${ISO_TIME})\] \[(?<level>[A-Z_]+)\] (?<logger>[^\n]*?) - ${COLOUR}?${REST}$`,
  ),
  true,
);

/** Python's `%(asctime)s - %(name)s - %(levelname)s - %(message)s`. */
export const dashes: Shape = new TextShape(
  new RegExp(`^(?<time>${ISO_TIME}) - (?<logger>[^\\n]*?) - (?<level>${UPPER}) - ${REST}$`),
  true,
);

/** A time, and not far from it a level: most other formats. Small letters are a level only right behind the time. */
export const timed: Shape = new TextShape(
  new RegExp(
    String.raw`^${COLOUR}?[[(]?(?<time>${ISO_TIME})[\])]?(?:` +
      String.raw`[ |:-]{0,9}[[<(]?${COLOUR}?(?<word>${LOWER})${COLOUR}?(?=[\]>):\s|])[\]>)]?:?|` +
      String.raw`[^\n]{0,60}?(?<![\w./-])(?<level>${UPPER})(?![\w./-]))?${COLOUR}?[\]\s|:-]*${REST}$`,
  ),
  true,
);

/** Python's `logging.BASIC_FORMAT`. */
export const basic: Shape = new TextShape(new RegExp(`^(?<level>${UPPER}):(?<logger>[\\w.-]+):${REST}$`), false);

/** winston's `simple` and `cli`. */
export const simple: Shape = new TextShape(
  new RegExp(`^${COLOUR}?(?<level>${LOWER})${COLOUR}?:\\s+${COLOUR}?${REST}$`),
  false,
);

const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;

/** The common log format of web servers, and the combined one. */
export const commonLog: Shape = new TextShape(
  new RegExp(
    String.raw`^(?<host>\S+) (?<ident>\S+) (?<user>\S+) \[(?<time>\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8} [+-]\d{4})\] ` +
      String.raw`"(?<request>(?<method>[A-Z]+) (?<path>[^" ]+)(?: (?<protocol>[^" ]+))?|(?:[^"\\]|\\.)*)" (?<status>\d{3}|-) (?<bytes>\d+|-)` +
      String.raw`(?: "(?<referrer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)")?`,
  ),
  true,
  ["status", "bytes"],
);

/** A line of the W3C's extended format that says something about the file. */
export const W3C_DIRECTIVE: RegExp = /^#(?:Version|Fields|Software|Date|Start-Date|End-Date|Remark): ?/;

/** The extended format of the W3C, with fields as its header names them. */
export function w3c(header: string): Shape {
  const names = header.replace(W3C_DIRECTIVE, "").trim().split(/\s+/);
  const value = new RegExp(`${QUOTED}|\\S+`, "g");
  const valuesOf = (line: string) => line.match(value) ?? [];
  return {
    isTimed: true,
    begins: (line) => valuesOf(line).length === names.length,
    parse(text) {
      const values = valuesOf(text.split("\n", 1)[0]!);
      if (values.length !== names.length) return undefined;
      const fields: Record<string, unknown> = Object.create(null);
      for (const [i, name] of names.entries()) if (values[i] !== "-") fields[name] = w3cValue(values[i]!);
      // In two fields, and always in UTC.
      if (typeof fields.time === "string") fields.time = `${fields.date ?? ""}T${fields.time}Z`;
      return { ...fields };
    },
  };
}

function w3cValue(text: string): string | number {
  if (text.startsWith('"')) return text.slice(1, -1);
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
}
