import { join } from "node:path";
import type { Writable } from "node:stream";
import winston, { type Logform } from "winston";
import { LogFileError } from "../base/errors.js";
import { whenReady } from "../handler/backpressure.js";
import type { ConcurrentFileHandler } from "../handler/file-handler.js";
import { flushTo, tellUnheard } from "../handler/stream.js";
import type { NatsHandlerOptions } from "../nats/nats-options.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../options/options.js";
import { refused } from "../options/validation.js";
import { beforeOthers, systemClock } from "../platform/clock.js";
import {
  ALL_BACKUPS,
  type AnyHandler,
  DAILY,
  handlerOf,
  type Ours,
  only,
  periodOf,
  type RenamedOptions,
  without,
} from "./host-options.js";
import { type Found, LogStream, type QueryCallback, type QueryOptions, query } from "./winston-reading.js";

export type { Found, LogStream, QueryCallback, QueryOptions };

/** What winston-transport has, which winston exports by a name that its types lack. */
interface TransportBase extends Writable {
  level?: string;
  format?: Logform.Format;
  silent?: boolean;
  handleExceptions?: boolean;
  handleRejections?: boolean;
  /** The logger. */
  parent?: NodeJS.EventEmitter | null;
}

type TransportOptions = Pick<TransportBase, "level" | "format" | "silent" | "handleExceptions" | "handleRejections"> & {
  /** Records that winston keeps for the transport before it stops the logger. */
  highWaterMark?: number;
};

const { Transport } = winston as unknown as { Transport: new (options: TransportOptions) => TransportBase };

/** Options of every winston transport, and those of both handlers; of the timed one if one that concerns time is among them. */
export interface ConcurrentFileTransportOptions
  extends Omit<RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions, "maxBytes" | "mode">,
    TransportOptions {
  /** Path of the log, within `dirname` if that is given. */
  readonly filename: string;
  /**
   * As of the handlers.
   * @default "a"
   */
  readonly mode?: "a" | "w";
  /**
   * As of the handlers: size at which the file is rotated.
   * @default 0
   */
  readonly maxBytes?: RotatingFileHandlerOptions["maxBytes"];
  /** Of winston. Directory of `filename`. */
  readonly dirname?: string;
  /** Of winston's File. `maxBytes` */
  readonly maxsize?: number;
  /** Of winston-daily-rotate-file. `maxBytes` */
  readonly maxSize?: string | number;
  /**
   * Of winston. Files with the active one, so one more than `backupCount`; or, as `"14d"`, `maxAge`, of daily files if no
   * period is given.
   */
  readonly maxFiles?: string | number | null;
  /** Of winston. `useGzip` */
  readonly zippedArchive?: boolean;
  /** Of winston. `terminator` */
  readonly eol?: string;
  /** Of winston-daily-rotate-file. `when`: the finest unit in it. */
  readonly datePattern?: string;
  /** Of winston-daily-rotate-file. `when` and `interval`: `"daily"`, `"3h"`, `"5m"`. */
  readonly frequency?: string;
  /** Of winston's File. The active file always has the same name. */
  readonly tailable?: boolean;
  /** Of winston's File. Files are always opened at the first record. */
  readonly lazy?: boolean;
  /** Of winston-daily-rotate-file. The file is always looked after. */
  readonly watchLog?: boolean;
  /** Of winston-daily-rotate-file. The active file keeps its name. */
  readonly createSymlink?: false;
}

/** Options of every winston transport, for a stream of NATS in place of a file. */
export interface ConcurrentNatsTransportOptions extends TransportOptions {
  /** Options of the handler. */
  readonly nats: NatsHandlerOptions;
}

const PERIODS = { s: "s", m: "m", H: "h", h: "h", D: "midnight" } as const;
const FREQUENCY = /^([1-9]\d*)([smhd])$/;

