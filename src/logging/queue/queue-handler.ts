import type { WaitOptions } from "../../options/options.js";
import { CALLER_FIELDS } from "../formatting/formatter.js";
import { Handler, type HandlerOptions } from "../handlers/handler.js";
import { type LogRecord, makeLogRecord } from "../record.js";
import type { QueueListener } from "./queue-listener.js";

/** Where a {@link QueueHandler} puts records: a `LogQueue`, or what sends them to another thread or process. */
export interface RecordSink {
  /** Takes over one record, which was prepared. */
  put(record: LogRecord): unknown;
  /** Whether the file or line of log calls will be asked for. Without it, they are found out for every record. */
  needsCaller?(): boolean;
}

/** Puts records into a queue, from which a `QueueListener` brings them to handlers. */
export class QueueHandler extends Handler {
  /** Where records are put. */
  readonly queue: RecordSink;
  /** The one that belongs to it, if a configuration has made both. */
  listener: QueueListener | undefined;

  constructor(queue: RecordSink, options?: HandlerOptions) {
    super(options);
    this.queue = queue;
  }

  override emit(record: LogRecord): void {
    this.enqueue(this.prepare(record));
  }

  /** Puts a record, which was prepared, into the queue; for subclasses to change. */
  enqueue(record: LogRecord): void {
    this.queue.put(record);
  }

  /**
   * The record as it can be sent elsewhere: a copy, in whose message are its arguments, what was thrown and the stack.
   * The handlers behind the queue add what they format, but find no `args` and no `excInfo`.
   */
  prepare(record: LogRecord): LogRecord {
    const text = this.format(record);
    const caller = this.needsCaller() ? CALLER_FIELDS.map((name) => [name, record[name]]) : [];
    const nothing = { args: undefined, excInfo: undefined, excText: undefined, stackInfo: undefined };
    return makeLogRecord({ ...record, ...Object.fromEntries(caller), ...nothing, msg: text, message: text });
  }

  override needsCaller(): boolean {
    return super.needsCaller() || (this.queue.needsCaller?.() ?? true);
  }

  override flush(options?: WaitOptions): void | Promise<void> {
    return this.listener?.flush(options);
  }

  override flushSync(): void {
    this.listener?.flushSync();
  }

  override close(): void {
    this.listener?.close();
    super.close();
  }
}
