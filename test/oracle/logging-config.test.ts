import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { LogFileError } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { dictConfig, type LoggingConfig } from "../../src/logging/config/dict-config.js";
import { configureByIni } from "../../src/logging/config/file-config.js";
import type { Filter } from "../../src/logging/filter.js";
import type { Formatter } from "../../src/logging/formatting/formatter.js";
import { ConcurrentTimedRotatingFileHandler, type FileHandler } from "../../src/logging/handlers/file-handlers.js";
import type { Handler } from "../../src/logging/handlers/handler.js";
import { shutdown } from "../../src/logging/handlers/handler-registry.js";
import { StreamHandler } from "../../src/logging/handlers/stream-handler.js";
import type { Logger } from "../../src/logging/logger.js";
import { manager } from "../../src/logging/manager.js";
import { oracle } from "../support/oracles.js";
import { temporaryDirectory } from "../support/temporary.js";

/* What Python makes of configurations: every logger with its handlers, and of those every option that we have too. */

interface LoggerState {
  readonly level: number;
  readonly propagate: boolean | number;
  readonly disabled: boolean | number;
  readonly handlers: Record<string, unknown>[];
  readonly filters: string[];
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly kind: "dict" | "ini";
  readonly config: unknown;
  readonly preexisting: string[];
  readonly opts: { defaults?: Record<string, string>; disable_existing_loggers?: boolean };
  readonly out?: Record<string, LoggerState>;
  readonly error?: string;
  readonly message?: string;
  readonly cause?: [type: string, message: string] | null;
}

let directory: string;
const home = process.cwd();

before((t) => {
  directory = temporaryDirectory(t as TestContext);
  process.chdir(directory);
  process.env.TZ = "Europe/Berlin"; // any zone but UTC, which is another option
});
after(() => process.chdir(home));

/** All loggers as if they had just been made. */
function forget(): void {
  shutdown();
  for (const logger of [manager.root, ...manager.loggers()]) {
    logger.setLevel(logger === manager.root ? "WARNING" : "NOTSET");
    logger.handlers = [];
    logger.propagate = true;
    logger.disabled = false;
    for (const filter of logger.filters) logger.removeFilter(filter);
  }
}

function configure({ kind, config, preexisting, opts }: Row): void {
  forget();
  for (const name of preexisting) manager.getLogger(name);
  if (kind === "dict") {
    dictConfig(config as LoggingConfig);
    return;
  }
  const { defaults = {}, disable_existing_loggers: disableExistingLoggers = true } = opts;
  configureByIni({ path: "logging.ini", text: config as string }, { defaults, disableExistingLoggers });
}

function stateOf(logger: Logger): object {
  const { level, propagate, disabled, handlers, filters } = logger;
  return { level, propagate, disabled, handlers: handlers.map(describeHandler), filters: filters.map(nameOf) };
}

const nameOf = (filter: unknown) => (filter as Filter).name;
const MODULES: Record<string, string> = {
  StreamHandler: "logging",
  NullHandler: "logging",
  MemoryHandler: "logging.handlers",
};

function describeHandler(handler: Handler): object {
  const { formatter, level, name, filters } = handler;
  const className = handler.constructor.name;
  const common = {
    class: `${MODULES[className] ?? "concurrent_log_handler"}.${className}`,
    level,
    name,
    formatter: formatter === undefined ? null : describeFormatter(formatter),
    ...(filters.length > 0 && { filters: filters.map(nameOf) }),
  };
  if (handler instanceof StreamHandler) return { ...common, stream: streamName(handler.stream) };
  return "file" in handler ? { ...common, ...describeFile(handler as FileHandler<never>) } : common;
}

function streamName(stream: unknown): string {
  return stream === process.stdout ? "stdout" : "stderr";
}

const STYLES = { "%": "PercentStyle", "{": "StrFormatStyle", $: "StringTemplateStyle" };

