import { types } from "node:util";
import { closestMatch } from "leven";
import { isLayout, layoutShape } from "./layout.js";
import {
  basic,
  commonLog,
  dashes,
  type Fields,
  json,
  log4js,
  patternShape,
  type Shape,
  simple,
  timed,
  W3C_DIRECTIVE,
  w3c,
} from "./shapes.js";

/** The formats that have names. */
type RecordFormatName = "auto" | "json" | "logging" | "log4js" | "clf" | "combined" | "w3c";

const SHAPES: Readonly<Record<RecordFormatName, readonly Shape[]>> = {
  auto: [json, log4js, dashes, timed, commonLog, basic, simple],
  json: [json],
  logging: [dashes, timed, basic],
  log4js: [log4js],
  clf: [commonLog],
  combined: [commonLog],
  w3c: [],
};

/** The forms that the records of a log may have. */
export class RecordFormat {
  readonly shapes: readonly Shape[];
  /** False when a header of the W3C's format is nothing special. */
  readonly hasHeaders: boolean;
  /** True when its records may be JSON, and nothing else that begins with a brace. */
  readonly hasJson: boolean;

  constructor(shapes: readonly Shape[], hasHeaders = false) {
    this.shapes = shapes;
    this.hasHeaders = hasHeaders;
    this.hasJson = shapes[0] === json;
  }

  /** The fields of a record, undefined when it has none. */
  parse(text: string): Fields | undefined {
    for (const shape of this.shapes) {
      const fields = shape.parse(text);
      if (fields !== undefined) return fields;
    }
    return undefined;
  }
}

const NAMED = new Map(
  Object.entries(SHAPES).map(([name, shapes]) => [name, new RecordFormat(shapes, name === "auto" || name === "w3c")]),
);
export const AUTO: RecordFormat = NAMED.get("auto")!;

/**
 * A format by its name, by how a logger is configured, or by a regular expression with named groups; as a text that stands
 * between slashes.
 * @throws {Error} with what may have been meant
 */
export function parseRecordFormat(given: string | RegExp): RecordFormat {
  if (types.isRegExp(given)) return new RecordFormat([grouped(given)]);
  const named = NAMED.get(given.toLowerCase());
  if (named !== undefined) return named;
  const slashed = /^\/(.+)\/([a-z]*)$/s.exec(given);
  if (slashed !== null) return new RecordFormat([grouped(new RegExp(slashed[1]!, slashed[2]))]);
  if (isLayout(given)) return new RecordFormat([layoutShape(given)]);
  const near = closestMatch(given.toLowerCase(), [...NAMED.keys()], { maxDistance: Math.floor(given.length / 2) });
  const hint =
    near === undefined ? `There are: ${[...NAMED.keys()].join(", ")}; ` : `Did you mean "${near}"? Else give `;
  throw new Error(
    `There is no format "${given}". ${hint}a pattern such as "%(asctime)s %(levelname)s %(message)s", or /(?<level>\\w+) (?<message>.*)/s.`,
  );
}

function grouped(pattern: RegExp): Shape {
  if (!/\(\?<[^=!]/.test(pattern.source)) throw new Error(`${pattern} has no named group, such as (?<message>.*).`);
  return patternShape(pattern);
}

// Lines that belong to the record before them, in any format: stack traces of V8, Java, Python, .NET, Go.
const CONTINUATION =
  /^(?:\s|$|[}\])]|Traceback \(most recent call last\):|Caused by:|\.\.\. \d+ more|During handling of the above|The above exception)/;

/** Says of line after line whether a record begins with it. One for each reading. */
export class LineSorter {
  readonly #format: RecordFormat;
  #last: Shape | undefined;
  #isTraceback = false;
  #shape: Shape | undefined;

  constructor(format: RecordFormat) {
    this.#format = format;
  }

  /** The shape of records of which a header has said how they look. */
  get shape(): Shape | undefined {
    return this.#shape;
  }

  /** For JSON, of which the first byte is enough. */
  beginsJson(): void {
    this.#last = json;
    this.#isTraceback = false;
  }

  /** True for a line of a header, which is no record. */
  header(line: string): boolean {
    const isHeader = this.#format.hasHeaders && W3C_DIRECTIVE.test(line);
    if (isHeader && line.startsWith("#Fields:")) this.#shape = w3c(line);
    return isHeader;
  }

  sort(line: string): "begins" | "goes on" | "header" {
    if (this.header(line)) return "header";
    const shape = this.#shapeOf(line);
    if (shape !== undefined) {
      this.#last = shape;
      this.#isTraceback = false;
      return "begins";
    }
    return this.#goesOn(line) ? "goes on" : "begins";
  }

  #shapeOf(line: string): Shape | undefined {
    if (this.#shape?.begins(line)) return this.#shape;
    const last = this.#last;
    if (last?.begins(line)) return last;
    // Behind a time, "ERROR:x:y" and "error: x" are a line of the message.
    return this.#format.shapes.find(
      (shape) => shape !== last && (shape === json || shape.isTimed || !last?.isTimed) && shape.begins(line),
    );
  }

  #goesOn(line: string): boolean {
    if (this.#last !== undefined && this.#last !== json) return true;
    const isContinuation = CONTINUATION.test(line);
    // The last line of Python's is not indented.
    const isEnd = this.#isTraceback && !isContinuation;
    this.#isTraceback = line.startsWith("Traceback") || (this.#isTraceback && isContinuation);
    return isContinuation || isEnd;
  }
}
