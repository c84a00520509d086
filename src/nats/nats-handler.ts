import { EventEmitter } from "node:events";
import { LogFileError } from "../base/errors.js";
import { ASYNC_DISPOSE, DISPOSE } from "../base/shared-state.js";
import { QueuedDelivery } from "../delivery/queued.js";
import { News } from "../events/event-queue.js";
import type { HandlerEvents } from "../events/handler-events.js";
import { Failures, lossError } from "../events/throttled-reporter.js";
import { tracer } from "../events/trace.js";
import type { RecordSink } from "../handler/record-sink.js";
import { HandlerStream, type StreamOptions } from "../handler/stream.js";
import { Turn } from "../handler/turn.js";
import type { WaitOptions } from "../options/options.js";
import { refused, signalOf } from "../options/validation.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import { Batch } from "../records/batch.js";
import { dropMarker } from "../records/drop-marker.js";
import { Encoder } from "../records/encoder.js";
import { Adopter } from "./adopter.js";
import { connectEngine, type Engine } from "./engine.js";
import { EngineError, failureOf, needsSomebody } from "./engine-errors.js";
import { Link } from "./link.js";
import type { NatsHandlerOptions } from "./nats-options.js";
import { natsPackages } from "./packages.js";
import { type ResolvedNatsOptions, resolveNatsOptions } from "./resolve-nats-options.js";
import { describeServers } from "./server-options.js";
import { SpoolDirectory, spoolError } from "./spool-directory.js";
import { StreamOutlet } from "./stream-outlet.js";
import { LONGEST_RECORD, positionSubject, readPosition } from "./wire.js";

/** Milliseconds between two looks for what other processes have left. */
const LOOK_MS = 30_000;

const TYPE = "NatsHandler";

/** What a {@link NatsHandler} has done since it was made, and what it has yet to do. */
export interface NatsHandlerStats {
  /** Records that it has brought into the stream, those that were dropped and have a marker there included. */
  readonly records: number;
  /** Bytes of these. */
  readonly bytes: number;
  /** Records that it has brought there for processes that had ended. */
  readonly adopted: number;
  /** Attempts that failed; what was not taken was sent again. */
  readonly failures: number;
  /** Records that are not acknowledged yet, in the sense of the option `acknowledge`. */
  readonly pending: number;
  /** Records that are lost: there was no room for them. */
  readonly dropped: number;
}

/** A handler as JSON: its class and its options. Secrets are files, of which it has the paths. */
export interface NatsHandlerJson {
  /** The name of its class. */
  readonly type: "NatsHandler";
  readonly [option: string]: unknown;
}

/**
 * Sends records to a stream of NATS JetStream, from which a collector (`clh collect`) writes them into one rotated log, each
 * once and in the order of its writer. Has the methods, events and promises of the file handlers with delivery `batched`.
 *
 * @example
 * const handler = new NatsHandler({ servers: "nats://log1,log2,log3", stream: "logs" });
 * handler.write("one record");
 */
export class NatsHandler extends EventEmitter<HandlerEvents> implements RecordSink {
  readonly #options: ResolvedNatsOptions;
  readonly #environment: Environment;
  readonly #events: News;
  readonly #encoder = newEncoder();
  readonly #failures: Failures;
  readonly #delivery: QueuedDelivery;
  readonly #outlet: StreamOutlet;
  readonly #spools: SpoolDirectory;
  readonly #turn: Turn;
  readonly #where: string;
  readonly #connect: () => Promise<Engine>;
  readonly #counts = { records: 0, bytes: 0, adopted: 0, failures: 0, dropped: 0 };
  #link: Link | undefined;
  #adopter: Adopter | undefined;
  #cancelLook: (() => void) | undefined;
  /** The cause for which the last attempt failed; undefined once something was taken. */
  #failure: { readonly cause: unknown } | undefined;
  /** Records have waited for `spillAfter`: what keeps them from the stream is to be told, now or when it is known. */
  #isLate = false;
  #isTold = false;

