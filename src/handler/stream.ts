import { Writable } from "node:stream";
import type { LogFileError } from "../base/errors.js";
import { report } from "../events/event-queue.js";
import { refused } from "../options/validation.js";
import { flushAtExit, forget } from "../platform/exit-hooks.js";
import { isPlainUtf8 } from "../records/encodings.js";
import { LineSplitter, part } from "../records/line-splitter.js";
import { whenReady } from "./backpressure.js";
import type { RecordSink } from "./record-sink.js";

/** What is a record in what a stream is given. */
export interface StreamOptions {
  /**
   * `true`: each line is a record. `false`: also a text that is written at once and ends with a line feed, as
   * `console.Console`, bunyan and morgan write it, so that the lines of a stack trace stay together. Bytes, and texts
   * without a line feed at their end, are always joined and cut into lines: a pipe delivers them in any pieces.
   * @default false
   */
  readonly lines?: boolean;
}

type Callback = (error?: Error | null) => void;

/**
 * A Writable whose records go to `handler`. When its delivery queues records and the queue is full, the stream waits for
 * it to drain. The end of the stream waits until all its records are in the file; the handler stays open.
 */
export class HandlerStream<Handler extends RecordSink = RecordSink> extends Writable {
  /** Writes the records. The stream does not close it. */
  readonly handler: Handler;
  readonly #lines: boolean;
  readonly #splitter = new LineSplitter();
  readonly #takesBytes: boolean;

  constructor(handler: Handler, { lines = false }: StreamOptions = {}) {
    super({ decodeStrings: false });
    const options = handler.toJSON();
    if (options.onLockTimeout === "throw") {
      throw refused("onLockTimeout", "throw", '"spill" or "wait", since nobody catches what a stream throws');
    }
    this.handler = handler;
    this.#lines = lines;
    this.#takesBytes = isPlainUtf8((options.encoding ?? "utf-8") as string);
  }

  /** Calls back when everything written before is in the file, or with the error that says why it is not. */
  flush(callback: Callback): void {
    if (this.writableEnded) flushTo(this.handler, callback);
    else this.write("", (error) => (error ? callback(error) : flushTo(this.handler, callback)));
  }

  /** When the process exits: what has come of a line is written. */
  flushSync(): void {
    this.endLine();
    this.handler.flushSync();
  }

  /** Takes what has come of a line for the whole of it. */
  endLine(): void {
    forget(this);
    for (const line of this.#splitter.end()) this.#writeLine(line);
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, callback: Callback): void {
    this.#push(chunk, encoding);
    whenReady(this.handler, callback);
  }

  override _final(callback: Callback): void {
    this.endLine();
    flushTo(this.handler, (error) => callback(tellUnheard(this, this.handler, error)));
  }

  #push(chunk: string | Buffer, encoding: BufferEncoding): void {
    const isText = typeof chunk === "string" && (encoding === "utf8" || encoding === "utf-8");
    if (isText && !this.#lines && this.#splitter.isEmpty && chunk.endsWith("\n")) {
      this.handler.write(chunk);
      return;
    }
    const data = typeof chunk !== "string" || isText ? chunk : Buffer.from(chunk, encoding);
    // Only what must be joined is copied, and becomes bytes: that takes twice as long.
    const first = this.#splitter.isEmpty ? 0 : data.indexOf("\n") + 1 || data.length;
    const last = Math.max(first, data.lastIndexOf("\n") + 1);
    if (first > 0) this.#join(part(data, 0, first));
    if (last > first) this.#writeLines(part(data, first, last));
    if (last < data.length) this.#join(part(data, last));
  }

  #join(piece: string | Buffer): void {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    for (const line of this.#splitter.push(bytes)) this.#writeLine(line);
    if (this.#splitter.isEmpty) forget(this);
    else flushAtExit(this);
  }

  #writeLines(lines: string | Buffer): void {
    this.handler.writeLines(this.#takesBytes ? lines : lines.toString("utf8"));
  }

  #writeLine(line: Buffer): void {
    this.handler.write(this.#takesBytes ? line : line.toString("utf8"));
  }
}

/** `handler.flush()`, for those that take callbacks. */
export function flushTo(handler: RecordSink, callback: Callback): void {
  handler.flush().then(() => callback(), callback);
}

/** An error that nobody listens for does not end the process: it is reported as one of the handler. */
export function tellUnheard(
  listening: { listenerCount(event: "error"): number } | undefined,
  handler: RecordSink,
  error: Error | null | undefined,
): Error | undefined {
  if (!error || (listening?.listenerCount("error") ?? 0) > 0) return error ?? undefined;
  report(handler, "error", error as LogFileError);
  return undefined;
}
