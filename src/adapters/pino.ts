import { EventEmitter } from "node:events";
import type { Writable } from "node:stream";
import { LogFileError } from "../base/errors.js";
import type { ConcurrentFileHandler } from "../handler/file-handler.js";
import { flushTo, HandlerStream, tellUnheard } from "../handler/stream.js";
import type { NatsHandler } from "../nats/nats-handler.js";
import type { NatsHandlerOptions } from "../nats/nats-options.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../options/options.js";
import { refused } from "../options/validation.js";
import { systemClock } from "../platform/clock.js";
import { ALL_BACKUPS, type AnyHandler, flag, handlerOf, only, type RenamedOptions, without } from "./host-options.js";

const METADATA: unique symbol = Symbol.for("pino.metadata");

type OurOptions = Omit<RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions, "mode" | "sync">;

/** The options of both handlers; of the timed one if one that concerns time is among them. */
export interface PinoOptions extends OurOptions {
  /** Path of the log; also as `file`, `dest` or `destination`. */
  readonly filename?: string;
  /** As of the handlers; or of pino's own destinations, permission bits: `chmod`. */
  readonly mode?: "a" | "w" | number | string;
  /** As of the handlers; or of pino's own destinations, where both values are met: a record is in the file at once. */
  readonly sync?: "none" | "data" | "full" | boolean;
  /** Of pino-roll. `filename` */
  readonly file?: string;
  /** Of pino's own destinations. `filename` */
  readonly dest?: string;
  /** Of pino's own destinations. `filename` */
  readonly destination?: string;
  /** Of pino-roll. `maxBytes`; without a unit, of MiB. */
  readonly size?: string | number;
  /** Of pino-roll. `when`; a number is of milliseconds, whole seconds. */
  readonly frequency?: "daily" | "hourly" | number;
  /** Of pino-roll. `count` is `backupCount`. */
  readonly limit?: {
    /** 1 or more. */
    readonly count?: number;
    /** Has no effect: the backups of all processes count. */
    readonly removeOtherLogFiles?: boolean;
  };
  /** Directories are always made. */
  readonly mkdir?: true;
  /** `false` is `mode: "w"`. */
  readonly append?: boolean;
  /** `sync: "full"` */
  readonly fsync?: boolean;
  /** The name of the active file never changes. */
  readonly symlink?: false;
}

/** Options of a transport or destination for a stream of NATS, in place of a file. */
export interface PinoNatsOptions {
  /** Options of the handler. */
  readonly nats: NatsHandlerOptions;
}

const PINO_NAMES: RenamedOptions = {
  file: "filename",
  dest: "filename",
  destination: "filename",
  size: (value) => ({ maxBytes: /^[\d.]+$/.test(String(value)) ? Number(value) * 1024 ** 2 : value }),
  frequency(value) {
    if (value === "daily") return { when: "midnight" };
    if (value === "hourly") return { when: "h" };
    if (typeof value === "number" && value > 0 && value % 1000 === 0) return { when: "s", interval: value / 1000 };
    throw refused("frequency", value, '"daily", "hourly" or whole seconds in milliseconds; or `when` in its place');
  },
  limit(value) {
    const { count, removeOtherLogFiles = true, ...others } = Object(value);
    const isKnown = typeof removeOtherLogFiles === "boolean" && Object.keys(others).length === 0;
    if (count > 0 && isKnown) return { backupCount: count };
    throw refused("limit", value, "{ count } with 1 or more, or `backupCount` in its place");
  },
  append: flag("append", (value) => ({ mode: value ? "a" : "w" })),
  fsync: flag("fsync", (value) => ({ sync: value ? "full" : "none" })),
  mode: (value) => (value === "a" || value === "w" ? undefined : { chmod: value }),
  // To be in the file at once is more than `sync: false` asks for.
  sync: (value) => (typeof value === "boolean" ? {} : undefined),
  mkdir: only("mkdir", true, "directories are always made"),
  symlink: only("symlink", false, "the active file keeps its name"),
  extension: without("extension", "write it at the end of `filename`"),
  dateFormat: without("dateFormat", "backups are dated if `when` is given"),
  minLength: without("minLength", "`delivery` says how records are collected"),
  maxLength: without("maxLength", "`retryBufferBytes` says how much is kept in memory"),
  periodicFlush: without("periodicFlush", "`delivery` says how records are collected"),
};

// A thread ends when its stream has closed, and pino gives it ten seconds: a compression that takes longer is left to
// the next process.
const LAST_COMPRESSION = 5000;

// pino waits ten seconds for its thread, then gives up and ends it: records that wait for the lock are in a spill before.
const PATIENCE = { lockTimeout: 5000 };

