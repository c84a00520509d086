import { writeToStandardError } from "../../platform/standard-error.js";
import type { LogRecord } from "../record.js";
import { Handler, type HandlerOptions } from "./handler.js";

/** What a {@link StreamHandler} writes to: a stream of Node, or anything like it. */
export interface TextSink {
  /** Given the text of each record, with its terminator. */
  write(text: string): unknown;
}

const standardError: TextSink = { write: writeToStandardError };

/**
 * Writes records to a stream, by default to the descriptor of standard error, which may fail without harm:
 * `process.stderr` is to be given where a program has replaced it.
 */
export class StreamHandler extends Handler {
  /** Ends each record. */
  terminator = "\n";
  #stream: TextSink | undefined;

  constructor(stream?: TextSink, options?: HandlerOptions) {
    super(options);
    this.#stream = stream;
  }

  /** Where it writes to. */
  get stream(): TextSink {
    return this.#stream ?? standardError;
  }

  /** Writes to another stream; returns the one before, if it was another. */
  setStream(stream: TextSink | undefined): TextSink | undefined {
    const before = this.stream;
    this.#stream = stream;
    return before === this.stream ? undefined : before;
  }

  override emit(record: LogRecord): void {
    this.stream.write(this.format(record) + this.terminator);
  }
}

/** Does nothing; for libraries, so that those who do not configure logging hear nothing of it. */
export class NullHandler extends Handler {
  override handle(record: LogRecord): LogRecord {
    return record;
  }

  override emit(): void {}
}
