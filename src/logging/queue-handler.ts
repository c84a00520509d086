import { Handler, type HandlerOptions } from "./handler.js";
import type { LogRecord } from "./record.js";

/** Where a {@link QueueHandler} puts records: a `LogQueue`, or what sends them to another thread or process. */
export interface RecordSink {
  put(record: LogRecord): unknown;
}

/** Puts records into a queue, from which a `QueueListener` brings them to handlers. */
export class QueueHandler extends Handler {
  readonly queue: RecordSink;

  constructor(queue: RecordSink, options?: HandlerOptions) {
    super(options);
    this.queue = queue;
  }

  override emit(record: LogRecord): void {
    this.enqueue(this.prepare(record));
  }

  enqueue(record: LogRecord): void {
    this.queue.put(record);
  }

  /**
   * The record as it can be sent elsewhere: a copy, in whose message are its arguments, what was thrown and the stack.
   * The handlers behind the queue add what they format, but find no `args` and no `excInfo`.
   */
  prepare(record: LogRecord): LogRecord {
    const text = this.format(record);
    const copy = record.copy();
    copy.msg = text;
    copy.message = text;
    copy.args = undefined;
    copy.excInfo = undefined;
    copy.excText = undefined;
    copy.stackInfo = undefined;
    return copy;
  }
}