function describeFormatter(formatter: Formatter): object {
  const { fmt, datefmt, styleName } = formatter;
  return { class: formatter.constructor.name, fmt, datefmt: datefmt ?? null, style: STYLES[styleName] };
}

const SECONDS: Record<string, number> = { S: 1, M: 60, H: 3600, D: 86400, MIDNIGHT: 86400 };

/** Of the options of a file, those that are read here. */
interface FileJson extends Record<string, unknown> {
  readonly filename: string;
  readonly lockFileDirectory?: string;
  readonly when: string;
  readonly interval: number;
}

function describeFile(handler: FileHandler<never>): object {
  const json = (handler.file as { toJSON(): FileJson }).toJSON();
  const { filename, lockFileDirectory, compression, keepFileOpen, when, interval, timeZone } = json;
  const isTimed = handler instanceof ConcurrentTimedRotatingFileHandler;
  const { mode, newline, terminator, chmod = null, umask = null, owner = null } = json;
  return {
    ...{ mode, newline, terminator, chmod, umask, owner },
    baseFilename: filename,
    maxBytes: json.maxBytes,
    backupCount: json.backupCount ?? 0,
    encoding: json.encoding,
    use_gzip: compression !== undefined,
    unicode_error_policy: json.unicodeErrorPolicy,
    user_keep_file_open_preference: keepFileOpen !== false,
    lockFilename: lockFilePath(filename, lockFileDirectory),
    ...(isTimed && { when, interval: interval * (SECONDS[when] ?? 604_800), utc: timeZone === "UTC" }),
  };
}

/** What Python says of a handler, without what means nothing here, and with the names of this machine. */
function expectedHandler({ clh, ...handler }: Record<string, unknown>): Record<string, unknown> {
  const all: Record<string, unknown> = { ...handler, ...(clh as object | undefined) };
  for (const name of ["delay", "errors", "suffix", "atTime", "target", "capacity", "flushLevel"]) delete all[name];
  for (const name of ["baseFilename", "lockFilename"])
    if (name in all) all[name] = resolve(directory, (all[name] as string).replace("$DIR", directory));
  if ("encoding" in all && (all.encoding === null || all.encoding === "locale")) all.encoding = "utf-8";
  return all;
}

function expectedState({ propagate, disabled, handlers, ...state }: LoggerState): object {
  return {
    ...state,
    propagate: Boolean(propagate),
    disabled: Boolean(disabled),
    handlers: handlers.map(expectedHandler),
  };
}

/** Of an answer, what the expected one has too. */
function onlyKnown(state: object, expected: object): object {
  const handlers = (state as { handlers: object[] }).handlers.map((handler, i) => {
    const known = (expected as { handlers: object[] }).handlers[i] ?? {};
    return Object.fromEntries(Object.entries(handler).filter(([name]) => name in known));
  });
  return { ...state, handlers };
}

/** Python's message where it says what is wrong, not how its own code failed; else the words that it quotes. */
function says({ kind, error, message, cause }: Row): RegExp {
  const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  if (kind === "dict")
    return new RegExp(
      `^${escaped(message!)}${cause?.[0] === "ValueError" && /level/.test(cause[1]) ? `: ${escaped(cause[1])}` : ""}`,
    );
  if (error === "ModuleNotFoundError" || error === "RuntimeError") return /Cannot (read|resolve)|Cannot read/;
  return new RegExp(escaped(/'([^']+)'/.exec(message!)?.[1] ?? ""));
}

describe("configurations", () => {
  for (const row of oracle<Row>("logging_config")) {
    test(`${row.id}: ${row.name}`, () => {
      if (row.out === undefined) {
        assert.throws(
          () => configure(row),
          (error) => error instanceof LogFileError && error.code === "ERR_CLH_CONFIG" && says(row).test(error.message),
        );
        return;
      }
      configure(row);
      for (const [name, state] of Object.entries(row.out)) {
        const expected = expectedState(state);
        assert.deepEqual(onlyKnown(stateOf(manager.getLogger(name)), expected), expected, name || "root");
      }
    });
  }
});