const WINSTON_NAMES: RenamedOptions = {
  filename(value, { dirname }) {
    if (typeof value === "string" && value.includes("%DATE%")) {
      const named = value.replace(/(^|[/\\])%DATE%(?=\.)/, "$1app");
      const plain = named.replace(/(^|[/\\])%DATE%[-_./\\]?|[-_.]?%DATE%/, "$1");
      throw refused("filename", value, `a name without a date, such as ${JSON.stringify(plain)}: backups are dated`);
    }
    const isIn = typeof value === "string" && value !== "" && typeof dirname === "string";
    return { filename: isIn ? join(dirname, value) : value };
  },
  dirname(value) {
    if (value === null || typeof value === "string") return {};
    throw refused("dirname", value, "the path of a directory");
  },
  maxsize: "maxBytes",
  maxSize: "maxBytes",
  maxFiles(value, given) {
    if (value === null) return {}; // all of them, as when nothing is said
    if (typeof value === "string" && value.endsWith("d")) return { maxAge: value, ...(!isTimed(given) && DAILY) };
    const count = Number(value) - 1;
    if (Number.isInteger(count) && count >= 0) return { backupCount: isTimed(given) ? Math.max(count, 1) : count };
    throw refused("maxFiles", value, 'a number of files or of days ("14d"); or `backupCount` or `maxAge` in its place');
  },
  zippedArchive: "useGzip",
  eol: "terminator",
  datePattern: (value, { frequency }) => (frequency == null ? periodOf("datePattern", value, PERIODS) : {}),
  frequency(value) {
    if (value === "daily") return { when: "midnight" };
    const [, interval, when] = FREQUENCY.exec(String(value)) ?? [];
    if (interval !== undefined) return { when, interval: Number(interval) };
    throw refused("frequency", value, '"daily", or such as "3h" or "5m"; or `when` and `interval` in its place');
  },
  tailable: () => ({}),
  lazy: () => ({}),
  watchLog: () => ({}),
  createSymlink: only("createSymlink", false, "the active file keeps its name"),
  symlinkName: without("symlinkName", "the active file keeps its name"),
  auditFile: without("auditFile", "backups are found by their names"),
  auditHashType: without("auditHashType", "backups are found by their names"),
  extension: without("extension", "write it at the end of `filename`"),
  rotationFormat: without("rotationFormat", "`namer` names the backups"),
  json: without("json", "`format` makes the text"),
  maxRetries: without("maxRetries", "what cannot be written is tried again, within `retryBufferBytes`"),
  options: without("options", "`mode`, `chmod`, `umask` and `encoding` are options here"),
  stream: without("stream", "`winston.transports.Stream` writes to `handler.toStream()`"),
};

function isTimed({ when, datePattern, frequency }: Ours): boolean {
  return when != null || datePattern != null || frequency != null;
}

/** Where winston keeps the text of a record. */
const MESSAGE = Symbol.for("message");

type Info = Readonly<Record<PropertyKey, unknown>>;

/**
 * A winston transport: `winston.createLogger({ transports: [new ConcurrentFileTransport({ filename: "app.log" })] })`.
 * Also `winston.transports.ConcurrentFile`. `finish` means that every record is in the file. Of what this process does
 * it tells, as winston-daily-rotate-file: `new` (the log) at its first record and after a rotation, `rotate` (the backup,
 * if it has a name yet, and the log), `archive` (what was compressed) and `logRemoved` (what was deleted), by their paths.
 */
export class ConcurrentFileTransport<Handler extends AnyHandler = ConcurrentFileHandler> extends Transport {
  /** By which winston tells its transports apart. */
  readonly name: string = "concurrentFile";
  /** Its events say what happens to the file: `rotated`, `compressed`, `removed`, `error` and others. */
  readonly handler: Handler;
  /** Who listened for `finish` before winston did so because of an exception. */
  #listenersBefore: readonly unknown[] | undefined;
  /** Within `next`, where the stream hands over what it has buffered: an exception would leave it half-way for good. */
  #isHandingOver = false;
  #isTold = false;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option */
  constructor(
    options: Handler extends ConcurrentFileHandler ? ConcurrentFileTransportOptions : ConcurrentNatsTransportOptions,
  ) {
    const { level, format, silent, handleExceptions, handleRejections, highWaterMark, ...file } = options;
    super({ level, format, silent, handleExceptions, handleRejections, highWaterMark } as TransportOptions);
    const handler: AnyHandler = handlerOf(file, WINSTON_NAMES, ALL_BACKUPS);
    this.handler = handler as Handler;
    handler.on("rotated", ({ from, to }) => {
      this.#tellNew();
      this.emit("rotate", to, from);
    });
    handler.on("compressed", ({ path }) => this.emit("archive", path));
    handler.on("removed", ({ path }) => this.emit("logRemoved", path));
  }

  override _write(info: Info, encoding: BufferEncoding, callback: () => void): void {
    try {
      super._write(info, encoding, callback);
    } catch (error) {
      this.#throw(error);
    }
  }

