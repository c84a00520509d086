import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join, resolve, sep } from "node:path";
import { describe, type TestContext, test } from "node:test";
import winston from "winston";
import { configure, type Log4jsOptions } from "../../../src/adapters/log4js.js";
import { getConcurrentRotatingFileSink } from "../../../src/adapters/logtape.js";
import { type PinoOptions, pinoDestination } from "../../../src/adapters/pino.js";
import { ConcurrentFileTransport, type ConcurrentFileTransportOptions } from "../../../src/adapters/winston.js";
import { LogFileError } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* The names that options have in the hosts' own file writers. */

type Json = Record<string, unknown>;

const layouts = { basicLayout: () => "", layout: () => () => "" };

/** For each host, the options of the handler that it makes of those that it is given, as JSON. */
const hosts: Record<string, (file: string, options: Json) => Json> = {
  pino: (filename, options) => pinoDestination({ filename, ...options } as PinoOptions).handler.toJSON(),
  winston: (filename, options) =>
    new ConcurrentFileTransport({ filename, ...options } as ConcurrentFileTransportOptions).handler.toJSON(),
  log4js: (filename, options) =>
    configure({ type: "x", filename, ...options } as Log4jsOptions, layouts).handler.toJSON(),
  logtape: (filename, options) => getConcurrentRotatingFileSink(filename, options).handler.toJSON(),
};

const ALL = Number.MAX_SAFE_INTEGER;
const MB = 1024 ** 2;

const ACCEPTED: Record<string, [given: Json, ours: Json][]> = {
  pino: [
    [{ size: 3 }, { maxBytes: 3 * MB, backupCount: ALL }],
    [{ size: "10" }, { maxBytes: 10 * MB }],
    [{ size: "0.5" }, { maxBytes: MB / 2 }],
    [{ utc: true }, { when: "MIDNIGHT", timeZone: "UTC" }],
    [
      { size: "512k", limit: { count: 4, removeOtherLogFiles: true } },
      { maxBytes: MB / 2, backupCount: 4 },
    ],
    [{ frequency: "daily" }, { when: "MIDNIGHT", interval: 1 }],
    [
      { frequency: "hourly", size: "1g" },
      { when: "H", maxBytes: 1024 ** 3 },
    ],
    [{ frequency: 90_000 }, { when: "S", interval: 90 }],
    [
      { append: false, mkdir: true, sync: false, symlink: false },
      { mode: "w", sync: "none" },
    ],
    [
      { mode: 0o640, fsync: true },
      { chmod: 0o640, mode: "a", sync: "full" },
    ],
    [
      { mode: "w", sync: "data" },
      { mode: "w", sync: "data" },
    ],
    [
      { maxBytes: "1k", backupCount: 0 },
      { maxBytes: 1024, backupCount: 0 },
    ],
    [{ maxBytes: "1k" }, { maxBytes: 1024, backupCount: 0 }],
  ],
  winston: [
    [{ maxsize: 5000 }, { maxBytes: 5000, backupCount: ALL }],
    [
      { maxsize: 5000, maxFiles: 5, tailable: true, lazy: true },
      { maxBytes: 5000, backupCount: 4 },
    ],
    [{ maxsize: 5000, maxFiles: "1" }, { backupCount: 0 }],
    [
      { zippedArchive: true, eol: "\r\n" },
      { compression: { format: "gzip" }, terminator: "\r\n" },
    ],
    [
      { datePattern: "YYYY-MM-DD", maxFiles: "14d" },
      { when: "MIDNIGHT", maxAge: 14 * 86_400_000 },
    ],
    [
      { datePattern: "YYYY-MM-DD", maxFiles: 1 },
      { when: "MIDNIGHT", backupCount: 1 },
    ],
    [
      { datePattern: "YYYY-MM-DD-HH", maxSize: "20m", utc: true },
      { when: "H", maxBytes: 20 * MB, timeZone: "UTC" },
    ],
    [{ datePattern: "YYYY-MM-DD[ at ]HH:mm", watchLog: true }, { when: "M" }],
    [
      { datePattern: "YYYY-MM-DD-HH-mm", frequency: "3h", createSymlink: false },
      { when: "H", interval: 3 },
    ],
    [{ frequency: "daily" }, { when: "MIDNIGHT" }],
    [{ maxFiles: "14d" }, { when: "MIDNIGHT", maxAge: 14 * 86_400_000 }],
    [
      { maxFiles: "14d", when: "h" },
      { when: "H", maxAge: 14 * 86_400_000 },
    ],
    [
      { maxsize: 5000, maxFiles: null },
      { maxBytes: 5000, backupCount: ALL },
    ],
    [
      { level: "warn", format: winston.format.simple(), silent: false, handleExceptions: true, highWaterMark: 4 },
      { maxBytes: 0 },
    ],
  ],
  log4js: [
    [{ maxLogSize: "10M" }, { maxBytes: 10 * MB, backupCount: 5 }],
    [
      { maxLogSize: 1000, backups: 3, compress: true },
      { maxBytes: 1000, backupCount: 3 },
    ],
    [
      { pattern: "yyyy-MM-dd", numBackups: 7, layout: { type: "basic" } },
      { when: "MIDNIGHT", backupCount: 7 },
    ],
    [{ numBackups: 7 }, { when: "MIDNIGHT", backupCount: 7 }],
    [
      { numBackups: 7, when: "s" },
      { when: "S", backupCount: 7 },
    ],
    [{ removeColor: false }, { maxBytes: 0 }],
    [{ pattern: ".yyyy-MM-dd-hh", timezoneOffset: 60 }, { when: "H" }],
    [{ pattern: "yyyy-MM-dd.hh.mm.ss" }, { when: "S" }],
    [
      { mode: 0o600, flags: "w", keepFileExt: false },
      { chmod: 0o600, mode: "w" },
    ],
    [{ mode: "w", encoding: "utf-8", alwaysIncludePattern: false, fileNameSep: "." }, { mode: "w" }],
  ],
  logtape: [
    [{ maxSize: 1000 }, { maxBytes: 1000, backupCount: 5 }],
    [{ maxSize: 1000, maxFiles: 2, lazy: true, bufferSize: 0, nonBlocking: false }, { backupCount: 2 }],
    [
      { interval: "weekly", maxAgeMs: 5000 },
      { when: "W6", interval: 1, maxAge: 5000 },
    ],
    [{ interval: "daily" }, { when: "MIDNIGHT" }],
    [{ maxAgeMs: 5000 }, { when: "MIDNIGHT", maxAge: 5000 }],
    [
      { interval: 2, when: "h" },
      { when: "H", interval: 2 },
    ],
  ],
};

