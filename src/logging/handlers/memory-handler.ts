import { LogFileError } from "../../base/errors.js";
import type { WaitOptions } from "../../options/options.js";
import { repr } from "../formatting/python-text.js";
import { checkLevel, ERROR, type Level } from "../levels.js";
import type { LogRecord } from "../record.js";
import { Handler, type HandlerOptions } from "./handler.js";

/** Options of {@link MemoryHandler}. */
export interface MemoryHandlerOptions extends HandlerOptions {
  /**
   * A record of this level sends all that are kept.
   * @default "ERROR"
   */
  readonly flushLevel?: Level | undefined;
  /** Where they are sent; without one they are kept until there is one, or until they are too many. */
  readonly target?: Handler | undefined;
  /**
   * Send what is kept when the handler is closed.
   * @default true
   */
  readonly flushOnClose?: boolean | undefined;
}

/** Keeps records until there are `capacity` of them, or a severe one, and sends them to another handler then. */
export class MemoryHandler extends Handler {
  /** So many records send all that are kept. */
  readonly capacity: number;
  /** A record of this level, or above, does so too. */
  readonly flushLevel: number;
  /** Whether closing does so too. */
  readonly flushOnClose: boolean;
  /** Where records are sent; undefined: they are kept. */
  target: Handler | undefined;
  /** Records that are kept, the oldest first. */
  buffer: LogRecord[] = [];

  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong capacity or level */
  constructor(
    capacity: number,
    { flushLevel = ERROR, target, flushOnClose = true, ...options }: MemoryHandlerOptions = {},
  ) {
    super(options);
    if (typeof capacity !== "number" || !(capacity >= 0)) {
      const message = `Expected the option \`capacity\` to be a number, 0 or more, got ${repr(capacity)}.`;
      throw new LogFileError("ERR_CLH_OPTION", message, { option: "capacity", value: capacity });
    }
    this.capacity = capacity;
    this.flushLevel = checkLevel(flushLevel);
    this.target = target;
    this.flushOnClose = flushOnClose;
  }

  /** Sets `target`. */
  setTarget(target: Handler | undefined): void {
    this.target = target;
  }

  override emit(record: LogRecord): void {
    record.settle(this.needsCaller());
    this.buffer.push(record);
    if (this.shouldFlush(record)) this.flushSync();
  }

  /** Whether all are sent, now that this record is kept; for subclasses to change. */
  shouldFlush(record: LogRecord): boolean {
    return this.buffer.length >= this.capacity || record.levelno >= this.flushLevel;
  }

  override needsCaller(): boolean {
    return this.target?.needsCaller() ?? false;
  }

  override flush(options?: WaitOptions): void | Promise<void> {
    this.flushSync();
    return this.target?.flush(options);
  }

  override flushSync(): void {
    const { target, buffer } = this;
    // Without a target they wait for one, but not without end.
    this.buffer = target === undefined ? buffer.slice(Math.max(buffer.length - this.capacity, 0)) : [];
    if (target !== undefined) for (const record of buffer) target.handle(record);
  }

  override close(): void {
    if (this.flushOnClose) this.flushSync();
    super.close();
  }
}
