/** The parts of a record that a filter asks for. */
export interface Described {
  /** Its fields, undefined when it has none. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  readonly level: string | undefined;
  readonly time: number | undefined;
  readonly message: string | undefined;
}

/** One step: a name, a name in brackets and quotes, or an index. */
const STEP = /\.?([\p{L}_$@][\p{L}\p{N}_$@-]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/uy;

/** Where a field stands in a record: `user.id`, `items[0].name`, `req.headers["user-agent"]`. */
export class FieldPath {
  readonly steps: readonly (string | number)[];
  readonly #flat: string;

  constructor(steps: readonly (string | number)[]) {
    this.steps = steps;
    this.#flat = steps.join(".");
  }

  /** Its value; `time`, `level`, `msg` and `message` also by the names that other loggers have for them. */
  of(record: Described): unknown {
    const { fields } = record;
    if (fields === undefined) return undefined;
    let value: unknown = fields;
    for (const step of this.steps) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step))
        return this.#otherwise(record, fields);
      value = (value as Record<string | number, unknown>)[step];
    }
    return value;
  }

  /** Keys of which one must be in the JSON of a record that has the field; empty when that cannot be told. */
  get keys(): readonly string[] {
    const last = this.steps.at(-1)!;
    if (typeof last === "number" || (this.steps.length === 1 && last in ALIASES)) return [];
    const keys = this.steps.length === 1 ? [last] : [last, this.#flat];
    return keys.every((key) => /^[\w$@. ()-]+$/.test(key)) ? keys : [];
  }

  #otherwise(record: Described, fields: Readonly<Record<string, unknown>>): unknown {
    if (this.steps.length > 1) return Object.hasOwn(fields, this.#flat) ? fields[this.#flat] : undefined;
    return ALIASES[this.#flat as keyof typeof ALIASES]?.(record);
  }
}

const ALIASES = {
  __proto__: null as never,
  time: ({ time }: Described) => (time === undefined ? undefined : new Date(time).toISOString()),
  level: ({ level }: Described) => level,
  msg: ({ message }: Described) => message,
  message: ({ message }: Described) => message,
};

/**
 * Reads a path.
 * @throws {Error} that names the column
 */
export function parsePath(text: string): FieldPath {
  const steps: (string | number)[] = [];
  let at = 0;
  while (at < text.length) {
    const found = stepAt(text, at, at === 0);
    if (found === undefined) throw malformed(text, at);
    steps.push(found.step);
    at = found.end;
  }
  if (steps.length === 0) throw malformed(text, 0);
  return new FieldPath(steps);
}

/** The step of a path that begins at `at`, and where it ends. */
export function stepAt(text: string, at: number, isFirst: boolean): { step: string | number; end: number } | undefined {
  STEP.lastIndex = at;
  const match = STEP.exec(text);
  // Names are divided by a dot, of which none stands in front.
  if (match === null || (match[1] !== undefined && match[0].startsWith(".") === isFirst)) return undefined;
  const [whole, name, index, quoted] = match;
  const step = name ?? (index === undefined ? unquoted(quoted!) : Number(index));
  return { step, end: at + whole.length };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "'": "'", "\\": "\\" };

/** The text between quotes. A backslash before a letter that is no escape stays, so that "\d" is a digit in a pattern. */
export function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (whole, letter: string) => ESCAPES[letter] ?? whole);
}

function malformed(text: string, at: number): Error {
  const names = text.match(/[\p{L}\p{N}_$@-]+/gu) ?? [];
  const near = names.map((name, i) => (/^\d+$/.test(name) ? `[${name}]` : i === 0 ? name : `.${name}`)).join("");
  const isBetter = near !== "" && near !== text && !near.startsWith("[");
  const hint = isBetter ? `Did you mean "${near}"?` : 'Such as user.id, items[0] or headers["user-agent"].';
  return new Error(`"${text}" is no path of a field, see column ${at + 1}. ${hint}`);
}