const REFUSED: Record<string, [given: Json, option: string, message: RegExp][]> = {
  pino: [
    [{ size: 1, maxBytes: 5 }, "size", /`size` is the same as `maxBytes`/],
    [{ frequency: 1500 }, "frequency", /whole seconds.*`when`/],
    [{ limit: { files: 3 } }, "limit", /`backupCount`/],
    [{ limit: 3 }, "limit", /`backupCount`/],
    [{ limit: { count: 0 } }, "limit", /1 or more/],
    [{ limit: { count: 1.5 } }, "limit", /`limit`.* got { count: 1.5 }/],
    [{ limit: { count: 1, removeOtherLogFiles: "no" } }, "limit", /`backupCount`/],
    [{ size: "1.2.3" }, "size", /`size`.*got '1.2.3'/],
    [{ filename: undefined, file: "" }, "file", /`file` to be the path/],
    [{ append: 1 }, "append", /true or false/],
    [{ fsync: "yes" }, "fsync", /true or false/],
    [{ mkdir: false }, "mkdir", /always made/],
    [{ symlink: true }, "symlink", /keeps its name/],
    [{ extension: ".log" }, "extension", /`filename`/],
    [{ dateFormat: "yyyy" }, "dateFormat", /`when`/],
    [{ minLength: 4096 }, "minLength", /`delivery`/],
    [{ maxLength: 4096 }, "maxLength", /`retryBufferBytes`/],
    [{ file: "other.log" }, "file", /`file` is the same as `filename`/],
    [{ maxByte: 1 }, "maxByte", /Did you mean `maxBytes`/],
  ],
  winston: [
    [{ maxsize: 1, maxSize: 1 }, "maxSize", /`maxsize` and `maxSize` both set `maxBytes`/],
    [{ maxFiles: "many" }, "maxFiles", /`backupCount` or `maxAge`/],
    [{ datePattern: "YYYY" }, "datePattern", /`when`/],
    [{ frequency: "weekly" }, "frequency", /`when` and `interval`/],
    [{ frequency: "0h" }, "frequency", /such as "3h"/],
    [{ maxsize: "much" }, "maxsize", /`maxsize`.*got 'much'/],
    [{ maxSize: -1 }, "maxSize", /`maxSize`.*got -1/],
    [{ maxFiles: "0d" }, "maxFiles", /`maxFiles`.*got '0d'/],
    [{ eol: 5 }, "eol", /`eol`.*got 5/],
    [{ zippedArchive: true, compression: "brotli" }, "compression", /since `zippedArchive` is true/],
    [{ maxFiles: 1, maxAge: "1d" }, "maxAge", /since with `backupCount` 0/], // `maxFiles` is not 0
    [{ dirname: 5 }, "dirname", /a directory/],
    [{ dirname: "logs", filename: "" }, "filename", /a file/],
    [{ filename: "app-%DATE%.log" }, "filename", /such as "app\.log"/],
    [{ filename: "%DATE%.log" }, "filename", /such as "app\.log"/],
    [{ filename: "logs/%DATE%-app.log" }, "filename", /such as "logs\/app\.log"/],
    [{ filename: "logs/%DATE%/app.log" }, "filename", /such as "logs\/app\.log"/],
    [{ datePattern: "YYYY-MM" }, "datePattern", /the day \("D"\)/],
    [{ json: true }, "json", /`format`/],
    [{ maxRetries: 3 }, "maxRetries", /`retryBufferBytes`/],
    [{ createSymlink: true }, "createSymlink", /keeps its name/],
    [{ auditFile: "x" }, "auditFile", /names/],
    [{ options: { flags: "w" } }, "options", /`mode`/],
    [{ stream: process.stdout }, "stream", /toStream/],
  ],
  log4js: [
    [{ backups: 1, numBackups: 2 }, "numBackups", /both set `backupCount`/],
    [{ pattern: "yyyy-MM" }, "pattern", /`when`/],
    [{ pattern: "'dd'" }, "pattern", /`when`/],
    [{ alwaysIncludePattern: true }, "alwaysIncludePattern", /keeps its name/],
    [{ keepFileExt: true }, "keepFileExt", /`namer`/],
    [{ daysToKeep: 3 }, "daysToKeep", /`maxPeriods`/],
    [{ maxLogSize: "much" }, "maxLogSize", /`maxLogSize`.*got 'much'/],
    [{ backups: -1 }, "backups", /`backups`.*got -1/],
    [{ numBackups: 1.5 }, "numBackups", /`numBackups`.*got 1.5/],
    [{ compress: "yes" }, "compress", /`compress`.*got 'yes'/],
    [{ flags: "wx" }, "flags", /`flags` to be "a" or "w"/],
    [{ mode: "r" }, "mode", /permission bits/],
    [{ backups: 0, maxAge: "1d" }, "maxAge", /since with `backups` 0/],
    [{ filename: `logs${sep}` }, "filename", /not of a directory/],
  ],
  logtape: [
    [{ interval: "yearly" }, "interval", /"weekly"/],
    [{ bufferSize: 8192 }, "bufferSize", /`delivery`/],
    [{ nonBlocking: true }, "nonBlocking", /`delivery`/],
    [{ directory: "x" }, "directory", /path/],
    [{ maxSize: "much" }, "maxSize", /`maxSize`.*got 'much'/],
    [{ maxFiles: -1 }, "maxFiles", /`maxFiles`.*got -1/],
    [{ maxAgeMs: 0 }, "maxAgeMs", /`maxAgeMs`.*got 0/],
    [{ path: "x" }, "path", /the first argument/],
  ],
};

