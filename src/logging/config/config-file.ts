import { extname } from "node:path";
import { isError } from "../../base/system-errors.js";
import { configError, during } from "./config-error.js";
import { dictConfig, type LoggingConfig } from "./dict-config.js";
import { configureByIni, type FileConfigOptions } from "./file-config.js";
import { type ConfigFile, readConfig } from "./read-file.js";
import { parseYaml } from "./yaml.js";

/**
 * Configures logging by a file: `.json`, `.yaml` and `.yml` as by `dictConfig`, `.ini`, `.cfg` and `.conf` as by
 * `fileConfig`. YAML needs the package `yaml`.
 * @throws {LogFileError} `ERR_CLH_CONFIG`, with line and column where the file itself is wrong; of JSON, with what the
 *   engine says of that
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
    if (!isError(cause, "SyntaxError")) throw cause;
    throw configError(`Cannot read ${path}: ${cause.message}`, { cause, path });
  }
}
