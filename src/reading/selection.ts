import { LogFileError } from "../base/errors.js";
import type { LogFile } from "../log-files/list-files.js";
import { both, type Condition, compare, hasLevel, Literal } from "./fields/condition.js";
import { parsePath } from "./fields/field-path.js";
import { parseLevels } from "./fields/levels.js";
import { AUTO, parseRecordFormat, type RecordFormat } from "./fields/record-format.js";
import { parseWhere } from "./fields/where.js";
import type { Block, LogRecord } from "./records/block.js";
import { WholeRecords } from "./records/whole-records.js";

/** Which records of a log are wanted. All conditions that are given hold. */
export interface Selection {
  /**
   * Only records of this time and later: a date, or milliseconds since 1970. The time is what the record itself says, as
   * an ISO 8601 date or in a JSON key such as `time`; one that says nothing belongs to the one before it.
   */
  readonly since?: Date | number | undefined;
  /** Only records before this time. */
  readonly until?: Date | number | undefined;
  /** Only records of which a line matches. With this and what follows, a stack trace belongs to its record. */
  readonly grep?: RegExp | undefined;
  /** Only records of this level, such as `"error"`; with a plus of those above it too, such as `"warning+"`. */
  readonly level?: string | undefined;
  /** Only records whose fields have these values, by their paths: `{ "user.id": 42 }`. */
  readonly field?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  /** Only records of which this holds, such as `status >= 500 && path ~ "^/api" || !user.id`. */
  readonly where?: string | undefined;
  /**
   * How records look, for their fields and levels: `"json"`, `"logging"`, `"log4js"`, `"clf"`, `"combined"`, `"w3c"`; how a
   * logger is configured, such as `"%(asctime)s %(levelname)s %(message)s"` or `"[%d] [%p] %c - %m"`; or a regular
   * expression with named groups. Default: `"auto"`, each as it looks.
   */
  readonly format?: string | RegExp | undefined;
  /** Only the last so many of them. */
  readonly last?: number | undefined;
}

/**
 * Those of the records of `blocks` that are wanted, in order. When the blocks pause, the last ones come then.
 * @param isEnded asked for each block and record; then no more come
 * @internal
 */
export async function* select(
  blocks: AsyncIterable<Block>,
  selection: Selection,
  isEnded: () => boolean = () => false,
): AsyncGenerator<LogRecord, void> {
  const { last } = selection;
  // A ring: the oldest of the last ones is overwritten.
  let kept: LogRecord[] | undefined = last === undefined ? undefined : [];
  let count = 0;
  for await (const { records, isPause } of matching(blocks, selection)) {
    if (isEnded()) return; // also when no record is wanted
    for (const record of records) {
      if (isEnded()) return;
      if (kept === undefined || last === undefined) yield record;
      else if (last > 0) kept[count++ % last] = record.detached();
    }
    if (!isPause || kept === undefined || last === undefined) continue;
    for (let i = Math.max(0, count - last); i < count && !isEnded(); i++) yield kept[i % last]!;
    kept = undefined;
  }
}

/** Those of a block, and whether the blocks pause or end there. One by one, each would wait for a turn more. */
async function* matching(
  blocks: AsyncIterable<Block>,
  selection: Selection,
): AsyncGenerator<{ records: Iterable<LogRecord>; isPause: boolean }, void> {
  const filter = new Filter(selection);
  const whole = isByRecord(selection) ? new WholeRecords(formatOf(selection)) : undefined;
  for await (const block of blocks) {
    const { isPause } = block;
    yield { records: filter.of(isPause ? (whole?.end() ?? []) : (whole?.of(block) ?? block.records())), isPause };
  }
  yield { records: filter.of(whole?.end() ?? []), isPause: true };
}

/** Else each line is a record, which is quicker. @internal */
export function isByRecord({ grep, level, field, where, format }: Selection): boolean {
  return [grep, level, field, where, format].some((value) => value !== undefined);
}

/** Asked of records in their order. @internal */
export class Filter {
  readonly #since: number;
  readonly #until: number;
  readonly #isTimed: boolean;
  readonly #pattern: RegExp | undefined;
  readonly #condition: Condition | undefined;
  #time: number | undefined;

  constructor(selection: Selection) {
    const { since, until, grep } = selection;
    this.#isTimed = since !== undefined || until !== undefined;
    this.#since = Number(since ?? Number.NEGATIVE_INFINITY);
    this.#until = Number(until ?? Number.POSITIVE_INFINITY);
    // Its lines are asked one by one, also of a record that has several.
    this.#pattern = grep === undefined ? undefined : new RegExp(grep.source, `${grep.flags.replace(/[gmy]/g, "")}m`);
    this.#condition = conditionOf(selection);
  }

  *of(records: Iterable<LogRecord>): Generator<LogRecord> {
    for (const record of records) if (this.#holds(record)) yield record;
  }

  #holds(record: LogRecord): boolean {
    if (this.#isTimed) {
      this.#time = record.time ?? this.#time;
      if (this.#time === undefined || !(this.#time >= this.#since && this.#time < this.#until)) return false;
    }
    if (this.#pattern?.test(record.text) === false) return false;
    const condition = this.#condition;
    if (condition === undefined) return true;
    return (condition.scan === undefined || record.mayHold(condition.scan)) && condition.holds(record);
  }
}

/**
 * What `level`, `field` and `where` ask for together; undefined when none is given.
 * @throws {LogFileError} `ERR_CLH_OPTION`
 * @internal
 */
export function conditionOf({
  level,
  field,
  where,
}: Pick<Selection, "level" | "field" | "where">): Condition | undefined {
  const conditions: Condition[] = [];
  if (level !== undefined) conditions.push(hasLevel(readOption("level", level, parseLevels)));
  for (const [path, value] of Object.entries(field ?? {})) {
    conditions.push(compare(readOption("field", path, parsePath), "==", new Literal(value)));
  }
  if (where !== undefined) conditions.push(readOption("where", where, parseWhere));
  return conditions.length === 0 ? undefined : conditions.reduce(both);
}

/** @throws {LogFileError} `ERR_CLH_OPTION` @internal */
export function formatOf({ format }: Pick<Selection, "format">): RecordFormat {
  return format === undefined ? AUTO : readOption("format", format, parseRecordFormat);
}

function readOption<Given, Value>(option: string, given: Given, read: (given: Given) => Value): Value {
  try {
    return read(given);
  } catch (error) {
    const { message } = error as Error;
    throw new LogFileError("ERR_CLH_OPTION", `Cannot read the option \`${option}\`: ${message}`, {
      option,
      value: given,
    });
  }
}

// Milliseconds that a date without a zone, taken for a local one, may be off: from UTC-12 to UTC+14.
const ZONES = 26 * 3_600_000;

/** False when all records of the file are older than wanted: it was not written since. @internal */
export function isWantedFile({ since }: Selection, { status, kind }: LogFile): boolean {
  return since === undefined || kind === "active" || status.modifiedAt * 1000 + ZONES >= Number(since);
}
