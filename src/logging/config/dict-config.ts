import type { FilterLike } from "../filter.js";
import { str } from "../formatting/python-text.js";
import { Handler } from "../handlers/handler.js";
import { type Closable, handlerNamed, openHandlers, shutdown } from "../handlers/handler-registry.js";
import { checkLevel, NOTSET } from "../levels.js";
import type { Logger } from "../logger.js";
import { manager } from "../manager.js";
import { Builder } from "./builder.js";
import type { Options } from "./classes.js";
import { configError, during } from "./config-error.js";
import { isPlainObject } from "./references.js";

/** A configuration as Python's `dictConfig` takes it (PEP 391). */
export interface LoggingConfig {
  /** Of the form of the configuration. */
  readonly version: 1;
  /** Formatters by name, each with `format`, `datefmt`, `style`, or a `class` and its options. */
  readonly formatters?: Readonly<Record<string, Options>>;
  /** Filters by name, each with the `name` of a logger, or "()" and its options. */
  readonly filters?: Readonly<Record<string, Options>>;
  /** Handlers by name, each with `class`, `level`, `formatter`, `filters` and its options. */
  readonly handlers?: Readonly<Record<string, Options>>;
  /** Loggers by name. */
  readonly loggers?: Readonly<Record<string, LoggerConfig>>;
  /** The root logger. */
  readonly root?: LoggerConfig;
  /** Only the levels of handlers and loggers that there are, and `propagate`, are changed. */
  readonly incremental?: boolean;
  /**
   * Loggers that there are already, and that are not in the configuration, nor below one that is, tell nothing more.
   * @default true
   */
  readonly disable_existing_loggers?: boolean;
  /** Other keys may be there to be referred to by "cfg://". */
  readonly [key: string]: unknown;
}

/** What a configuration says of a logger. */
export interface LoggerConfig {
  /** Name or number of a level. Default: as it is. */
  readonly level?: string | number;
  /**
   * Whether what it tells also goes to the handlers of the loggers above.
   * @default true
   */
  readonly propagate?: boolean;
  /** Names of handlers. */
  readonly handlers?: readonly string[];
  /** Names of filters, or filters themselves. */
  readonly filters?: readonly (string | FilterLike)[];
}

/** How a configuration is read. */
export interface ConfigOptions {
  /**
   * What names in the configuration stand for: functions or classes that make a handler, formatter or filter of their
   * options, for `class` and `()`, and any values for `ext://`. Nothing else can be called or imported by a
   * configuration, but for functions and classes that stand in it themselves, which those of a file cannot.
   */
  readonly names?: Readonly<Record<string, unknown>>;
}

/**
 * Configures logging. What the configuration says is made first; only when all of it can be, handlers that there are
 * already are closed and loggers changed.
 * @throws {LogFileError} `ERR_CLH_CONFIG`, whose message begins with Python's and goes on with the reason
 */
export function dictConfig(config: LoggingConfig, { names = {} }: ConfigOptions = {}): void {
  if (!isPlainObject(config)) throw configError("Expected the configuration to be an object");
  configure(config, new Builder(config, names, true));
}

/** As {@link dictConfig}, with the parts made by `builder`. */
export function configure(config: LoggingConfig, builder: Builder): void {
  if (config.version === undefined) throw configError("dictionary doesn't specify a version");
  const version: unknown = builder.resolved(config.version);
  if (version !== 1) throw configError(`Unsupported version: ${str(version)}`);
  if (builder.resolved(config.incremental)) changeLevels(config, builder);
  else replaceAll(config, builder);
}

/** What is to become of a logger, made and checked. */
interface Change {
  readonly logger: Logger;
  readonly level: number | undefined;
  readonly propagate: boolean | undefined;
  readonly handlers: readonly Handler[];
  readonly filters: readonly FilterLike[];
}

/** What the configuration says of all loggers, in its order. */
function changesOf(config: LoggingConfig, builder: Builder, isIncremental: boolean): Change[] {
  const change = (logger: Logger, what: string, given: unknown) =>
    during(`Unable to configure ${what}`, (): Change => {
      const { level, propagate, handlers, filters } = asObject(builder.resolved(given));
      return {
        logger,
        level: level == null ? undefined : checkLevel(level),
        propagate: propagate == null ? undefined : Boolean(propagate),
        handlers: isIncremental ? [] : [...new Set(builder.handlers(handlers))],
        filters: isIncremental ? [] : builder.filters(filters),
      };
    });
  const loggers = Object.entries(builder.section("loggers"));
  return [
    ...loggers.map(([name, given]) => change(manager.getLogger(name), `logger '${name}'`, given)),
    ...(config.root == null ? [] : [change(manager.root, "root logger", config.root)]),
  ];
}

function asObject(value: unknown): Record<string, unknown> {
  if (!isPlainObject(value)) throw configError("expected an object");
  return value;
}

function setLevels({ logger, level, propagate }: Change): void {
  if (level !== undefined) logger.setLevel(level);
  if (propagate !== undefined) logger.propagate = propagate;
}

function changeLevels(config: LoggingConfig, builder: Builder): void {
  const levels = Object.entries(builder.section("handlers")).map(([name, given]) => {
    const handler = handlerNamed(name);
    if (!(handler instanceof Handler)) throw configError(`No handler found with name '${name}'`);
    return during(`Unable to configure handler '${name}'`, () => {
      const level = builder.resolved(asObject(builder.resolved(given)).level);
      return { handler, level: level == null ? handler.level : checkLevel(level) };
    });
  });
  const changes = changesOf(config, builder, true);
  for (const { handler, level } of levels) handler.setLevel(level);
  for (const change of changes) {
    setLevels(change);
    change.logger.disabled = false;
  }
}

function replaceAll(config: LoggingConfig, builder: Builder): void {
  const before = openHandlers();
  const existing = manager.loggers();
  const changes = madeOrClosed(before, () => {
    builder.makeAll();
    return changesOf(config, builder, false);
  });
  try {
    shutdown(before);
  } finally {
    // Also when one of them could not write what it held, which is thrown then.
    replaceLoggers(config, builder, changes, existing);
  }
}

function replaceLoggers(config: LoggingConfig, builder: Builder, changes: Change[], existing: Logger[]): void {
  builder.nameHandlers();
  for (const change of changes) {
    const { logger, handlers, filters } = change;
    setLevels(change);
    logger.handlers = handlers;
    for (const filter of filters) logger.addFilter(filter);
    logger.disabled = false;
  }
  const configured = new Set(changes.map(({ logger }) => logger));
  configured.delete(manager.root); // which all are below
  for (const logger of existing.filter((one) => !configured.has(one))) {
    let above = logger.parent;
    while (above !== undefined && !configured.has(above)) above = above.parent;
    if (above !== undefined) reset(logger);
    else logger.disabled = Boolean(builder.resolved(config.disable_existing_loggers) ?? true);
  }
}

/** A logger below one that is configured leaves all to that one. */
function reset(logger: Logger): void {
  logger.setLevel(NOTSET);
  logger.handlers = [];
  logger.propagate = true;
}

/** When `make` fails, what it has made until then is closed. */
function madeOrClosed<T>(before: readonly Closable[], make: () => T): T {
  try {
    return make();
  } catch (error) {
    shutdown(openHandlers().filter((handler) => !before.includes(handler)));
    throw error;
  }
}
