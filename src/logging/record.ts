import { basename, extname } from "node:path";
import { isMainThread, threadId } from "node:worker_threads";
import { systemClock } from "../platform/clock.js";
import { type CallSite, callSite, stackInfo, UNKNOWN_CALL_SITE } from "./call-site.js";
import { formatError } from "./formatting/format-error.js";
import { str } from "./formatting/python-text.js";
import { getLevelName } from "./levels.js";
import { formatMessage, surplusError } from "./message.js";

const startedAt = systemClock.now();
const { pid } = process;

/** What a log call may add to its record. */
export interface CallOptions {
  /** Fields of the record, for formats: `%(user)s`. They must not have the name of a field that it has already. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** What was thrown; written behind the message with its stack and its causes. Default: an Error among surplus `args`. */
  readonly excInfo?: unknown;
  /** Write the stack of the log call behind the message. */
  readonly stackInfo?: boolean | undefined;
  /** Whose file and line are meant: 1 is the caller of the log method, 2 the caller's caller. */
  readonly stacklevel?: number | undefined;
}

/**
 * One event: what is known of it, before it is made into text. The names are those that formats use, Python's; those
 * with an underscore, `exc_info`, `exc_text` and `stack_info`, are `excInfo`, `excText` and `stackInfo` here.
 */
export class LogRecord {
  /** Of the logger; "root" is the root. */
  name: string;
  /** The message with places for the arguments, or any value. */
  msg: unknown;
  /** Arguments of the message. */
  args: readonly unknown[] | undefined;
  /** How severe it is. */
  levelno: number;
  /** Name of that level. */
  levelname: string;
  /** Seconds since 1970. */
  created: number;
  /** Milliseconds of `created`. */
  msecs: number;
  /** What was thrown. */
  excInfo: unknown;
  /** `excInfo` as text, once a formatter has made it. */
  excText: string | undefined = undefined;
  /** The stack of the log call, where that was asked for. */
  stackInfo: string | undefined;
  /** Set by a formatter. */
  message: string | undefined = undefined;
  /** Set by a formatter, where its format has it. */
  asctime: string | undefined = undefined;
  /** Process id. */
  process: number | undefined = pid;
  /** Python's name of a process. */
  processName: string | undefined = "MainProcess";
  /** Number of the thread: 0 is the main thread. */
  thread: number | undefined = threadId;
  /** Python's name of a thread. */
  threadName: string | undefined = THREAD_NAME;
  /** Undefined: there are no tasks here. */
  taskName: string | undefined = undefined;
  /** Names of the fields that `extra` has added. */
  readonly extra: readonly string[];
  // The log method while its call is under way, else undefined; and how many callers up.
  #callee: CallableFunction | undefined;
  readonly #stacklevel: number;
  #site: CallSite | undefined;
  /** What this one was copied from, which knows when the call has returned. */
  #original: LogRecord | undefined;
  #settled: { readonly text: string; readonly msg: unknown; readonly args: readonly unknown[] | undefined } | undefined;

  /** @param callee the method that the program has called, if it is on the stack */
  constructor(
    name: string,
    level: number,
    msg: unknown,
    args: readonly unknown[] | undefined,
    options?: CallOptions,
    callee?: CallableFunction,
  ) {
    const now = systemClock.now();
    this.name = name;
    this.msg = msg;
    this.args = args;
    this.levelno = level;
    this.levelname = getLevelName(level);
    this.created = now / 1000;
    this.msecs = now % 1000;
    this.excInfo = options?.excInfo ?? surplusError(msg, args);
    this.stackInfo = options?.stackInfo === true && callee !== undefined ? stackInfo(callee) : undefined;
    this.extra = options?.extra === undefined ? NONE : this.#add(options.extra);
    this.#callee = callee;
    this.#stacklevel = options?.stacklevel ?? 1;
  }

  /** Milliseconds since the program has loaded this module. */
  get relativeCreated(): number {
    return this.created * 1000 - startedAt;
  }

  /** File of the log call; see `callSite`. */
  get pathname(): string {
    return this.callSite.pathname;
  }

  /** That file without its directory. */
  get filename(): string {
    return basename(this.pathname);
  }

  /** And without its extension. */
  get module(): string {
    return basename(this.pathname, extname(this.pathname));
  }