/**
 * pino's worker thread: `pino({ transport: { target: "concurrent-log-handler/pino", options: { filename: "app.log" } } })`.
 * What pino has handed over is in the file when its `flushSync` returns, which it calls after each fatal record.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option; `ERR_CLH_OPEN` or `ERR_CLH_LOCK` when the log
 *   cannot be opened, which pino tells by `error` of its transport
 */
export default function transport(options: PinoOptions | PinoNatsOptions): Writable {
  // pino adds these to what the user has given.
  const { $context: _, pinoWillSendConfig: __, ...given } = options as unknown as Record<string, unknown>;
  const patient = given.nats === undefined ? { ...PATIENCE, ...given } : given;
  const stream = new ThreadStream(handlerOf(patient, PINO_NAMES, ALL_BACKUPS), { lines: true });
  if ("rotate" in stream.handler) openNow(stream.handler); // NATS may be away now: records wait for it
  return stream;
}

/** A lock that is not free now does not matter: records wait for it. */
function openNow(handler: ConcurrentFileHandler): void {
  try {
    handler.open();
  } catch (error) {
    if (!(error instanceof LogFileError) || error.code !== "ERR_CLH_LOCK_TIMEOUT") throw error;
  }
}

/** thread-stream takes the return of `write` for the word that the records are in the file, and pino may end then. */
class ThreadStream extends HandlerStream<AnyHandler> {
  readonly #isQueued = (this.handler.toJSON().delivery as { mode: string }).mode !== "sync";

  override _write(chunk: string | Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    super._write(chunk, encoding, callback);
    if (this.#isQueued) this.handler.flushSync();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.handler.close();
    const end = () => callback(error);
    if (!("swept" in this.handler)) {
      end();
      return;
    }
    const giveUp = systemClock.after(LAST_COMPRESSION, end);
    this.handler.swept().then(() => {
      giveUp();
      end();
    });
  }
}

/**
 * A destination in the process itself: `pino(pinoDestination({ filename: "app.log" }))`, also in `pino.multistream`.
 * A record is in the file when the call that logs it returns.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 */
export function pinoDestination(options: PinoOptions): PinoDestination;
/**
 * A destination for a stream of NATS: `pino(pinoDestination({ nats: { servers, stream: "logs" } }))`.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 */
export function pinoDestination(options: PinoNatsOptions): PinoDestination<NatsHandler>;
export function pinoDestination(options: PinoOptions | PinoNatsOptions): PinoDestination<AnyHandler> {
  return new PinoDestination(handlerOf(options, PINO_NAMES, ALL_BACKUPS));
}

/** Has what pino looks for in a destination. Events: `drain`, `finish`, `close`, `error`; all others are the handler's. */
export class PinoDestination<Handler extends AnyHandler = ConcurrentFileHandler> extends EventEmitter {
  /** Its events say what happens to the file: `rotated`, `compressed`, `removed`, `error` and others. */
  readonly handler: Handler;
  /** By which pino knows a destination from its options. */
  readonly writable = true;
  /** pino tells such a destination what it writes. */
  readonly [METADATA] = true;
  /** Set by pino before each record: its level. */
  lastLevel?: number;
  /** Set by pino: the time of the record, as it is written. */
  lastTime?: string;
  /** Set by pino: the message. */
  lastMsg?: string;
  /** Set by pino: the object that was logged. */
  lastObj?: object;
  /** Set by pino: the logger. */
  lastLogger?: unknown;
  #isEnding = false;
  #isClosed = false;

  constructor(handler: Handler) {
    super();
    this.handler = handler;
    (handler as EventEmitter).on("drain", () => this.emit("drain"));
  }

  /** @throws when the destination was destroyed, or has ended, as pino's own do */
  write(record: string): boolean {
    if (this.#isClosed)
      throw new Error(
        `Cannot log to ${"filename" in this.handler ? this.handler.filename : "NATS"}: its destination was closed.`,
      );
    return this.handler.write(record);
  }

  /** Calls back when everything written before is in the file, or with the error that says why it is not. */
  flush(callback: (error?: Error | null) => void = () => {}): void {
    flushTo(this.handler, callback);
  }

  /** pino calls it after each fatal record. */
  flushSync(): void {
    this.handler.flushSync();
  }

  /** Not needed after a rotation by others: the handler asks the disk at every record. */
  reopen(): void {
    this.handler.close();
  }

  /** Flushes, closes the files, and tells `finish` and `close`; a failure is told by `error`. Later calls do nothing. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    flushTo(this.handler, (error) => {
      const heard = tellUnheard(this, this.handler, error);
      if (heard !== undefined) this.emit("error", heard);
      this.destroy();
      this.emit("finish");
      this.emit("close");
    });
  }

  /** Closes the files at once; what is kept in memory is written first. */
  destroy(): void {
    this.#isClosed = true;
    this.handler.close();
  }
}
