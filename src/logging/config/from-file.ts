import { createRequire } from "node:module";
import { extname } from "node:path";
import { hasCode } from "../../errors.js";
import { configError, during } from "./config-error.js";
import { dictConfig, type LoggingConfig } from "./dict-config.js";
import { configureByIni, type FileConfigOptions } from "./file-config.js";
import { type ConfigFile, readConfig } from "./read-file.js";

/**
 * Configures logging by a file: `.json`, `.yaml` and `.yml` as by `dictConfig`, `.ini`, `.cfg` and `.conf` as by
 * `fileConfig`. YAML needs the package `yaml`.
 * @throws {LogFileError} `ERR_CLH_CONFIG`, with line and column where the file itself is wrong
 */
export function configFromFile(file: string | URL, options: FileConfigOptions = {}): void {
  const read = readConfig(file, options.encoding ?? "utf-8");
  const extension = extname(read.path).toLowerCase();
  if ([".ini", ".cfg", ".conf"].includes(extension)) {
    configureByIni(read, options);
    return;
  }
  const parse = { ".json": parseJson, ".yaml": parseYaml, ".yml": parseYaml }[extension];
  const { path } = read;
  if (parse === undefined)
    throw configError(`Cannot read ${path}: expected a file that ends with .json, .yaml, .yml, .ini, .cfg or .conf.`, {
      path,
    });
  const config = parse(read) as LoggingConfig;
  during(`Cannot configure logging by ${path}`, () => dictConfig(config, options));
}

function parseJson({ path, text }: ConfigFile): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw configError(`Cannot read ${path}: ${cause.message}`, { cause, path });
  }
}

function parseYaml({ path, text }: ConfigFile): unknown {
  const { parse, YAMLError } = loadYaml(path);
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    // RangeError: nested too deep; ReferenceError: too many aliases
    const isKnown = cause instanceof YAMLError || cause instanceof RangeError || cause instanceof ReferenceError;
    if (!isKnown) throw cause;
    throw configError(`Cannot read ${path}: ${cause.message}`, { cause, path });
  }
}

/** An optional peer: with it, the package would weigh half as much again, and most configurations are no YAML. */
function loadYaml(path: string): typeof import("yaml") {
  try {
    return createRequire(import.meta.url)("yaml") as typeof import("yaml");
  } catch (cause) {
    if (!hasCode(cause, "MODULE_NOT_FOUND")) throw cause;
    throw configError(`Cannot read ${path}: YAML needs the package yaml. npm install yaml, or write it as JSON.`, {
      cause,
      path,
    });
  }
}
