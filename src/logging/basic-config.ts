import { LogFileError } from "../base/errors.js";
import type { UnicodeErrorPolicy } from "../records/encoder.js";
import { Formatter } from "./formatting/formatter.js";
import { repr } from "./formatting/python-text.js";
import type { StyleName } from "./formatting/style.js";
import { ConcurrentRotatingFileHandler } from "./handlers/file-handlers.js";
import type { Handler } from "./handlers/handler.js";
import { handlerNamed, handlerNames } from "./handlers/handler-registry.js";
import { StreamHandler, type TextSink } from "./handlers/stream-handler.js";
import { refuseUnknown } from "./known-options.js";
import { CRITICAL, checkLevel, type Level } from "./levels.js";
import type { Logger } from "./logger.js";
import { manager } from "./manager.js";

/**
 * The logger of that name, always the same; without a name, the root.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a name that is no text
 */
export function getLogger(name?: string | null): Logger {
  return manager.getLogger(name);
}

/** Records up to this level are not told any more, by no logger. `disable(NOTSET)` undoes it. */
export function disable(level: Level = CRITICAL): void {
  manager.disable = checkLevel(level);
}

/** The handler of records for which there is none: by default, it writes those from WARNING on to standard error. */
export function getLastResort(): Handler | undefined {
  return manager.lastResort;
}

/** Another last resort; undefined = records without a handler are not written. */
export function setLastResort(handler: Handler | undefined): void {
  manager.lastResort = handler;
}

/** The open handler that a configuration, or the program, has given this name. */
export function getHandlerByName(name: string): Handler | undefined {
  return handlerNamed(name) as Handler | undefined;
}

/** The names of open handlers. */
export function getHandlerNames(): ReadonlySet<string> {
  return handlerNames();
}

/** Options of {@link basicConfig}; null is none. Of `filename`, `stream` and `handlers` one at most may be given. */
export interface BasicConfigOptions {
  /** A file, which other processes may write as well. */
  readonly filename?: string | URL | null;
  /** @default "a" */
  readonly filemode?: "a" | "w";
  /** Encoding of the file. Default: UTF-8. */
  readonly encoding?: string | null;
  /**
   * For characters of the file's encoding that it lacks: the option `unicodeErrorPolicy` by Python's name.
   * @default "ignore"
   */
  readonly errors?: UnicodeErrorPolicy | null;
  /** A stream. Default: standard error. */
  readonly stream?: TextSink | null;
  /** Those of them that have no formatter are given one. */
  readonly handlers?: Iterable<Handler> | null;
  /** Default: "%(levelname)s:%(name)s:%(message)s"; null is the message alone, as in Python. */
  readonly format?: string | null;
  /** Format of `asctime`, as for C's strftime. Default: "2024-05-17 10:20:30,123". */
  readonly datefmt?: string | null;
  /**
   * How the format is written.
   * @default "%"
   */
  readonly style?: StyleName;
  /** Ours. Zone of `asctime`: `"UTC"`, `"Europe/Berlin"`, `"+05:30"`. Default: that of the process. */
  readonly timeZone?: string;
  /** The level of the root. */
  readonly level?: Level | null;
  /** Remove and close the handlers that the root has already. Otherwise, if it has any, nothing is done. */
  readonly force?: boolean;
}

const BASIC_FORMATS = {
  "%": "%(levelname)s:%(name)s:%(message)s",
  "{": "{levelname}:{name}:{message}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Python writes it
  $: "${levelname}:${name}:${message}",
};

const BASIC_OPTIONS =
  "filename filemode encoding errors stream handlers format datefmt style timeZone level force".split(" ");

/**
 * Gives the root a handler, unless it has one.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, `ERR_CLH_FORMAT` for a wrong format
 */
export function basicConfig(options: BasicConfigOptions = {}): void {
  refuseUnknown(options, BASIC_OPTIONS);
  const { root } = manager;
  const { filename, filemode = "a", encoding, errors, stream, handlers, style = "%", force = false } = options;
  const { format = BASIC_FORMATS[style], datefmt, timeZone, level } = options;
  if (root.handlers.length > 0 && !force) return;
  if ([filename, stream, handlers].filter((one) => one != null).length > 1) {
    const message = "'filename', 'stream' and 'handlers' cannot be given together: choose one.";
    throw new LogFileError("ERR_CLH_OPTION", message, { option: "filename", value: filename });
  }
  oneOf("filemode", filemode, ["a", "w"]);
  if (errors != null) oneOf("errors", errors, ["ignore", "replace", "strict"]);
  const formatter = new Formatter(format, { datefmt, style, timeZone });
  const known = level == null ? undefined : checkLevel(level);
  const made = handlers ?? [
    filename == null
      ? new StreamHandler(stream ?? undefined)
      : new ConcurrentRotatingFileHandler(filename, {
          mode: filemode,
          ...(encoding != null && { encoding }),
          ...(errors != null && { unicodeErrorPolicy: errors }),
        }),
  ];
  for (const handler of root.handlers) {
    root.removeHandler(handler);
    handler.close();
  }
  for (const handler of made) {
    handler.formatter ??= formatter;
    root.addHandler(handler);
  }
  if (known !== undefined) root.setLevel(known);
}

/** For options that the file handler knows by other names, which it would tell. */
function oneOf(option: string, value: string, values: readonly string[]): void {
  if (values.includes(value)) return;
  const message = `Expected the option \`${option}\` to be one of ${values.join(", ")}, got ${repr(value)}.`;
  throw new LogFileError("ERR_CLH_OPTION", message, { option, value });
}