for (const [host, make] of Object.entries(hosts)) {
  describe(host, () => {
    for (const [given, ours] of ACCEPTED[host]!) {
      test(`takes ${show(given)}`, (t) => {
        const made = make(file(t), given);
        for (const [option, value] of Object.entries(ours)) assert.deepEqual(made[option], value, option);
      });
    }
    for (const [given, option, message] of REFUSED[host]!) {
      test(`refuses ${show(given)}`, (t) => {
        assert.throws(
          () => make(file(t), given),
          (error) => {
            assert.ok(error instanceof LogFileError);
            assert.equal(error.code, "ERR_CLH_OPTION");
            assert.match(error.message, message);
            assert.equal(error.option, option);
            return true;
          },
        );
      });
    }
  });
}

test("the names of other hosts are not taken", (t) => {
  assert.throws(() => hosts.pino!(file(t), { maxLogSize: 1 }), /Unknown option `maxLogSize`/);
  assert.throws(() => hosts.log4js!(file(t), { maxsize: 1 }), /Unknown option `maxsize`/);
});

test("winston puts the file into dirname", (t) => {
  const directory = temporaryDirectory(t);
  assert.equal(hosts.winston!("a.log", { dirname: directory }).filename, join(directory, "a.log"));
});

test("log4js expands the home directory of the user, and nothing that only looks like it", () => {
  const name = (filename: string) => hosts.log4js!(filename, {}).filename;
  assert.equal(name(`~${sep}logs${sep}app.log`), join(homedir(), "logs", "app.log"));
  assert.equal(name("~app.log"), resolve("~app.log"));
  assert.equal(name(join("logs", "~", "app.log")), resolve("logs", "~", "app.log"));
});

function file(t: TestContext): string {
  return join(temporaryDirectory(t), "app.log");
}

function show(given: Json): string {
  return Object.entries(given)
    .map(([name, value]) => `${name} ${typeof value === "object" ? "…" : JSON.stringify(value)}`)
    .join(", ");
}
