import { fileURLToPath } from "node:url";
import { LogFileError } from "../../base/errors.js";
import { advice, reason } from "../../base/system-errors.js";
import { FilePath, FileStatus } from "../../platform/file-system.js";
import { readUpTo } from "../../platform/small-file.js";
import { fileSystemOver } from "../../platform/system-files.js";
import { decode, findCodec } from "../../records/encodings.js";
import { configError } from "./config-error.js";

const LARGEST = 1024 ** 2;
const BYTE_ORDER_MARK = /^\uFEFF/;

/** A file of a configuration, as text. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a configuration.
 * @throws {LogFileError} `ERR_CLH_CONFIG` when it cannot be read, or is no file of less than a megabyte
 */
export function readConfig(file: string | URL, encoding: string): ConfigFile {
  const path = file instanceof URL ? fileURLToPath(file) : file;
  const codec = findCodec(encoding);
  if (codec === undefined) {
    const message = `Expected the option \`encoding\` to be an encoding such as "utf-8", got ${JSON.stringify(encoding)}.`;
    throw new LogFileError("ERR_CLH_OPTION", message, { option: "encoding", value: encoding });
  }
  const bytes = content(path);
  if (bytes === undefined)
    throw configError(`Cannot read ${path}: a logging configuration is a file of one megabyte at most.`, { path });
  return { path, text: decode(bytes, codec.name).replace(BYTE_ORDER_MARK, "") };
}

function content(path: string): Buffer | undefined {
  const fs = fileSystemOver(); // needs no library of the system, which a configuration without files may do without
  const status = new FileStatus();
  try {
    if (fs.status(new FilePath(path), status) && !status.isFile) return undefined;
    const bytes = readUpTo(fs, path, LARGEST + 1);
    return bytes.length > LARGEST ? undefined : bytes;
  } catch (cause) {
    throw configError(`Cannot read ${path}: ${reason(cause)}. ${advice(cause)}`.trimEnd(), { cause, path });
  }
}