  /** Line of the log call, counted from 1; see `callSite`. */
  get lineno(): number {
    return this.callSite.lineno;
  }

  /** Function of the log call; see `callSite`. */
  get funcName(): string {
    return this.callSite.funcName;
  }

  /** Found out when first asked for, which must be while the log call is under way. */
  get callSite(): CallSite {
    this.#site ??=
      this.#original?.callSite ??
      (this.#callee === undefined ? UNKNOWN_CALL_SITE : callSite(this.#callee, this.#stacklevel));
    return this.#site;
  }

  set callSite(site: CallSite) {
    this.#site = site;
  }

  /** The log call returns: from now on its stack is not there to be asked. */
  returned(): void {
    this.#callee = undefined;
  }

  /**
   * The message with its arguments.
   * @throws {LogFileError} `ERR_CLH_FORMAT` when they do not fit it
   */
  getMessage(): string {
    const { msg, args } = this;
    const settled = this.#settled;
    // A filter may have put other ones in their place since.
    if (settled !== undefined && settled.msg === msg && settled.args === args) return settled.text;
    const text = typeof msg === "string" ? msg : str(msg);
    return args === undefined || args.length === 0 ? text : formatMessage(text, args, this.excInfo);
  }

  /**
   * Makes the message now, and finds the caller if that will be asked for: the record is kept beyond the log call, and
   * what its arguments refer to may change.
   */
  settle(needsCaller: boolean): void {
    this.#settled = { text: this.getMessage(), msg: this.msg, args: this.args };
    if (needsCaller) void this.callSite;
  }

  /**
   * A copy of this record, with other values of some fields, by the names of Python or of this class: for a filter that
   * puts it in the place of this one, which other handlers get unchanged.
   */
  copy(changes: Readonly<Record<string, unknown>> = {}): LogRecord {
    const copy = new LogRecord(this.name, this.levelno, this.msg, this.args);
    copy.#original = this;
    copy.#settled = this.#settled;
    assign(copy, { ...this, ...changes });
    return copy;
  }

  #add(extra: Readonly<Record<string, unknown>>): string[] {
    for (const name of Object.keys(extra))
      if (name in this || Object.hasOwn(ALIASES, name))
        throw formatError(`Attempt to overwrite ${JSON.stringify(name)} in LogRecord`);
    Object.assign(this, extra);
    return Object.keys(extra);
  }
}

const NONE: readonly string[] = [];
const THREAD_NAME = isMainThread ? "MainThread" : `Thread-${threadId}`;

const ALIASES: Readonly<Record<string, string>> = {
  exc_info: "excInfo",
  exc_text: "excText",
  stack_info: "stackInfo",
};

// Those that may have no value, which is null in what comes from Python; elsewhere null is a value like any other.
const OPTIONAL = new Set(
  "args excInfo excText stackInfo message asctime process processName thread threadName taskName".split(" "),
);

/** Makes the record of a log call. `callee` is handed on as it is: by it the caller is found. */
export type LogRecordFactory = (...parameters: ConstructorParameters<typeof LogRecord>) => LogRecord;

let factory: LogRecordFactory = (name, level, msg, args, options, callee) =>
  new LogRecord(name, level, msg, args, options, callee);

/** What makes the records of log calls. */
export function getLogRecordFactory(): LogRecordFactory {
  return factory;
}

/** Another maker of records, which mostly asks the one before, and adds to what that has made. */
export function setLogRecordFactory(other: LogRecordFactory): void {
  factory = other;
}

/** A record with these fields, by the names of Python or of {@link LogRecord}: one that was made elsewhere. */
export function makeLogRecord(fields: Readonly<Record<string, unknown>>): LogRecord {
  const record = new LogRecord("", 0, "", undefined);
  assign(record, fields);
  return record;
}

function assign(record: LogRecord, fields: Readonly<Record<string, unknown>>): void {
  for (const [given, value] of Object.entries(fields)) {
    const name = ALIASES[given] ?? given;
    Object.defineProperty(record, name, {
      value: fieldValue(name, value),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}

/** A field's value as it is here: Python has null for nothing, and a dict of arguments by itself. */
function fieldValue(name: string, value: unknown): unknown {
  if (value === null && OPTIONAL.has(name)) return undefined;
  return name === "args" && value !== undefined && !Array.isArray(value) ? [value] : value;
}
