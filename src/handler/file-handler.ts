import { EventEmitter } from "node:events";
import type { LogFileError } from "../base/errors.js";
import { ASYNC_DISPOSE, DISPOSE } from "../base/shared-state.js";
import { createDelivery, roleOf } from "../delivery/create-delivery.js";
import type { Delivery } from "../delivery/delivery.js";
import { News } from "../events/event-queue.js";
import type { HandlerEvents } from "../events/handler-events.js";
import { tracer } from "../events/trace.js";
import type { Namer } from "../log-files/backup-names.js";
import { type HandlerJson, optionsToJson } from "../options/handler-json.js";
import type { Rotator, WaitOptions } from "../options/options.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import { signalOf } from "../options/validation.js";
import { beforeOthers } from "../platform/clock.js";
import type { Environment } from "../platform/environment.js";
import { Batch } from "../records/batch.js";
import { Encoder } from "../records/encoder.js";
import { LogWriter } from "../writer/log-writer.js";
import type { HandlerStats } from "../writer/stats.js";
import { HandlerStream, type StreamOptions } from "./stream.js";
import { Turn } from "./turn.js";

/**
 * Appends records to a file that other handlers append to as well, in this process, in others and in Python. A subclass
 * says when the file is rotated. No file is touched before the first record.
 */
export abstract class ConcurrentFileHandler extends EventEmitter<HandlerEvents> {
  readonly #events: News;
  readonly #writer: LogWriter;
  readonly #encoder: Encoder;
  readonly #delivery: Delivery;
  readonly #turn: Turn;
  /** Records of namers and rotators that were too large. */
  #oversizedLater = 0;