  /** Returns false when so much waits that who logs should pause until `next` is called. */
  log(info: Info, next: () => void = () => {}): boolean {
    this.#logAll([info], (one) => this.#write(one), next);
    return !this.handler.writableNeedDrain;
  }

  /** Records that came while `next` was waited for. winston leaves their format to us. */
  logv(infos: readonly { readonly chunk: Info }[], next: () => void): void {
    const chunks = infos.map(({ chunk }) => chunk);
    this.#logAll(chunks, (chunk) => this.#writeFormatted(chunk), next);
  }

  /**
   * winston sets it when it logs an exception, and then waits for `finish`, maybe to end the process. But `finish` would
   * also end the pipe from the logger, and the process may go on (`exitOnError`): only those that wait are told.
   */
  get _ending(): boolean {
    return this.#listenersBefore !== undefined;
  }

  set _ending(isEnding: boolean) {
    this.#listenersBefore = isEnding ? (this.#listenersBefore ?? this.rawListeners("finish")) : undefined;
  }

  override _final(callback: (error?: Error | null) => void): void {
    flushTo(this.handler, (error) => {
      this.handler.close();
      callback(tellUnheard(this.parent ?? this, this.handler, error));
    });
  }

  /** Calls back with records of the log, its backups included, as objects: those that `format` has written as JSON. */
  query(options: QueryOptions | undefined | QueryCallback, callback?: QueryCallback): void {
    if (typeof options === "function") {
      this.query({}, options);
      return;
    }
    const { handler } = this;
    if (!isFile(handler)) {
      callback?.(elsewhere());
      return;
    }
    flushTo(handler, () => {
      query(handler, options ?? {}).then(
        (found) => callback?.(null, found),
        (error) => callback?.(error),
      );
    });
  }

  /** The records of the log as they are written: events `log`, with an object, and `data`, with the line. */
  stream(options: { readonly start?: number | null } = {}): LogStream {
    if (!isFile(this.handler)) throw elsewhere();
    return new LogStream(this.handler, options.start ?? 0);
  }

  /** Called when the transport is removed from its logger. */
  close(): void {
    this.handler.close();
  }

  /** A format that throws, or a lock that is waited for in vain (`onLockTimeout: "throw"`), costs no other record. */
  #logAll(infos: readonly Info[], write: (info: Info) => void, next: () => void): void {
    const failures: unknown[] = [];
    for (const info of infos) {
      try {
        write(info);
      } catch (error) {
        failures.push(error);
      }
    }
    if (infos.some(({ exception, rejection }) => exception || rejection)) this.#tellWaiting();
    whenReady(this.handler, () => {
      const isWithin = this.#isHandingOver;
      this.#isHandingOver = true;
      try {
        next();
      } finally {
        this.#isHandingOver = isWithin;
      }
    });
    if (failures.length > 0) this.#throw(failures[0]);
  }

  /** At whoever logs; when the record had to wait, as an exception that nobody catches. */
  #throw(error: unknown): void {
    if (!this.#isHandingOver) throw error;
    beforeOthers(() => {
      throw error;
    });
  }

  #tellWaiting(): void {
    const before = this.#listenersBefore;
    if (before === undefined) return;
    this.#listenersBefore = undefined;
    for (const listener of this.rawListeners("finish")) {
      if (!before.includes(listener)) listener.call(this);
    }
  }

  #writeFormatted(info: Info): void {
    if (this.format === undefined) this.#write(info);
    else {
      const formatted = this.format.transform({ ...info } as Logform.TransformableInfo, this.format.options);
      if (typeof formatted === "object") this.#write(formatted); // otherwise the format has filtered it out
    }
  }

  #write(info: Info): void {
    this.handler.write(info[MESSAGE] as string);
    if (this.listenerCount("logged") > 0) systemClock.soon(() => this.emit("logged", info));
    if (!this.#isTold) this.#tellNew();
  }

  #tellNew(): void {
    this.#isTold = true;
    if (isFile(this.handler)) this.emit("new", this.handler.filename);
  }
}

function isFile(handler: AnyHandler): handler is ConcurrentFileHandler {
  return "filename" in handler;
}

function elsewhere(): LogFileError {
  return new LogFileError("ERR_CLH_READ", "Cannot read what went to NATS: it is in the collector's log.");
}

declare module "winston/lib/winston/transports/index.js" {
  interface Transports {
    ConcurrentFile: typeof ConcurrentFileTransport;
    ConcurrentFileTransportOptions: ConcurrentFileTransportOptions;
  }
}

winston.transports.ConcurrentFile = ConcurrentFileTransport;
