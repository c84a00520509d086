import { Stream } from "node:stream";
import { LogFileError } from "../base/errors.js";
import { isError } from "../base/system-errors.js";
import { report } from "../events/event-queue.js";
import type { ConcurrentFileHandler } from "../handler/file-handler.js";
import { systemClock } from "../platform/clock.js";
import { followLog } from "../reading/follow-log.js";
import { blockReader, type ReadOptions } from "../reading/read-log.js";
import type { Block, LogRecord } from "../reading/records/block.js";
import { readBlocks } from "../reading/records/read-blocks.js";
import { isWantedFile } from "../reading/selection.js";

/** As of winston's File. */
export interface QueryOptions {
  /** At most so many records. Default: `limit`, or 10. */
  readonly rows?: number;
  /** The same. */
  readonly limit?: number;
  /** Records of the log that are passed over, from the oldest on. Default: 0. */
  readonly start?: number;
  /** Only records with a `timestamp` not before it, or without one. Default: a day before `until`. */
  readonly from?: Date | string | number;
  /** Only records with a `timestamp` not after it, or without one. Default: now. */
  readonly until?: Date | string | number;
  /** Default: `"desc"`, the newest first. */
  readonly order?: "asc" | "desc";
  /** Only these keys of each record. */
  readonly fields?: readonly string[];
  /** Only records of this level. */
  readonly level?: string;
}

/** A record as `format` has written it. */
export type Found = Record<string, unknown>;

/** Told what was found, the error that kept it from being found, or neither. */
export type QueryCallback = (error?: Error | null, found?: Found[]) => void;

const DAY = 24 * 60 * 60 * 1000;

/** @throws {LogFileError} `ERR_CLH_READ` when the log cannot be read, or none of its records is JSON */
export async function query(handler: ConcurrentFileHandler, options: QueryOptions): Promise<Found[]> {
  const { start = 0, order, fields } = options;
  const rows = options.rows || options.limit || 10;
  const found: Found[] = [];
  for await (const record of matching(handler, options, start)) {
    found.push(record);
    if (found.length <= rows) continue;
    if (order === "asc") break;
    found.shift();
  }
  const inOrder = order === "asc" ? found.slice(0, rows) : found.reverse();
  return fields ? inOrder.map((record) => Object.fromEntries(fields.map((key) => [key, record[key]]))) : inOrder;
}

async function* matching(handler: ConcurrentFileHandler, options: QueryOptions, start: number): AsyncGenerator<Found> {
  const until = new Date(options.until || systemClock.now()).getTime();
  const from = new Date(options.from || until - DAY).getTime();
  const reader = blockReader(handler.filename, readingOf(handler));
  // Rows are counted from the first record of the log: only where none are counted is an old file passed over.
  const blocks = readBlocks({ ...reader, isWanted: (file) => start > 0 || isWantedFile({ since: from }, file) });
  let row = 0;
  let strangers = 0;
  for await (const { text } of recordsOf(blocks)) {
    if (row++ < start) continue;
    const record = parsed(text);
    if (record === undefined) {
      strangers++;
      continue;
    }
    const time = new Date(record.timestamp as string).getTime();
    if (time < from || time > until || (options.level && record.level !== options.level)) continue;
    yield record;
  }
  if (strangers > 0 && strangers === row - start) throw noJson(handler.filename);
}

/** None when nothing was logged yet. */
async function* recordsOf(blocks: AsyncIterable<Block>): AsyncGenerator<LogRecord> {
  try {
    for await (const block of blocks) yield* block.records();
  } catch (error) {
    const isNothing = error instanceof LogFileError && error.code === "ERR_CLH_READ" && error.cause === undefined;
    if (!isNothing) throw error;
  }
}

function noJson(path: string): LogFileError {
  const message = `Cannot query ${path}: none of its records is JSON. Log them with \`winston.format.json()\`.`;
  return new LogFileError("ERR_CLH_READ", message, { path });
}

/**
 * The records of the active file and, as they are written, those behind them. Events: `data`, the text of a record;
 * `log`, the record as an object where that is JSON; `error`; `close`, after {@link LogStream.destroy}.
 */
export class LogStream extends Stream {
  readonly #end = new AbortController();

  /** @param start the first record that is told, counted from 0; -1 is the end of the log */
  constructor(handler: ConcurrentFileHandler, start: number) {
    super();
    this.#follow(handler, start).then(
      () => this.emit("close"),
      (error) => this.emit("error", error),
    );
  }

  /** Ends it: no more records are told, and `close` is. */
  destroy(): void {
    this.#end.abort();
  }

  async #follow(handler: ConcurrentFileHandler, start: number): Promise<void> {
    const last = start === -1 ? 0 : Number.MAX_SAFE_INTEGER;
    const records = followLog(handler.filename, { ...readingOf(handler), last, signal: this.#end.signal });
    let row = 0;
    for await (const { text } of records) {
      if (row++ < start) continue;
      this.emit("data", text);
      const record = parsed(text);
      if (record !== undefined) this.emit("log", record);
    }
  }
}

function readingOf(handler: ConcurrentFileHandler): ReadOptions {
  const { encoding, terminator, lockFileDirectory, backupName, archiveDirectory } = handler.toJSON() as ReadOptions;
  const onProblem = (problem: LogFileError) => report(handler, "warning", problem);
  return { encoding, terminator, lockFileDirectory, backupName, archiveDirectory, onProblem } as ReadOptions;
}

/** Undefined for what is no object in JSON. */
function parsed(text: string): Found | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Found) : undefined;
  } catch (error) {
    if (isError(error, "SyntaxError")) return undefined; // of another format, or another program
    throw error;
  }
}
