import { closestMatch } from "leven";
import type { NatsHandlerOptions } from "../../nats/nats-options.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../options/options.js";
import { Filter } from "../filter.js";
import { Formatter, type FormatterOptions } from "../formatting/formatter.js";
import { JsonFormatter, type JsonFormatterOptions } from "../formatting/json-formatter.js";
import { repr, str } from "../formatting/python-text.js";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../handlers/file-handlers.js";
import { Handler } from "../handlers/handler.js";
import { MemoryHandler } from "../handlers/memory-handler.js";
import { NatsHandler } from "../handlers/nats-handler.js";
import { NullHandler, StreamHandler, type TextSink } from "../handlers/stream-handler.js";
import type { Level } from "../levels.js";
import { LogQueue } from "../queue/log-queue.js";
import { QueueHandler } from "../queue/queue-handler.js";
import { QueueListener } from "../queue/queue-listener.js";
import type { LogRecord } from "../record.js";
import { configError } from "./config-error.js";
import { isPlainObject } from "./references.js";

/** Options of a handler, formatter or filter, as they stand in a configuration. */
export type Options = Record<string, unknown>;

/** What names in a configuration stand for. */
export type Names = Readonly<Record<string, unknown>>;

/** A class that a configuration can name. */
export interface ConfigurableClass {
  /** The names of arguments that are given by place. */
  readonly positional: readonly string[];
  /** @param names what the caller lets names stand for */
  readonly create: (options: Options, names: Names) => unknown;
  /** Attributes, those behind ".", which are options here. */
  readonly attributesAreOptions?: boolean;
}

/** One of ours, of which classes that extend it are made in the same way. */
interface OurClass extends ConfigurableClass {
  readonly type?: unknown;
  readonly create: (options: Options, names: Names, type?: unknown) => unknown;
}

function ourClass<T>(
  type: T,
  positional: string,
  create: (type: T, options: Options, names: Names) => unknown,
): OurClass {
  return {
    type,
    positional: positional.split(" ").filter(Boolean),
    create: (options, names, other = type) => create(other as T, options, names),
  };
}

const COMMON_POSITIONAL =
  "use_gzip owner chmod umask newline terminator unicode_error_policy lock_file_directory keep_file_open";

// What Python takes and what has no meaning here: when files are opened, errors of a stream that upstream does not use,
// and how often a lock is tried.
const IGNORED = ["delay", "errors", "maxLockAttempts"];

const rotating: OurClass = {
  ...ourClass(
    ConcurrentRotatingFileHandler,
    `filename mode maxBytes backupCount encoding debug delay ${COMMON_POSITIONAL}`,
    (type, options) => {
      const { filename, ...others } = ours(options, IGNORED);
      return new type(filename as string, others as RotatingFileHandlerOptions);
    },
  ),
  attributesAreOptions: true,
};

const timed: OurClass = {
  ...ourClass(
    ConcurrentTimedRotatingFileHandler,
    `filename when interval backupCount encoding delay utc atTime errors maxBytes ${COMMON_POSITIONAL}`,
    (type, options) => {
      // Upstream's timed handler leaves the mode out too: a file that both read shall not empty the log here alone.
      const { filename, ...others } = ours(options, [...IGNORED, "mode"]);
      return new type(filename as string, others as TimedRotatingFileHandlerOptions);
    },
  ),
  attributesAreOptions: true,
};

/** Python's plain file handlers only append, which ours does as well. */
const appending: OurClass = { ...rotating, positional: ["filename", "mode", "encoding", "delay", "errors"] };

/** Options by Python's spelling or ours; whoever has no file has no positional arguments of one either. */
const nats: OurClass = {
  ...ourClass(NatsHandler, "servers stream subject", (type, options) => {
    return new type(ours(options, IGNORED) as unknown as NatsHandlerOptions);
  }),
  attributesAreOptions: true,
};

const stream = ourClass(StreamHandler, "stream", (type, { stream, strm = stream, ...rest }) => {
  none(rest);
  return new type((strm ?? undefined) as TextSink | undefined);
});

const memory = ourClass(
  MemoryHandler,
  "capacity flushLevel target flushOnClose",
  (type, { capacity, flushLevel, target, flushOnClose, ...rest }) => {
    none(rest);
    if (target != null && !(target instanceof Handler))
      throw configError(`Unable to set target handler ${repr(target)}`);
    return new type(capacity as number, {
      flushLevel: flushLevel as Level | undefined,
      target: target ?? undefined,
      flushOnClose: flushOnClose as boolean | undefined,
    });
  },
);

