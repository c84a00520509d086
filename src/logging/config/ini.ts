import { configError } from "./config-error.js";

/*
 * The dialect of Python's configparser, which is none that a library reads: "=" or ":" between name and value, names
 * in lower case, values that go on in lines further in, "#" and ";" only at the start of a line, [DEFAULT], and
 * %(name)s for the value of another name.
 */

/** One line of a value: its text, and where that is in the file, both from 1. */
interface ValueLine {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

type RawSection = Map<string, ValueLine[]>;

/** Where in a file something is. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

const DEFAULT = "DEFAULT";
const DEEPEST = 10; // names within names, as in Python
const LONGEST = 100_000; // characters of a value, with all names filled in
const LARGEST = 1_000_000; // characters that names stand for in a whole file, where each name counts for one more

/** A file, read. */
export class Ini {
  readonly path: string;
  readonly #sections = new Map<string, RawSection>();
  readonly #defaults: RawSection;
  readonly #budget = { left: LARGEST };

  /**
   * @param path for messages
   * @param defaults values of names that no section has: those of [DEFAULT], if the file does not say else
   * @throws {LogFileError} `ERR_CLH_CONFIG` with line
   */
  constructor(text: string, path: string, defaults: Readonly<Record<string, string>> = {}) {
    this.path = path;
    this.#defaults = new Map(
      Object.entries(defaults).map(([name, value]) => [name.toLowerCase(), [{ text: value, line: 0, column: 0 }]]),
    );
    new Reader(this.#sections, this.#defaults, (line, message) => this.#refused({ line, column: 1 }, message)).read(
      text,
    );
  }

  /** @throws {LogFileError} `ERR_CLH_CONFIG` when there is no such section */
  section(name: string): Section {
    const own = this.#sections.get(name);
    if (own === undefined)
      throw configError(`Cannot read ${this.path}: it has no section [${name}].`, { path: this.path });
    return new Section(name, own, this.#defaults, this.#budget, (place, message) => this.#refused(place, message));
  }

  #refused({ line, column }: Place, message: string): Error {
    return configError(`Cannot read ${this.path}, line ${line}, column ${column}: ${message}`, { path: this.path });
  }
}

class Reader {
  readonly #sections: Map<string, RawSection>;
  readonly #defaults: RawSection;
  readonly #refused: (line: number, message: string) => Error;
  #section: RawSection | undefined;
  #value: ValueLine[] | undefined;
  #indent = 0;

  constructor(
    sections: Map<string, RawSection>,
    defaults: RawSection,
    refused: (line: number, message: string) => Error,
  ) {
    this.#sections = sections;
    this.#defaults = defaults;
    this.#refused = refused;
  }

  read(text: string): void {
    const inDefaults = new Set<string>(); // those that are given by the caller may be given again in the file
    for (const [i, line] of text
      .replace(/^\ufeff/, "")
      .split(/\r\n|[\r\n]/)
      .entries())
      this.#line(line, i + 1, inDefaults);
  }

