import { type Command, Option } from "commander";
import type { HandlerOptions } from "../../handler/create-handler.js";
import { FORMATS } from "../../log-files/compression-formats.js";

/** Flags of every command that writes a log. Values are checked by the handler; here they only get their type. */
export function addHandlerFlags(command: Command): Command {
  return command
    .option("--max-bytes <size>", 'rotate at this size: bytes, or such as "512k" or "10MiB"; 0 = never', number)
    .option("--strict-max-bytes <bool>", "rotate before a record that would pass it, not after it", bool)
    .option("--when <period>", "rotate by time: s, m, h, d, midnight, or w0 (Monday) to w6", String)
    .option("--interval <n>", "every so many of them", number)
    .option("--at-time <time>", 'time of day of midnight and w0 to w6, such as "03:30"')
    .option("--utc", "rotate and name files by UTC")
    .option("--time-zone <zone>", 'rotate and name files by this zone, such as "Europe/Berlin"')
    .option("--rotate-when-idle", "rotate in time even if no record comes")
    .option("--backup-count <n>", "how many rotated files are kept", number)
    .option("--max-age <time>", 'delete rotated files that are older: such as "14d"', number)
    .option("--max-total-bytes <size>", 'delete the oldest while all are larger together: such as "2GiB"', number)
    .option("--max-periods <n>", "keep the rotated files of so many periods", number)
    .option("--gzip", "compress rotated files")
    .addOption(
      new Option("--compression <format>", "compress rotated files in this format").choices(Object.keys(FORMATS)),
    )
    .option("--delay-compression", "leave the newest rotated file plain until the next rotation")
    .option("--encoding <name>", "encoding of the log")
    .addOption(
      new Option("--sync <how>", "wait for the disk at every write, by fdatasync or fsync").choices([
        "none",
        "data",
        "full",
      ]),
    )
    .option("--keep-file-open <bool>", "false: open and close the files for every write", bool)
    .option("--lock-file-directory <dir>", "where the lock file is")
    .option("--lock-timeout <time>", 'longest wait for the lock: milliseconds, or such as "10s"', number)
    .addOption(
      new Option("--on-lock-timeout <what>", "what becomes of the record then").choices(["spill", "wait", "throw"]),
    )
    .option("--chmod <bits>", "permissions of all files, such as 640")
    .option("--umask <bits>", "bits that new files do not get, such as 027")
    .option("--owner <user:group>", "owner of all files")
    .option("--debug", "trace every decision on standard error");
}

/** The handler's options among the values of a command. */
export function handlerOptions(flags: Record<string, unknown>): HandlerOptions {
  const { maxBytes, strictMaxBytes, backupCount, gzip, compression, encoding, keepFileOpen, sync } = flags;
  const { lockFileDirectory, lockTimeout, onLockTimeout, chmod, umask, owner, debug, maxAge, maxTotalBytes } = flags;
  const { delayCompression } = flags;
  const { when, interval, atTime, utc, timeZone, rotateWhenIdle, maxPeriods, useTimed } = flags;
  const common = given({
    ...{ maxBytes, strictMaxBytes, backupCount, useGzip: gzip, compression, encoding, keepFileOpen, sync },
    ...{ lockFileDirectory, lockTimeout, onLockTimeout, chmod, umask, owner, debug, maxAge, maxTotalBytes },
    ...{ delayCompression },
  });
  const timed = given({ when, interval, atTime, utc, timeZone, rotateWhenIdle, maxPeriods });
  return useTimed === true || Object.keys(timed).length > 0 ? { when: "h", ...common, ...timed } : common;
}

function given(values: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
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
