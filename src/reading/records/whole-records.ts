import { LineSorter, type RecordFormat } from "../fields/record-format.js";
import type { Block, LogRecord } from "./block.js";

/** Characters of a record with all its lines; what comes behind them is another one. */
const LONGEST = 1024 ** 2;

/** Puts lines together that belong to one record, such as those of a stack trace. */
export class WholeRecords {
  readonly #sorter: LineSorter;
  /** The last one, of which more may come with the next block. */
  #open: LogRecord | undefined;

  constructor(format: RecordFormat) {
    this.#sorter = new LineSorter(format);
  }

  /** The records that are complete, now that this block has come. */
  *of(block: Block): Generator<LogRecord> {
    const joined = this.#open?.with(block);
    if (joined === undefined) yield* this.end();
    for (const line of block.header()) this.#sorter.header(line);
    let open: LogRecord | undefined;
    for (const line of (joined ?? block).records()) {
      const what = this.#sort(line);
      if (what === "goes on" && open !== undefined && line.offset - open.offset < LONGEST) {
        open = open.upTo(line);
        continue;
      }
      if (open !== undefined) yield open;
      const { shape } = this.#sorter;
      open = what === "header" ? undefined : shape?.begins(line.head) ? line.shaped(shape) : line;
    }
    this.#open = open;
  }

  /** The last record, to which no more comes. */
  *end(): Generator<LogRecord> {
    if (this.#open !== undefined) yield this.#open;
    this.#open = undefined;
  }

  #sort(line: LogRecord): "begins" | "goes on" | "header" {
    if (!line.beginsAsJson) return this.#sorter.sort(line.head);
    this.#sorter.beginsJson();
    return "begins";
  }
}