  /**
   * @param warning told when whoever makes the handler has had the time to listen
   * @internal
   */
  protected constructor(options: ResolvedOptions, environment: Environment, warning?: LogFileError) {
    super();
    this.#events = new News(this, tracer(options.debug));
    this.#writer = new LogWriter(options, environment, this.#events, roleOf(options, environment));
    this.#encoder = this.#writer.encoder;
    this.#delivery = createDelivery(this.#writer, environment);
    this.#turn = new Turn(environment.clock);
    if (warning !== undefined) beforeOthers(() => this.#events.tell("warning", warning));
  }

  /** Absolute path of the log file. */
  get filename(): string {
    return this.#writer.options.filename;
  }

  /** Names the backups; see the option. Called with the lock held. */
  get namer(): Namer | undefined {
    return this.#writer.namer;
  }

  set namer(namer: Namer | undefined) {
    this.#writer.namer = namer;
  }

  /** Moves the file in a rotation; see the option. Called with the lock held. */
  get rotator(): Rotator | undefined {
    return this.#writer.rotation.rotator;
  }

  set rotator(rotator: Rotator | undefined) {
    this.#writer.rotation.rotator = rotator;
  }

  /**
   * Appends one record.
   * @param record text, to which the terminator is added unless it ends with it; or bytes in the log's encoding
   * @returns With delivery `sync`: true when the record is in the file; false when it is kept in memory and tried again,
   *   or was refused or dropped: an `error` or `drop` event has said why. With the others: false when so much waits that
   *   the caller should pause until `drain`. A failing disk or lock is never thrown.
   */
  write(record: string | Uint8Array): boolean {
    if (this.#writer.isWriting) return this.#writeLater(record);
    const place = this.#delivery.reserve(this.#encoder.longest(record));
    if (place !== undefined) {
      const length = this.#encoder.encodeInto(place.bytes, place.start, record as string);
      if (length >= 0) return this.#delivery.filled(length);
    }
    let batch: Batch;
    try {
      batch = this.#encoder.encode(record);
    } catch (error) {
      this.#events.tell("error", error as LogFileError);
      this.#delivery.push(new Batch()); // the file is made all the same, as upstream does
      return false;
    }
    return this.#delivery.push(batch);
  }

  /** As `write`, of each line of text, or of bytes in UTF-8 for a log in UTF-8: many at once take less time. */
  writeLines(lines: string | Buffer): boolean {
    let isTaken = true;
    for (const part of this.#encoder.encodeLines(lines, this.#writer.isWriting))
      isTaken = (part instanceof Batch ? this.#delivery.push(part) : this.write(part)) && isTaken;
    return isTaken;
  }

  /**
   * Appends one record, and resolves when it is in the file.
   * @param record as `write` takes it
   * @param options `signal`: aborted before the call, the record is not taken; aborted later, the record is written all
   *   the same, and only the wait ends
   * @throws {LogFileError} `ERR_CLH_FLUSH` when it cannot be written within `lockTimeout` (unless it is dropped then, it
   *   is tried again), `ERR_CLH_ENCODE` when it is refused, `ERR_CLH_OPTION` for a wrong option
   * @throws the reason of the signal, when that is aborted before the record is in the file
   */
  async writeAsync(record: string | Uint8Array, options?: WaitOptions): Promise<void> {
    const signal = signalOf(options);
    if (this.#writer.isWriting) this.#writeLater(record);
    else this.#delivery.push(this.#encoder.encode(record));
    await this.#turn.after(this.#delivery.written(signal));
  }

  /** True after `write` has asked for a pause, until `drain`. */
  get writableNeedDrain(): boolean {
    return this.#delivery.needsDrain;
  }

  /**
   * Resolves when every record written before is in the file.
   * @param options `signal`: ends the wait; what waits is written all the same
   * @throws {LogFileError} `ERR_CLH_FLUSH` when a record cannot be written within `lockTimeout`, or was dropped since the
   *   last `flush()`; `ERR_CLH_OPTION` for a wrong option
   * @throws the reason of the signal, when that is aborted before all are in the file
   */
  async flush(options?: WaitOptions): Promise<void> {
    await this.#turn.after(this.#delivery.flush(signalOf(options)));
  }

  /** Writes what is kept in memory, waiting for the lock at most `lockTimeout`; true when nothing is left. */
  flushSync(): boolean {
    return this.#delivery.flushSync();
  }

  /**
   * Opens lock and log file now rather than at the first record, to see at once that it can be done.
   * @throws {LogFileError} `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT` or `ERR_CLH_OPEN`
   */
  open(): void {
    this.#writer.open();
  }

  /** Rotates now, whatever the size; true when that was done. A file without records is left as it is. */
  rotate(): boolean {
    if (this.#writer.isWriting) return false;
    this.flushSync();
    return this.#writer.rotate();
  }

  /** Resolves when no compression that this handler has started is under way, nor a call of `onArchived`. */
  swept(): Promise<void> {
    return this.#writer.whenSwept();
  }

  /** Writes what is kept in memory and closes all files. A record that is written later opens them again. */
  close(): void {
    this.flushSync();
    this.#delivery.close();
    this.#writer.close();
  }

  /** Counts records, bytes and failures since the handler was made, and the records that it has yet to write. */
  stats(): HandlerStats {
    const oversized = this.#encoder.oversized + this.#oversizedLater;
    return { ...this.#writer.counts, dropped: this.#writer.dropped, oversized, pending: this.#delivery.pending };
  }

  /** The options from which another process can make the same handler; functions are named, and must be given again. */
  toJSON(): HandlerJson {
    return optionsToJson({ ...this.#writer.options, namer: this.namer, rotator: this.rotator });
  }

  /** A Writable for what wants a stream: `console.Console`, bunyan, morgan, `pipe`; see {@link HandlerStream}. */
  toStream(options?: StreamOptions): HandlerStream<ConcurrentFileHandler> {
    return new HandlerStream(this, options);
  }

  [DISPOSE](): void {
    this.close();
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    this.close();
    await this.swept();
  }

  /** A record of a namer or rotator that is called while the lock is held: after it. */
  #writeLater(record: string | Uint8Array): false {
    const encoder = new Encoder(this.#writer.options);
    this.#delivery.keep(encoder.encode(record));
    this.#oversizedLater += encoder.oversized;
    return false;
  }
}
