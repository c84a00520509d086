import { homedir } from "node:os";
import { join, sep } from "node:path";
import type { ConcurrentFileHandler } from "../handler/file-handler.js";
import { flushTo } from "../handler/stream.js";
import type { NatsHandler } from "../nats/nats-handler.js";
import type { NatsHandlerOptions } from "../nats/nats-options.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../options/options.js";
import { refused } from "../options/validation.js";
import { type AnyHandler, DAILY, handlerOf, only, periodOf, type RenamedOptions, without } from "./host-options.js";

/** The configuration of the appender: options of both handlers; of the timed one if one that concerns time is among them. */
export interface Log4jsOptions
  extends Omit<RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions, "mode" | "compression"> {
  /** This module, by its name or itself. */
  readonly type: unknown;
  /** The layout of log4js that makes events into text. Default: "basic". */
  readonly layout?: {
    /** Name of the layout. */
    readonly type: string;
    /** Options of the layout. */
    readonly [option: string]: unknown;
  };
  /** Minutes, of the times in the layout. */
  readonly timezoneOffset?: number;
  /** Path of the log; `~/` at its start is the home of the user. */
  readonly filename: string;
  /** As of the handlers; or of log4js, permission bits: `chmod`. */
  readonly mode?: "a" | "w" | number;
  /** As of the handlers. */
  readonly compression?: RotatingFileHandlerOptions["compression"];
  /** Of log4js. `maxBytes` */
  readonly maxLogSize?: string | number;
  /** Of log4js. `backupCount` */
  readonly backups?: number;
  /** Of log4js. `backupCount`, of daily files if no period is given. */
  readonly numBackups?: number;
  /** Of log4js. `useGzip` */
  readonly compress?: boolean;
  /** Of log4js. `when`: the finest unit in it. */
  readonly pattern?: string;
  /** Of log4js. `mode` */
  readonly flags?: "a" | "w";
}

/** The configuration of an appender for a stream of NATS. */
export interface Log4jsNatsOptions extends Pick<Log4jsOptions, "type" | "layout" | "timezoneOffset"> {
  /** Options of the handler. */
  readonly nats: NatsHandlerOptions;
}

/** The layouts of log4js, which it hands to appenders. */
export interface Layouts {
  /** Used where no layout is asked for. */
  readonly basicLayout: Layout;
  /** The layout of that name. */
  layout(type: string, config: unknown): Layout;
}

type Layout = (event: never, timezoneOffset?: number) => string;

/** What log4js calls for each event; `shutdown` calls back when all of them are in the file. Later ones are ignored. */
export interface Appender<Handler extends AnyHandler = ConcurrentFileHandler> {
  (event: unknown): void;
  /** Called by log4js at its end; calls back when all events are in the file, or with the error that says why not. */
  shutdown(done: (error?: Error | null) => void): void;
  /** Its events say what happens to the file: `rotated`, `compressed`, `removed`, `error` and others. */
  readonly handler: Handler;
}

// What log4js keeps when nothing is said.
const BACKUPS = 5;

const PERIODS = { ss: "s", mm: "m", hh: "h", HH: "h", dd: "midnight" } as const;

const LOG4JS_NAMES: RenamedOptions = {
  filename(value) {
    if (typeof value !== "string") return undefined;
    if (value.endsWith(sep)) throw refused("filename", value, "the path of a file, not of a directory");
    return { filename: value.startsWith(`~${sep}`) ? join(homedir(), value.slice(2)) : value };
  },
  maxLogSize: "maxBytes",
  backups: "backupCount",
  // Of the appender that rotates by date.
  numBackups: (value, { pattern, when }) => ({ backupCount: value, ...(pattern == null && when == null && DAILY) }),
  compress: "useGzip",
  pattern: (value) => periodOf("pattern", value, PERIODS),
  flags: "mode",
  mode: (value) => (value === "a" || value === "w" ? undefined : { chmod: value }),
  alwaysIncludePattern: only("alwaysIncludePattern", false, "the active file keeps its name"),
  keepFileExt: only(
    "keepFileExt",
    false,
    "backups are app.log.1 or app.log.2024-05-17, unless a `namer` says otherwise",
  ),
  fileNameSep: only("fileNameSep", ".", "`namer` names the backups"),
  daysToKeep: without("daysToKeep", "`maxPeriods` says how many days are kept, `backupCount` how many files"),
  removeColor: only("removeColor", false, "use a layout without colours"),
};

/**
 * A log4js appender: `{ type: "concurrent-log-handler/log4js", filename: "app.log" }`. With `cluster` or PM2, configure
 * log4js with `disableClustering: true`: then each process writes for itself.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 */
export function configure(config: Log4jsOptions, layouts?: Layouts): Appender;
/**
 * An appender for a stream of NATS, in place of a file.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option
 */
export function configure(config: Log4jsNatsOptions, layouts?: Layouts): Appender<NatsHandler>;
export function configure(config: Log4jsOptions | Log4jsNatsOptions, layouts?: Layouts): Appender<AnyHandler> {
  // log4js passes them always; only its types have them optional.
  if (layouts === undefined) throw refused("layouts", layouts, "the layouts of log4js");
  const { type: _, layout, timezoneOffset, ...options } = config;
  const format = layout === undefined ? layouts.basicLayout : layouts.layout(layout.type, layout);
  const handler = handlerOf(options, LOG4JS_NAMES, BACKUPS);
  let isShutDown = false;
  const append = (event: unknown): void => {
    if (!isShutDown) handler.write(format(event as never, timezoneOffset));
  };
  const shutdown: Appender["shutdown"] = (done) => {
    isShutDown = true;
    flushTo(handler, (error) => {
      handler.close();
      done(error);
    });
  };
  return Object.assign(append, { shutdown, handler });
}
