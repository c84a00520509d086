import { Filterer, type FilterLike } from "./filter.js";
import type { Handler } from "./handlers/handler.js";
import { checkLevel, type Level, NOTSET } from "./levels.js";
import { LogMethods } from "./log-methods.js";
import { type CallOptions, getLogRecordFactory, type LogRecord } from "./record.js";

/** What a logger asks of the manager that made it. */
interface LoggerManager {
  /** Counts what can change which levels are told of. */
  readonly changes: number;
  readonly disable: number;
  readonly lastResort: Handler | undefined;
  changed(): void;
  getLogger(name: string): Logger;
  loggers(): Logger[];
}

/** Above every level. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * A place in the program that has something to tell. Loggers are found by their names, "app.db.pool", and what one
 * tells goes to its handlers and to those of the loggers above it, "app.db", "app" and the root.
 */
export class Logger extends LogMethods {
  /** Parts with dots between; "root" is the root. */
  readonly name: string;
  /** The nearest logger above; undefined for the root. */
  parent: Logger | undefined;
  /** Its own, in the order in which they are given records. */
  handlers: readonly Handler[] = [];
  /** False: what it tells goes to its own handlers alone. */
  propagate = true;
  #level: number;
  #disabled = false;
  readonly #manager: LoggerManager;
  readonly #filterer = new Filterer();
  // The lowest level that is told of, and when that was found out.
  #threshold = NEVER;
  #asOf = -1;

  /** @internal Loggers are made by `getLogger`. */
  constructor(manager: LoggerManager, name: string, level: number = NOTSET) {
    super();
    this.#manager = manager;
    this.name = name;
    this.#level = level;
  }

  /** Its own level; NOTSET is that of the logger above. */
  get level(): number {
    return this.#level;
  }

  /** A disabled logger tells nothing. */
  get disabled(): boolean {
    return this.#disabled;
  }

  set disabled(disabled: boolean) {
    this.#disabled = disabled;
    this.#manager.changed();
  }

  /** @throws {LogFileError} `ERR_CLH_OPTION` for an unknown level */
  setLevel(level: Level): void {
    this.#level = checkLevel(level);
    this.#manager.changed();
  }

