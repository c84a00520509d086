import assert from "node:assert/strict";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentTimedRotatingFileHandler, type When } from "../../src/index.js";
import { oracle } from "../support/oracles.js";
import { temporaryDirectory } from "../support/temporary.js";

/*
 * Which backups are deleted, beside upstream under Python 3.13 (under 3.11 it deletes none without gzip).
 */

interface Row {
  readonly id: number;
  readonly name: string;
  readonly base: string;
  readonly when: When;
  readonly utc: boolean;
  readonly tz: string;
  readonly backupCount: number;
  readonly use_gzip: boolean;
  readonly namer: string | null;
  readonly files: [name: string, mtime: number][];
  readonly clh313: string[] | object;
  readonly suspect: string[];
}

/** Where we delete something else, by row, and why. */
const OURS: Readonly<Record<number, string[]>> = {
  // A name that is not exactly one that a rotation makes is somebody else's file.
  92: ["app.log.2024-05-17"], // .001
  116: ["app.log.2024-05-17.gz"],
  99: ["app.log.2024-05-17"], // .gz.gz
  123: ["app.log.2024-05-17.gz"],
  101: ["app.log.2024-01-01.1"], // digits that are not 0 to 9; upstream counts them, or fails
  102: ["app.log.2024-01-01.1"],
  126: ["app.log.2024-01-01.1.gz"],
  124: ["app.log.2024-05-17.gz"],
  122: ["app.log.2024-05-17.gz"], // two dates
  108: ["app.log.2024-05-17.gz", "app.log.2024-05-18.gz"], // anything that ends with .gz
  109: ["app.log.2024-05-17.gz", "app.log.2024-05-18.gz"],
  111: ["app.log.2024-05-17.gz", "app.log.2024-05-18.gz"],
  // Upstream does not read names that a namer made.
  103: ["app.2024-01-01.log", "app.2024-01-02.log"],
  127: ["app.2024-01-01.log.gz", "app.2024-01-02.log.gz"],
  // Upstream sorts UTC names by local time, in which one of these does not exist.
  104: ["app.log.2024-03-10_01-50", "app.log.2024-03-10_02-30"],
  128: ["app.log.2024-03-10_01-50.gz", "app.log.2024-03-10_02-30.gz"],
};

describe("deletes what upstream deletes", () => {
  for (const row of oracle<Row>("retention")) test(`${row.id} ${row.name}`, (t) => prune(t, row));
});

function prune(t: TestContext, row: Row): void {
  const directory = temporaryDirectory(t);
  for (const [name, mtime] of row.files) {
    writeFileSync(join(directory, name), "");
    utimesSync(join(directory, name), mtime, mtime);
  }
  const { when, backupCount, tz, utc, use_gzip: useGzip } = row;
  const namer = row.namer === null ? {} : { namer: (name: string) => name.replace(/(\.log)(\.[^/]*)$/, "$2$1") };
  const zone = utc ? { utc } : { timeZone: tz };
  const handler = new ConcurrentTimedRotatingFileHandler(join(directory, row.base), {
    ...{ when, backupCount, useGzip },
    ...zone,
    ...namer,
  });
  handler.open();
  handler.close();
  const left = new Set(readdirSync(directory));
  const deleted = row.files.map(([name]) => name).filter((name) => !left.has(name));
  const expected = OURS[row.id] ?? (row.backupCount === 0 ? [] : (row.clh313 as string[])); // 0: never asked
  assert.deepEqual(deleted.sort(), expected.toSorted());
}