  /**
   * Connects when the first record is written.
   * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, and where the packages of NATS are missing
   */
  constructor(options: NatsHandlerOptions);
  /** @internal */
  constructor(options: NatsHandlerOptions, environment: Environment, connect?: () => Promise<Engine>);
  constructor(
    options: NatsHandlerOptions,
    environment: Environment = systemEnvironment(),
    connect?: () => Promise<Engine>,
  ) {
    super();
    this.#options = resolveNatsOptions(options);
    if (connect === undefined) natsPackages();
    this.#environment = environment;
    const { clock, fs } = environment;
    const { servers, stream, subject, debug, delivery, timeout } = this.#options;
    this.#where = `stream ${stream} on ${describeServers(servers)}`;
    this.#connect = connect ?? (() => connectEngine(servers, { fs, name: subject, isLasting: false }));
    this.#events = new News(this, tracer(debug));
    this.#failures = new Failures((error) => this.#events.tell("error", error), clock);
    this.#spools = new SpoolDirectory(this.#options.spillDirectory, environment);
    this.#turn = new Turn(clock);
    const owner = {
      options: { filename: this.#where, lockTimeout: timeout },
      clock,
      events: this.#events,
      markerOf: (count: number) => newEncoder().encode(dropMarker(count)),
      noteDrop: (count: number) => this.#noteDrop(count),
      noteLoss: (count: number) => {
        this.#noteDrop(count);
        this.#events.tell("error", lossError(this.#where, count));
      },
    };
    let outlet: StreamOutlet;
    this.#delivery = new QueuedDelivery(owner, delivery, (observer) => {
      outlet = new StreamOutlet(
        {
          owner,
          options: this.#options,
          spools: this.#spools,
          link: () => this.#openLink(),
          onSent: (records, bytes) => this.#noteSent(records, bytes),
          onLate: () => {
            this.#isLate = true;
            this.#tellFailure();
          },
          onSpoolFailure: (path, cause) => this.#noteSpoolFailure(path, cause),
          onClosed: () => this.#closeLink(),
        },
        observer,
      );
      return outlet;
    });
    this.#outlet = outlet!;
  }

  /**
   * Appends one record.
   * @param record text, to which a line feed is added unless it ends with one; or bytes in UTF-8
   * @returns false when so much waits that the caller should pause until `drain`, or when the record was refused or dropped:
   *   an `error` or `drop` event has said why. A failing server or disk is never thrown.
   */
  write(record: string | Uint8Array): boolean {
    const place = this.#delivery.reserve(this.#encoder.longest(record));
    if (place !== undefined) {
      const length = this.#encoder.encodeInto(place.bytes, place.start, record as string);
      if (length >= 0) return this.#delivery.filled(length);
    }
    try {
      return this.#delivery.push(this.#encoded(record));
    } catch (error) {
      this.#events.tell("error", error as LogFileError);
      return false;
    }
  }

  /** As `write`, of each line of text, or of bytes in UTF-8: many at once take less time. */
  writeLines(lines: string | Buffer): boolean {
    let isTaken = true;
    for (const part of this.#encoder.encodeLines(lines, false)) {
      const isBatch = part instanceof Batch && part.length <= LONGEST_RECORD;
      const records = part instanceof Batch ? part.bytes.subarray(part.start, part.end) : part;
      isTaken = (isBatch ? this.#delivery.push(part) : this.write(records)) && isTaken;
    }
    return isTaken;
  }

  /**
   * Appends one record, and resolves when it is acknowledged in the sense of the option `acknowledge`.
   * @param record as `write` takes it
   * @param options `signal`: aborted before the call, the record is not taken; aborted later, the record is sent all the
   *   same, and only the wait ends
   * @throws {LogFileError} `ERR_CLH_FLUSH` when there is no progress within `timeout` (unless it is dropped then, it is sent
   *   all the same), `ERR_CLH_RECORD_TOO_LARGE` when it is refused, `ERR_CLH_OPTION` for a wrong option
   * @throws the reason of the signal, when that is aborted before
   */
  async writeAsync(record: string | Uint8Array, options?: WaitOptions): Promise<void> {
    const signal = signalOf(options);
    this.#delivery.push(this.#encoded(record));
    await this.#turn.after(this.#delivery.written(signal));
  }

  /** True after `write` has asked for a pause, until `drain`. */
  get writableNeedDrain(): boolean {
    return this.#delivery.needsDrain;
  }

  /**
   * Resolves when every record written before is acknowledged in the sense of the option `acknowledge`.
   * @param options `signal`: ends the wait; what waits is sent all the same
   * @throws {LogFileError} `ERR_CLH_FLUSH` when there is no progress within `timeout`, or a record was dropped since the last
   *   `flush()`; `ERR_CLH_OPTION` for a wrong option
   * @throws the reason of the signal, when that is aborted before
   */
  async flush(options?: WaitOptions): Promise<void> {
    await this.#turn.after(this.#delivery.flush(signalOf(options)));
  }

  /** Puts what waits in memory on the disk, from where it is sent; true when all of it is acknowledged. */
  flushSync(): boolean {
    return this.#delivery.flushSync();
  }

  /**
   * Connects now rather than at the first record, to see at once that it can be done.
   * @throws {LogFileError} `ERR_CLH_ENGINE`
   */
  async open(): Promise<void> {
    try {
      await this.#openLink().engine();
    } catch (cause) {
      throw new EngineError(cause, "Cannot connect", this.#place);
    }
  }

  /**
   * Puts what waits in memory on the disk, and ends the connection when all of it is sent. A process that ends before leaves it
   * to the next one: `await flush()` first. A record that is written later connects again.
   */
  close(): void {
    this.flushSync();
    this.#delivery.close();
  }

  /** Counts records, bytes and failures since the handler was made, and the records that are not acknowledged yet. */
  stats(): NatsHandlerStats {
    return { ...this.#counts, pending: this.#delivery.pending };
  }

  /** The options from which another process can make the same handler. */
  toJSON(): NatsHandlerJson {
    const { servers, ...options } = this.#options;
    const { servers: hosts, tls, ...secrets } = servers;
    return { type: TYPE, servers: [...hosts], ...secrets, ...(tls !== undefined && { tls }), ...options };
  }

  /**
   * The handler that `JSON.stringify` has written, in this or another process.
   * @throws {LogFileError} `ERR_CLH_OPTION` for what is no such handler
   */
  static fromJSON(json: NatsHandlerJson | string): NatsHandler {
    const { type, ...options } = (typeof json === "string" ? JSON.parse(json) : json) as Partial<NatsHandlerJson>;
    if (type !== TYPE) throw refused("type", type, JSON.stringify(TYPE));
    return new NatsHandler(options as unknown as NatsHandlerOptions);
  }

  /** A Writable for what wants a stream: `console.Console`, bunyan, morgan, `pipe`; see {@link HandlerStream}. */
  toStream(options?: StreamOptions): HandlerStream<NatsHandler> {
    return new HandlerStream(this, options);
  }

  [DISPOSE](): void {
    this.close();
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.close();
    }
  }

  #encoded(record: string | Uint8Array): Batch {
    const batch = this.#encoder.encode(record);
    if (batch.length <= LONGEST_RECORD) return batch;
    const [size, most] = [batch.length, LONGEST_RECORD].map((bytes) => bytes.toLocaleString("en"));
    const message = `Cannot send a record of ${size} bytes (${this.#where}): a stream carries records of up to ${most} bytes. The record is not taken; split it.`;
    throw new LogFileError("ERR_CLH_RECORD_TOO_LARGE", message);
  }

  get #place(): { servers: string; stream: string } {
    return { servers: describeServers(this.#options.servers), stream: this.#options.stream };
  }

  #openLink(): Link {
    if (this.#link !== undefined) return this.#link;
    const { clock } = this.#environment;
    const { stream, servers } = this.#options;
    const link = new Link(this.#connect, clock, {
      onFailure: (cause) => this.#noteFailure(cause),
      onConnected: (engine) => this.#begin(engine),
    });
    this.#link = link;
    this.#adopter = new Adopter({
      spools: this.#spools,
      link,
      clock,
      stream,
      servers: servers.servers,
      onFailure: (path, cause) => this.#noteSpoolFailure(path, cause),
      onSent: (records) => {
        this.#counts.adopted += records;
      },
    });
    return link;
  }

  /** With each new connection. */
  #begin(engine: Engine): void {
    const { acknowledge, stream } = this.#options;
    if (acknowledge === "written")
      engine.subscribe(
        positionSubject(stream, this.#outlet.subject),
        (data) => {
          const number = readPosition(data);
          if (number !== undefined) this.#outlet.heard(number);
        },
        (cause) => this.#noteFailure(cause),
      );
    this.#adopter?.listen(engine);
    this.#look();
  }

  /** For what others have left, now and from time to time. */
  #look(): void {
    this.#cancelLook?.();
    this.#cancelLook = this.#environment.clock.after(LOOK_MS, () => this.#look());
    if (this.#link?.isUp) void this.#adopter?.run();
  }

  #closeLink(): void {
    this.#cancelLook?.();
    this.#link?.close();
    this.#link = this.#adopter = this.#cancelLook = undefined;
  }

  #noteSent(records: number, bytes: number): void {
    this.#counts.records += records;
    this.#counts.bytes += bytes;
    this.#failure = undefined;
    this.#isLate = false;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#failures.clear();
    this.#events.tell("recovered", { path: this.#where });
  }

  /** One that passes before `spillAfter` is nobody's business. */
  #noteFailure(cause: unknown): void {
    this.#counts.failures++;
    this.#failure = { cause };
    if (this.#isLate || needsSomebody(failureOf(cause))) this.#tellFailure();
  }

  #tellFailure(): void {
    if (this.#failure === undefined) return;
    this.#isTold = true;
    const then = `Records wait in ${this.#spools.path}, or in memory, and are sent as soon as that can be done.`;
    const error = new EngineError(this.#failure.cause, "Cannot send records", this.#place, then);
    this.#failures.note(error, error.failure);
  }

  #noteSpoolFailure(path: string, cause: unknown): void {
    this.#counts.failures++;
    this.#failures.note(
      spoolError(path, cause, "They are kept there or in memory, and tried again."),
      `spool ${path} ${String(cause)}`,
    );
  }

  #noteDrop(count: number): void {
    this.#counts.dropped += count;
    this.#events.tell("drop", { count });
  }
}

/** The log has UTF-8 and line feeds, whatever the platform. */
function newEncoder(): Encoder {
  return new Encoder({ encoding: "utf-8", unicodeErrorPolicy: "ignore", newline: "", terminator: "\n" });
}
