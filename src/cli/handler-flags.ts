import type { Command } from "commander";
import type { RotatingFileHandlerOptions } from "../options.js";

/** Flags of every command that writes a log. Values are checked by the handler; here they only get their type. */
export function addHandlerFlags(command: Command): Command {
  return command
    .option("--max-bytes <size>", 'rotate at this size: bytes, or such as "512k" or "10MiB"; 0 = never', number)
    .option("--strict-max-bytes <bool>", "rotate before a record that would pass it, not after it", bool)
    .option("--backup-count <n>", "how many rotated files are kept", number)
    .option("--gzip", "compress rotated files")
    .option("--compression <format>", "gzip, brotli or zstd")
    .option("--encoding <name>", "encoding of the log")
    .option("--keep-file-open <bool>", "false: open and close the files for every write", bool)
    .option("--lock-file-directory <dir>", "where the lock file is")
    .option("--lock-timeout <time>", 'longest wait for the lock: milliseconds, or such as "10s"', number)
    .option("--chmod <bits>", "permissions of all files, such as 640")
    .option("--umask <bits>", "bits that new files do not get, such as 027")
    .option("--owner <user:group>", "owner of all files")
    .option("--debug", "trace every decision on standard error");
}

/** The handler's options among the values of a command. */
export function handlerOptions(flags: Record<string, unknown>): RotatingFileHandlerOptions {
  const { maxBytes, strictMaxBytes, backupCount, gzip, compression, encoding, keepFileOpen } = flags;
  const { lockFileDirectory, lockTimeout, chmod, umask, owner, debug } = flags;
  const given = {
    ...{ maxBytes, strictMaxBytes, backupCount, useGzip: gzip, compression, encoding, keepFileOpen },
    ...{ lockFileDirectory, lockTimeout, chmod, umask, owner, debug },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** The flag that sets an option of the handler. */
export function flagOf(option: string): string {
  return option === "useGzip" ? "--gzip" : `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A number where it is one; anything else as it is, for the handler to refuse. */
export function number(text: string): unknown {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function bool(text: string): unknown {
  return text === "true" ? true : text === "false" ? false : text;
}
