import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConcurrentTimedRotatingFileHandler, type TimedRotatingFileHandlerOptions } from "../../../src/index.js";
import { settingsPath } from "../../../src/log-files/hidden-names.js";
import { OPTIONS } from "../../../src/options/option-table.js";
import { temporaryDirectory } from "../../support/temporary.js";

const namesOf = (isMeant: (row: (typeof OPTIONS)[string]) => boolean) =>
  Object.keys(OPTIONS)
    .filter((name) => isMeant(OPTIONS[name]!))
    .sort();

/** Every option that JSON has, and those for which it has another one in place. */
function everyOption(
  directory: string,
): Required<Omit<TimedRotatingFileHandlerOptions, "useGzip" | "utc" | "rotator" | "namer">> {
  return {
    ...{ mode: "a", maxBytes: 1000, strictMaxBytes: true, backupCount: 5, maxAge: "14d", maxTotalBytes: "2GiB" },
    ...{ maxRecordBytes: "64KiB", oversize: "split" },
    ...{ minFreeBytes: "1GiB", minFreePercent: "10%" },
    ...{ encoding: "utf-8", unicodeErrorPolicy: "replace", newline: "\n", terminator: "\n", delayCompression: true },
    ...{ compression: "gzip", chmod: 0o640, umask: 0o027, lockFileDirectory: directory, keepFileOpen: true },
    owner: [process.getuid?.() ?? 0, process.getgid?.() ?? 0],
    ...{
      lockTimeout: 5000,
      onLockTimeout: "wait",
      retryBufferBytes: "2MiB",
      maxSpillBytes: "3MiB",
      sync: "data",
      delivery: "sync",
    },
    header: "time,level,message",
    ...{ debug: false, delay: true, backupName: "{stem}-{date}{ext}", keepExtension: false, archiveDirectory: "old" },
    ...{ onArchived: () => {}, onArchivedTimeout: "1m" },
    ...{ when: "w0", interval: 2, atTime: "03:30", timeZone: "Europe/Berlin", maxPeriods: 3, rotateWhenIdle: false },
  };
}

test("JSON has every option but those that are marked", (t) => {
  const directory = temporaryDirectory(t);
  const handler = new ConcurrentTimedRotatingFileHandler(join(directory, "app.log"), everyOption(directory));
  const { type, filename, functions, ...options } = JSON.parse(JSON.stringify(handler));
  assert.deepEqual(functions, ["onArchived"]);
  assert.deepEqual(
    Object.keys(options).sort(),
    namesOf(({ isSerialised }) => isSerialised !== false),
  );
});

test("JSON names the functions that it cannot hold", (t) => {
  const handler = new ConcurrentTimedRotatingFileHandler(join(temporaryDirectory(t), "app.log"), { namer: String });
  assert.deepEqual(JSON.parse(JSON.stringify(handler)).functions, ["namer"]);
});

test("the settings beside a log are the options that all its writers share", (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  using handler = new ConcurrentTimedRotatingFileHandler(log, everyOption(directory));
  handler.open();
  const { kind, ...settings } = JSON.parse(readFileSync(settingsPath(log), "utf8")).settings;
  assert.equal(kind, "timed");
  assert.deepEqual(
    Object.keys(settings).sort(),
    namesOf(({ shared }) => shared !== undefined),
  );
});

test("every flag has a place of its own in the help", () => {
  const places = Object.values(OPTIONS).flatMap(({ flag }) => flag?.[0] ?? []);
  assert.equal(new Set(places).size, places.length);
});