  #line(whole: string, line: number, inDefaults: Set<string>): void {
    const text = whole.trim();
    if (/^[#;]/.test(text)) return;
    if (text === "") {
      this.#value?.push({ text, line, column: 1 });
      return;
    }
    const indent = whole.length - whole.trimStart().length;
    if (this.#value !== undefined && indent > this.#indent) {
      this.#value.push({ text, line, column: indent + 1 });
      return;
    }
    this.#indent = indent;
    const header = /^\[(.+)\]/.exec(text)?.[1];
    if (header !== undefined) this.#begin(header, line);
    else this.#option(text, line, indent, inDefaults);
  }

  #begin(header: string, line: number): void {
    this.#value = undefined;
    if (header === DEFAULT) {
      this.#section = this.#defaults;
      return;
    }
    if (this.#sections.has(header)) throw this.#refused(line, `there is a section [${header}] already.`);
    this.#section = new Map();
    this.#sections.set(header, this.#section);
  }

  #option(text: string, line: number, indent: number, inDefaults: Set<string>): void {
    if (this.#section === undefined) throw this.#refused(line, "a section, such as [loggers], must come first.");
    const delimiter = text.search(/[=:]/);
    const name = text.slice(0, Math.max(delimiter, 0)).trim().toLowerCase();
    if (name === "") throw this.#refused(line, "expected a name, = and a value.");
    const isGiven = this.#section === this.#defaults ? inDefaults.has(name) : this.#section.has(name);
    if (isGiven) throw this.#refused(line, `the section has a value of ${name} already.`);
    if (this.#section === this.#defaults) inDefaults.add(name);
    const rest = text.slice(delimiter + 1);
    const column = indent + delimiter + 2 + rest.length - rest.trimStart().length;
    this.#value = [{ text: rest.trim(), line, column }];
    this.#section.set(name, this.#value);
  }
}

/** One section, with the values of [DEFAULT]. */
export class Section {
  readonly name: string;
  readonly #own: RawSection;
  readonly #defaults: RawSection;
  readonly #budget: { left: number };
  readonly #refused: (place: Place, message: string) => Error;

  constructor(
    name: string,
    own: RawSection,
    defaults: RawSection,
    budget: { left: number },
    refused: (place: Place, message: string) => Error,
  ) {
    this.name = name;
    this.#own = own;
    this.#defaults = defaults;
    this.#budget = budget;
    this.#refused = refused;
  }

  /** A value as it stands there, without names filled in. */
  raw(name: string): string | undefined {
    const lines = this.#lines(name);
    return lines && textOf(lines);
  }

  /**
   * A value.
   * @throws {LogFileError} `ERR_CLH_CONFIG` when a name in it is unknown, or stands for itself
   */
  get(name: string): string | undefined {
    const lines = this.#lines(name);
    if (lines === undefined) return undefined;
    return this.#interpolated(textOf(lines), lines[0]!, 1);
  }

  /** @throws {LogFileError} `ERR_CLH_CONFIG` when it has none */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined)
      throw this.#refused({ line: this.#line, column: 1 }, `[${this.name}] needs a value of ${name}.`);
    return value;
  }

  /** The error for a value, of which something is wrong at `offset`. */
  refused(name: string, message: string, offset = 0): Error {
    const lines = this.#lines(name)!;
    // With names filled in, the offset is not one of the file.
    if (textOf(lines) !== this.get(name)) return this.#refused(lines[0]!, message);
    let rest = offset;
    const at = lines.find(({ text }) => {
      if (rest <= text.length) return true;
      rest -= text.length + 1;
      return false;
    });
    const { line, column } = at ?? lines[0]!;
    return this.#refused({ line, column: column + rest }, message);
  }

  get #line(): number {
    const [first] = this.#own.values();
    return first?.[0]?.line ?? 0;
  }

  #lines(name: string): ValueLine[] | undefined {
    return this.#own.get(name) ?? this.#defaults.get(name);
  }

  #interpolated(text: string, place: Place, depth: number): string {
    if (depth > DEEPEST)
      throw this.#refused(place, `%(...)s stands for itself, or is nested more than ${DEEPEST} deep.`);
    let result = "";
    let at = 0;
    for (let next = text.indexOf("%"); next !== -1; next = text.indexOf("%", at)) {
      NAMED.lastIndex = next;
      const match = NAMED.exec(text);
      if (match === null) throw this.#refused(place, '"%" must be followed by "%" or by "(name)s"; write %% for %.');
      result += text.slice(at, next) + (match[1] === undefined ? "%" : this.#valueOf(match[1], place, depth));
      at = next + match[0].length;
    }
    result += text.slice(at);
    if (Math.max(text.length, result.length) > LONGEST)
      throw this.#refused(place, `the value has more than ${LONGEST} characters.`);
    return result;
  }

  #valueOf(name: string, place: Place, depth: number): string {
    const lines = this.#lines(name.toLowerCase());
    if (lines === undefined)
      throw this.#refused(place, `%(${name})s: [${this.name}] and [DEFAULT] have no value of ${name}.`);
    const text = textOf(lines);
    this.#budget.left -= 1 + text.length;
    if (this.#budget.left < 0) throw this.#refused(place, `%(...)s stand for more than ${LARGEST} characters in all.`);
    return text.includes("%") ? this.#interpolated(text, place, depth + 1) : text;
  }
}

const NAMED = /%(?:%|\(([^)]*)\)s)/y;

const texts = new WeakMap<readonly ValueLine[], string>(); // a name may be asked for a million times

function textOf(lines: readonly ValueLine[]): string {
  const known = texts.get(lines);
  if (known !== undefined) return known;
  const made = lines
    .map(({ text }) => text)
    .join("\n")
    .trimEnd();
  texts.set(lines, made);
  return made;
}