  /** Its level, or that of the nearest logger above which has one. */
  getEffectiveLevel(): number {
    for (let logger: Logger | undefined = this; logger !== undefined; logger = logger.parent)
      if (logger.#level !== NOTSET) return logger.#level;
    return NOTSET;
  }

  override isEnabledFor(level: number): boolean {
    if (this.#asOf !== this.#manager.changes) this.#update();
    return level >= this.#threshold;
  }

  #update(): void {
    const { changes, disable } = this.#manager;
    this.#threshold = this.#disabled ? NEVER : Math.max(this.getEffectiveLevel(), disable + 1);
    this.#asOf = changes;
  }

  /** The logger of that name below this one. */
  getChild(suffix: string): Logger {
    return this.#manager.getLogger(this.parent === undefined ? suffix : `${this.name}.${suffix}`);
  }

  /** The loggers right below this one: "a.b" of "a", and not "a.b.c", even where there is no "a.b". */
  getChildren(): Set<Logger> {
    const depth = this.parent === undefined ? 1 : this.name.split(".").length + 1;
    const isChild = ({ name, parent }: Logger) => parent === this && name.split(".").length === depth;
    return new Set(this.#manager.loggers().filter(isChild));
  }

  /** Asked of what this logger tells, in this order. */
  get filters(): readonly FilterLike[] {
    return this.#filterer.filters;
  }

  /** Adds a filter for what this logger tells; it is not asked of what the loggers below tell. */
  addFilter(filter: FilterLike): void {
    this.#filterer.addFilter(filter);
  }

  /** Takes a filter away, if it is there. */
  removeFilter(filter: FilterLike): void {
    this.#filterer.removeFilter(filter);
  }

  /** Adds a handler, once. */
  addHandler(handler: Handler): void {
    if (!this.handlers.includes(handler)) this.handlers = [...this.handlers, handler];
  }

  /** Takes a handler away, if it is there, and leaves it open. */
  removeHandler(handler: Handler): void {
    this.handlers = this.handlers.filter((one) => one !== handler);
  }

  /** Whether what it tells reaches any handler. */
  hasHandlers(): boolean {
    for (let logger: Logger | undefined = this; logger !== undefined; logger = logger.#next)
      if (logger.handlers.length > 0) return true;
    return false;
  }

  get #next(): Logger | undefined {
    return this.propagate ? this.parent : undefined;
  }

  /** This logger, with fields or other options that are added to each record. */
  with(options: CallOptions): BoundLogger {
    return new BoundLogger(this, options);
  }

  /** @internal */
  override tell(
    level: number,
    msg: unknown,
    args: readonly unknown[],
    options: CallOptions | undefined,
    callee: CallableFunction,
  ): void {
    const record = getLogRecordFactory()(this.name, level, msg, args, options, callee);
    this.handle(record);
    record.returned();
  }

  /** Brings a record that was made here, or elsewhere, to the handlers, if no filter of this logger is against it. */
  handle(record: LogRecord): void {
    if (this.#disabled) return;
    const passed = this.#filterer.filter(record);
    if (passed !== undefined) this.callHandlers(passed);
  }

  /** Brings a record to the handlers of this logger and of those above; without any, to the last resort. */
  callHandlers(record: LogRecord): void {
    let found = false;
    for (let logger: Logger | undefined = this; logger !== undefined; logger = logger.#next) {
      for (const handler of logger.handlers) {
        found = true;
        if (record.levelno >= handler.level) handler.handle(record);
      }
    }
    const { lastResort } = this.#manager;
    if (!found && lastResort !== undefined && record.levelno >= lastResort.level) lastResort.handle(record);
  }
}

/** A logger with fields, or other options, that it adds to each record: Python's LoggerAdapter. */
export class BoundLogger extends LogMethods {
  /** Tells what this one is told. */
  readonly logger: Logger | BoundLogger;
  readonly #options: CallOptions;

  constructor(logger: Logger | BoundLogger, options: CallOptions) {
    super();
    this.logger = logger;
    this.#options = options;
  }

  /** Of the logger itself. */
  get name(): string {
    return this.logger.name;
  }

  override isEnabledFor(level: number): boolean {
    return this.logger.isEnabledFor(level);
  }

  /** That of the logger itself. */
  getEffectiveLevel(): number {
    return this.logger.getEffectiveLevel();
  }

  /** Sets the level of the logger itself. */
  setLevel(level: Level): void {
    this.logger.setLevel(level);
  }

  /** As the method of the logger. */
  hasHandlers(): boolean {
    return this.logger.hasHandlers();
  }

  /** This one, with still more. */
  with(options: CallOptions): BoundLogger {
    return new BoundLogger(this, options);
  }

  /**
   * The message and the options that are told in place of those of a call. Options of the call come first; the fields of
   * both are added.
   */
  process(msg: unknown, options: CallOptions): readonly [msg: unknown, options: CallOptions] {
    const own = this.#options;
    return [msg, options === NO_OPTIONS ? own : { ...own, ...options, extra: { ...own.extra, ...options.extra } }];
  }

  /** @internal */
  override tell(
    level: number,
    msg: unknown,
    args: readonly unknown[],
    options: CallOptions | undefined,
    callee: CallableFunction,
  ): void {
    const [text, all] = this.process(msg, options ?? NO_OPTIONS);
    this.logger.tell(level, text, args, all, callee);
  }
}

const NO_OPTIONS: CallOptions = {};

/**
 * Python's LoggerAdapter by its own name, to be extended: `process(msg, options)` returns what is told in their place.
 * Fields alone are added by `logger.with({ extra })` as well.
 */
export class LoggerAdapter extends BoundLogger {
  /** Fields that are added to each record. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(logger: Logger | BoundLogger, extra: Readonly<Record<string, unknown>> = {}) {
    super(logger, { extra });
    this.extra = extra;
  }
}