const queueHandler = ourClass(
  QueueHandler,
  "queue",
  (type, { queue, listener = QueueListener, handlers = [], respect_handler_level: respects, ...rest }, names) => {
    none(rest);
    const waiting = queueOf(queue ?? {}, names);
    const options = { queue: waiting, handlers, respectHandlerLevel: Boolean(respects) };
    const made = findClass(listener, names).create(options, names);
    if (!(made instanceof QueueListener)) throw configError("its listener is no QueueListener");
    const handler = new type(waiting);
    handler.listener = made;
    made.start();
    return handler;
  },
);

/** What a QueueHandler is given: a queue, our options of one, or as in Python 3.12 what makes it. */
function queueOf(given: unknown, names: Names): LogQueue<LogRecord> {
  if (given instanceof LogQueue) return given;
  if (isPlainObject(given) && !("()" in given)) return new LogQueue(given);
  const { "()": factory, ...options } = isPlainObject(given) ? given : { "()": given };
  const made = findClass(factory, names).create(options, names);
  if (!(made instanceof LogQueue)) throw configError("its queue is no LogQueue");
  return made;
}

const queueListener = ourClass(QueueListener, "queue", (type, { queue, handlers, ...options }) => {
  return new type(queue as LogQueue<LogRecord>, handlers as Handler[], options);
});

/** Python's queues. One without a limit has ours, since a full queue here delivers and drops nothing. */
const queue = ourClass(LogQueue, "maxsize", (type, { maxsize, ...rest }) => {
  none(rest);
  return new type(typeof maxsize === "number" && maxsize > 0 ? { capacity: maxsize } : {});
});

const formatter = ourClass(
  Formatter,
  "format datefmt style validate",
  (type, { format, fmt = format, datefmt, style, validate, defaults, timeZone, ...rest }) => {
    none(rest);
    return new type(fmt as string | null, { datefmt, style, validate, defaults, timeZone } as FormatterOptions);
  },
);

const jsonFormatter = ourClass(JsonFormatter, "", (type, { fields, datefmt, timeZone, defaults, ...rest }) => {
  none(rest);
  return new type({ fields, datefmt, timeZone, defaults } as JsonFormatterOptions);
});

const filter = ourClass(Filter, "name", (type, { name = "", ...rest }) => {
  none(rest);
  return new type(String(name));
});

const unsafe = (name: string): OurClass => ({
  positional: rotating.positional,
  create() {
    throw configError(
      `${name} loses records when several processes write one file: use Concurrent${name}, in Python too`,
    );
  },
});

const CLASSES = new Map<string, OurClass>(
  Object.entries({
    ConcurrentRotatingFileHandler: rotating,
    ConcurrentTimedRotatingFileHandler: timed,
    FileHandler: appending,
    WatchedFileHandler: appending,
    RotatingFileHandler: unsafe("RotatingFileHandler"),
    TimedRotatingFileHandler: unsafe("TimedRotatingFileHandler"),
    NullHandler: ourClass(NullHandler, "", (type) => new type()),
    StreamHandler: stream,
    NatsHandler: nats,
    MemoryHandler: memory,
    QueueHandler: queueHandler,
    QueueListener: queueListener,
    Queue: queue,
    SimpleQueue: queue,
    Formatter: formatter,
    JsonFormatter: jsonFormatter,
    Filter: filter,
  }),
);

// "logging.StreamHandler", "handlers.MemoryHandler", "concurrent_log_handler.ConcurrentRotatingFileHandler"
const MODULE =
  /^(?:logging\.handlers\.|handlers\.|logging\.|queue\.|concurrent_log_handler\.(?:nats\.)?|concurrent-log-handler\/logging\.)/;

/**
 * The class of that name: Python's or ours, or what the caller's `names` have; or the class or function itself.
 * @throws {LogFileError} `ERR_CLH_CONFIG` for a name that nobody knows
 */
export function findClass(name: unknown, names: Names): ConfigurableClass {
  if (typeof name === "function") return classOf(name as AnyClass);
  if (typeof name === "string" && Object.hasOwn(names, name)) {
    const given = names[name];
    if (typeof given !== "function") throw configError(`\`names\` has no function for '${name}'`);
    return classOf(given as AnyClass);
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

type AnyClass = (new (options: Options) => unknown) & ((options: Options) => unknown);

/** A class that extends one of ours is made as that one; others, and functions, are given all options. */
function classOf(given: AnyClass): ConfigurableClass {
  for (let type: unknown = given; typeof type === "function"; type = Object.getPrototypeOf(type)) {
    const known = [...CLASSES.values()].find((one) => one.type === type);
    if (known !== undefined) return { ...known, create: (options, names) => known.create(options, names, given) };
  }
  // What has a prototype is made with "new", which gives also what a plain function returns.
  const isClass = Object.hasOwn(given, "prototype");
  return { positional: [], create: (options) => (isClass ? new given(options) : given(options)) };
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
