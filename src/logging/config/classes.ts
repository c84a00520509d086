import { closestMatch } from "leven";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../options/options.js";
import { Filter } from "../filter.js";
import { Formatter, type FormatterOptions } from "../formatting/formatter.js";
import { JsonFormatter, type JsonFormatterOptions } from "../formatting/json-formatter.js";
import { repr, str } from "../formatting/python-text.js";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../handlers/file-handlers.js";
import { Handler } from "../handlers/handler.js";
import { MemoryHandler } from "../handlers/memory-handler.js";
import { NullHandler, StreamHandler, type TextSink } from "../handlers/stream-handler.js";
import type { Level } from "../levels.js";
import { LogQueue, type LogQueueOptions } from "../queue/log-queue.js";
import { QueueHandler } from "../queue/queue-handler.js";
import { QueueListener } from "../queue/queue-listener.js";
import type { LogRecord } from "../record.js";
import { configError } from "./config-error.js";

/** Options of a handler, formatter or filter, as they stand in a configuration. */
export type Options = Record<string, unknown>;

/** A class that a configuration can name. */
export interface ConfigurableClass {
  /** The names of arguments that are given by place. */
  readonly positional: readonly string[];
  readonly create: (options: Options) => unknown;
  /** Attributes, those behind ".", which are options here. */
  readonly attributesAreOptions?: boolean;
}

const COMMON_POSITIONAL =
  "use_gzip owner chmod umask newline terminator unicode_error_policy lock_file_directory keep_file_open";

// What Python takes and what has no meaning here: when files are opened, errors of a stream that upstream does not use,
// and how often a lock is tried.
const IGNORED = ["delay", "errors", "maxLockAttempts"];

const rotating: ConfigurableClass = {
  positional: `filename mode maxBytes backupCount encoding debug delay ${COMMON_POSITIONAL}`.split(" "),
  attributesAreOptions: true,
  create(options) {
    const { filename, ...others } = ours(options, IGNORED);
    return new ConcurrentRotatingFileHandler(filename as string, others as RotatingFileHandlerOptions);
  },
};

const timed: ConfigurableClass = {
  positional: `filename when interval backupCount encoding delay utc atTime errors maxBytes ${COMMON_POSITIONAL}`.split(
    " ",
  ),
  attributesAreOptions: true,
  create(options) {
    // Upstream's timed handler leaves the mode out too: a file that both read shall not empty the log here alone.
    const { filename, ...others } = ours(options, [...IGNORED, "mode"]);
    return new ConcurrentTimedRotatingFileHandler(filename as string, others as TimedRotatingFileHandlerOptions);
  },
};

/** Python's plain file handlers only append, which ours does as well. */
const appending: ConfigurableClass = { ...rotating, positional: ["filename", "mode", "encoding", "delay", "errors"] };

const unsafe = (name: string): ConfigurableClass => ({
  positional: rotating.positional,
  create() {
    throw configError(
      `${name} loses records when several processes write one file: use Concurrent${name}, in Python too`,
    );
  },
});

const CLASSES = new Map<string, ConfigurableClass>([
  ["ConcurrentRotatingFileHandler", rotating],
  ["ConcurrentTimedRotatingFileHandler", timed],
  ["FileHandler", appending],
  ["WatchedFileHandler", appending],
  ["RotatingFileHandler", unsafe("RotatingFileHandler")],
  ["TimedRotatingFileHandler", unsafe("TimedRotatingFileHandler")],
  ["NullHandler", { positional: [], create: () => new NullHandler() }],
  [
    "StreamHandler",
    {
      positional: ["stream"],
      create({ stream, strm = stream, ...rest }) {
        none(rest);
        return new StreamHandler((strm ?? undefined) as TextSink | undefined);
      },
    },
  ],
  [
    "MemoryHandler",
    {
      positional: ["capacity", "flushLevel", "target", "flushOnClose"],
      create({ capacity, flushLevel, target, flushOnClose, ...rest }) {
        none(rest);
        if (target != null && !(target instanceof Handler))
          throw configError(`Unable to set target handler ${repr(target)}`);
        return new MemoryHandler(capacity as number, {
          flushLevel: flushLevel as Level | undefined,
          target: target ?? undefined,
          flushOnClose: flushOnClose as boolean | undefined,
        });
      },
    },
  ],
  [
    "QueueHandler",
    {
      positional: ["queue"],
      create({ queue, handlers = [], respect_handler_level: respectHandlerLevel = false, ...rest }) {
        none(rest);
        const waiting = queue instanceof LogQueue ? queue : new LogQueue<LogRecord>((queue ?? {}) as LogQueueOptions);
        const handler = new QueueHandler(waiting);
        const options = { respectHandlerLevel: Boolean(respectHandlerLevel) };
        handler.listener = new QueueListener(waiting, handlers as Handler[], options);
        handler.listener.start();
        return handler;
      },
    },
  ],
  [
    "Formatter",
    {
      positional: ["format", "datefmt", "style", "validate"],
      create({ format, fmt = format, datefmt, style, validate, defaults, timeZone, ...rest }) {
        none(rest);
        return new Formatter(
          fmt as string | null,
          { datefmt, style, validate, defaults, timeZone } as FormatterOptions,
        );
      },
    },
  ],
  [
    "JsonFormatter",
    {
      positional: [],
      create({ fields, datefmt, timeZone, defaults, ...rest }) {
        none(rest);
        return new JsonFormatter({ fields, datefmt, timeZone, defaults } as JsonFormatterOptions);
      },
    },
  ],
  [
    "Filter",
    {
      positional: ["name"],
      create({ name = "", ...rest }) {
        none(rest);
        return new Filter(String(name));
      },
    },
  ],
]);

// "logging.StreamHandler", "handlers.MemoryHandler", "concurrent_log_handler.ConcurrentRotatingFileHandler"
const MODULE =
  /^(?:logging\.handlers\.|handlers\.|logging\.|concurrent_log_handler\.|concurrent-log-handler\/logging\.)/;

/**
 * The class of that name: Python's or ours, or what the caller's `names` have.
 * @throws {LogFileError} `ERR_CLH_CONFIG` for a name that nobody knows
 */
export function findClass(name: unknown, names: Readonly<Record<string, unknown>>): ConfigurableClass {
  if (typeof name === "string" && Object.hasOwn(names, name)) {
    const create = names[name];
    if (typeof create !== "function") throw configError(`\`names\` has no function for '${name}'`);
    return { positional: [], create: create as ConfigurableClass["create"] };
  }
  const known = typeof name === "string" ? CLASSES.get(name.replace(MODULE, "")) : undefined;
  if (known !== undefined) return known;
  const all = [...CLASSES.keys(), ...Object.keys(names)];
  const nearest =
    typeof name === "string" ? closestMatch(name.replace(/^.*\./, ""), all, { maxDistance: 4 }) : undefined;
  const hint =
    nearest === undefined ? `There are: ${all.join(", ")}; others are given by \`names\`` : `Did you mean ${nearest}?`;
  throw configError(name === undefined ? "it has no class" : `Cannot resolve '${str(name)}'. ${hint}`);
}

/** Options by our names: "use_gzip" is `useGzip`. */
function ours(options: Options, ignored: readonly string[]): Options {
  const entries = Object.entries(options).filter(([name]) => !ignored.includes(name));
  return Object.fromEntries(
    entries.map(([name, value]) => [name.replace(/_([a-z])/g, (_, next) => next.toUpperCase()), value]),
  );
}

/** @throws {LogFileError} `ERR_CLH_CONFIG` when there is an option that the class does not have */
function none(rest: Options): void {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw configError(`there is no option '${name}'`);
}
