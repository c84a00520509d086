import { CRITICAL, DEBUG, ERROR, INFO, NOTSET, WARNING } from "../levels.js";
import { Builder } from "./builder.js";
import { findClass, type Options } from "./classes.js";
import { configError, during } from "./config-error.js";
import { type ConfigOptions, configure, type LoggerConfig, type LoggingConfig } from "./dict-config.js";
import { Ini, type Section } from "./ini.js";
import { LiteralError, parseLiteral } from "./python-literal.js";
import { type ConfigFile, readConfig } from "./read-file.js";
import { isPlainObject, STREAMS } from "./references.js";

/** How an ini file is read. */
export interface FileConfigOptions extends ConfigOptions {
  /** Values of names that no section has, for `%(name)s`: as if they were in `[DEFAULT]`. */
  readonly defaults?: Readonly<Record<string, string>>;
  /**
   * Loggers that there are already, and that are not in the file, nor below one that is, tell nothing more.
   * @default true
   */
  readonly disableExistingLoggers?: boolean;
  /** @default "utf-8" */
  readonly encoding?: string;
}

/**
 * Configures logging by an ini file as Python's `fileConfig` reads it. `args` and `kwargs` are read, not evaluated.
 * @throws {LogFileError} `ERR_CLH_CONFIG`, with line and column where the file itself is wrong
 */
export function fileConfig(file: string | URL, options: FileConfigOptions = {}): void {
  configureByIni(readConfig(file, options.encoding ?? "utf-8"), options);
}

/** As {@link fileConfig}, of a file that has been read. */
export function configureByIni({ path, text }: ConfigFile, options: FileConfigOptions): void {
  const { names = {}, defaults, disableExistingLoggers = true } = options;
  const ini = new Ini(text, path, defaults);
  const config: LoggingConfig = {
    version: 1,
    disable_existing_loggers: disableExistingLoggers,
    formatters: named(ini, "formatters", (name) => formatterOf(ini.section(`formatter_${name}`))),
    handlers: named(ini, "handlers", (name) => handlerOf(ini.section(`handler_${name}`), names)),
    ...loggersOf(ini),
  };
  during(`Cannot configure logging by ${path}`, () => configure(config, new Builder(config, names, false)));
}

function named<T>(ini: Ini, section: string, read: (name: string) => T): Record<string, T> {
  return Object.fromEntries(listIn(ini.section(section).require("keys")).map((name) => [name, read(name)]));
}

/** "root, app" */
function listIn(text: string): string[] {
  return text.trim() === "" ? [] : text.split(",").map((name) => name.trim());
}

function formatterOf(section: Section): Options {
  return {
    class: section.get("class") || "Formatter",
    format: section.raw("format"),
    datefmt: section.raw("datefmt"),
    style: section.raw("style"),
    validate: section.raw("validate") === undefined ? undefined : literal(section, "validate", ""),
    defaults: section.raw("defaults") === undefined ? undefined : literal(section, "defaults", ""),
  };
}

function handlerOf(section: Section, names: Readonly<Record<string, unknown>>): Options {
  const className = section.require("class");
  const type = during(`Cannot read [${section.name}]`, () => findClass(className, names));
  const args = literal(section, "args", "()");
  const kwargs = literal(section, "kwargs", "{}");
  if (!Array.isArray(args)) throw section.refused("args", "expected a tuple: ('app.log',) needs its comma.");
  if (!isPlainObject(kwargs)) throw section.refused("kwargs", "expected a dict.");
  if (args.length > type.positional.length)
    throw section.refused("args", `${className} has ${type.positional.length} arguments that can be given by place.`);
  const byPlace = Object.fromEntries(args.map((value, i) => [type.positional[i]!, value]));
  const twice = Object.keys(kwargs).find((name) => name in byPlace);
  if (twice !== undefined) throw section.refused("kwargs", `args has a value of ${twice} already.`);
  const reserved = ["class", "()", ".", "level", "formatter", "filters"].find((name) => name in kwargs);
  if (reserved !== undefined) throw section.refused("kwargs", `${className} has no argument ${reserved}.`);
  return {
    class: className,
    ...byPlace,
    ...kwargs,
    level: section.get("level"),
    formatter: section.get("formatter") || undefined,
    ...(section.get("target") && { target: section.get("target") }),
  };
}

/** What has a meaning in `args`: names of Python's module `logging`, among which it evaluates them, also with "logging.". */
const NAMES = new Map<string, unknown>([
  ["True", true],
  ["False", false],
  ["None", null],
  ...Object.entries({ NOTSET, DEBUG, INFO, WARNING, WARN: WARNING, ERROR, CRITICAL, FATAL: CRITICAL }).flatMap(
    ([name, level]): [string, unknown][] => [
      [name, level],
      [`logging.${name}`, level],
    ],
  ),
]);

function literal(section: Section, name: string, fallback: string): unknown {
  const text = section.get(name) ?? fallback;
  const names = new Map([...NAMES, ...Object.entries(STREAMS).map(([key, stream]) => [key, stream()] as const)]);
  try {
    return parseLiteral(text, names);
  } catch (error) {
    if (error instanceof LiteralError) throw section.refused(name, `${error.message}.`, error.offset);
    throw error;
  }
}

function loggersOf(ini: Ini): Pick<LoggingConfig, "loggers" | "root"> {
  const names = listIn(ini.section("loggers").require("keys"));
  if (!names.includes("root")) throw configError(`Cannot read ${ini.path}: the keys of [loggers] must include root.`);
  const others = names.filter((name) => name !== "root").map((name) => ini.section(`logger_${name}`));
  return {
    root: loggerOf(ini.section("logger_root")),
    loggers: Object.fromEntries(
      others.map((section) => [section.require("qualname"), { ...loggerOf(section), propagate: propagates(section) }]),
    ),
  };
}

function loggerOf(section: Section): LoggerConfig {
  const level = section.get("level");
  return { ...(level !== undefined && { level }), handlers: listIn(section.require("handlers")) };
}

/** Python's `getint`: any number but 0. */
function propagates(section: Section): boolean {
  const text = section.get("propagate") ?? "1";
  if (!/^[+-]?\d+$/.test(text)) throw section.refused("propagate", "expected 0 or 1.");
  return Number(text) !== 0;
}
