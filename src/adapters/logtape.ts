import { defaultTextFormatter, type Sink, type TextFormatter } from "@logtape/logtape";
import { DISPOSE } from "../base/shared-state.js";
import type { ConcurrentFileHandler } from "../handler/file-handler.js";
import type { NatsHandler } from "../nats/nats-handler.js";
import type { NatsHandlerOptions } from "../nats/nats-options.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions, WaitOptions } from "../options/options.js";
import { refused } from "../options/validation.js";
import { type AnyHandler, DAILY, handlerOf, only, type RenamedOptions, without } from "./host-options.js";

/** Options of both handlers; of the timed one if one that concerns time is among them. */
export interface ConcurrentRotatingFileSinkOptions
  extends Omit<RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions, "interval"> {
  /** Makes the text of a record. Default: LogTape's `defaultTextFormatter`. */
  readonly formatter?: TextFormatter;
  /** How many of `when`; or, as `"hourly"`, `"daily"` and `"weekly"` of LogTape, both together. */
  readonly interval?: number | "hourly" | "daily" | "weekly";
  /** Of LogTape. `maxBytes` */
  readonly maxSize?: number;
  /** Of LogTape. `backupCount` */
  readonly maxFiles?: number;
  /** Of LogTape. `maxAge`, of daily files if no period is given. */
  readonly maxAgeMs?: number;
  /** Of LogTape. Files are always opened at the first record. */
  readonly lazy?: boolean;
  /** Of LogTape. Nothing is buffered. */
  readonly bufferSize?: 0;
  /** Of LogTape. `delivery` says whether a call waits for the file. */
  readonly nonBlocking?: false;
}

/**
 * A sink that disposes of its files, and drains: `drain()` resolves when every record is in the file. Records that come
 * after it was disposed of are ignored.
 */
export type ConcurrentRotatingFileSink<Handler extends AnyHandler = ConcurrentFileHandler> = Sink &
  Disposable & {
    /** @throws {LogFileError} `ERR_CLH_FLUSH`; or the reason of `signal`, which ends the wait alone */
    drain(options?: WaitOptions): Promise<void>;
    /** Its events say what happens to the file: `rotated`, `compressed`, `removed`, `error` and others. */
    readonly handler: Handler;
  };

// What LogTape keeps when nothing is said.
const BACKUPS = 5;

const INTERVALS = { hourly: "h", daily: "midnight", weekly: "w6" } as const;

const LOGTAPE_NAMES: RenamedOptions = {
  maxSize: "maxBytes",
  maxFiles: "backupCount",
  // Of the sink that rotates by time.
  maxAgeMs: (value, { interval, when }) => ({
    maxAge: value,
    ...(typeof interval !== "string" && when == null && DAILY),
  }),
  lazy: () => ({}),
  interval(value) {
    if (typeof value !== "string") return undefined;
    if (Object.hasOwn(INTERVALS, value)) return { when: INTERVALS[value as keyof typeof INTERVALS] };
    throw refused("interval", value, 'a number, "hourly", "daily" or "weekly"');
  },
  bufferSize: only("bufferSize", 0, "`delivery` says how records are collected"),
  nonBlocking: only("nonBlocking", false, "`delivery` says whether a call waits for the file"),
  flushInterval: without("flushInterval", "`delivery` says how records are collected"),
  directory: without("directory", "it is a part of the path"),
  filename: without("filename", "the path is the first argument, and backups are dated if `when` is given"),
  parseFilename: without("parseFilename", "backups are found by their names"),
};

/**
 * A LogTape sink: `configureSync({ sinks: { file: getConcurrentRotatingFileSink("app.log", { maxBytes: "10MiB" }) }, … })`.
 * @param path of the log
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 */
export function getConcurrentRotatingFileSink(
  path: string,
  options?: ConcurrentRotatingFileSinkOptions,
): ConcurrentRotatingFileSink;
/**
 * A sink for a stream of NATS, in place of a file: `getConcurrentRotatingFileSink({ nats: { servers, stream: "logs" } })`.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 */
export function getConcurrentRotatingFileSink(options: {
  readonly nats: NatsHandlerOptions;
  readonly formatter?: TextFormatter;
}): ConcurrentRotatingFileSink<NatsHandler>;
export function getConcurrentRotatingFileSink(
  first: string | object,
  options: ConcurrentRotatingFileSinkOptions = {},
): ConcurrentRotatingFileSink<AnyHandler> {
  const isForNats = typeof first === "object" && first !== null && "nats" in first;
  const { formatter = defaultTextFormatter, ...file } = isForNats
    ? (first as ConcurrentRotatingFileSinkOptions)
    : options;
  const names = { ...LOGTAPE_NAMES, path: "filename" };
  if ("path" in file) throw refused("path", file.path, "left out: the path is the first argument");
  const handler = handlerOf(isForNats ? file : { path: first, ...file }, names, BACKUPS);
  let isDisposed = false;
  const sink: Sink = (record) => {
    if (!isDisposed) handler.write(formatter(record));
  };
  const dispose = () => {
    isDisposed = true;
    handler.close();
  };
  return Object.assign(sink, { handler, drain: (wait?: WaitOptions) => handler.flush(wait), [DISPOSE]: dispose });
}
