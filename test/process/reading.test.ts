import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import { type LogRecord, type RotatingFileHandlerOptions, readLog } from "../../src/index.js";
import { temporaryDirectory } from "../support/temporary.js";
import { startWriters } from "../support/writers.js";

/* Reading while four processes write and rotate: nothing is missed, and nothing comes twice. */

const WRITERS = 4;
const RECORDS = 3000;

const cases: Record<string, RotatingFileHandlerOptions> = {
  "plain backups, renamed at each rotation": { maxBytes: 8192, backupCount: 1000 },
  gzip: { maxBytes: 8192, backupCount: 1000, useGzip: true },
  brotli: { maxBytes: 16384, backupCount: 1000, compression: { format: "brotli", level: 1 } },
  "one file": { maxBytes: 0 },
};

describe("readLog beside writers that rotate", () => {
  for (const [name, options] of Object.entries(cases)) {
    test(name, async (t) => assert.deepEqual(await problems(t, options, (log) => readLog(log)), []));
  }

  test("a reader that misses files is found out", async (t) => {
    const forgetful = (log: string) => skipping(readLog(log));
    assert.notDeepEqual(await problems(t, cases.gzip!, forgetful), []);
  });
});

async function* skipping(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
  let count = 0;
  for await (const record of records) if (count++ !== 500) yield record;
}

/** Reads again and again until all has been written: what was wrong, as sentences. */
async function problems(
  t: TestContext,
  options: RotatingFileHandlerOptions,
  read: (log: string) => AsyncIterable<LogRecord>,
): Promise<string[]> {
  const log = join(temporaryDirectory(t), "app.log");
  const writers = startWriters(t, WRITERS, RECORDS, log, options);
  let isWriting = true;
  const ended = Promise.all(writers.map((writer) => writer.ended)).then(() => {
    isWriting = false;
  });
  while (!existsSync(log)) await setTimeout(5);
  const found: string[] = [];
  let before = new Map<string, number>();
  let last: boolean;
  let reads = 0;
  do {
    reads++;
    last = !isWriting;
    const counts = new Map<string, number>();
    for await (const { text, file, offset } of read(log)) {
      const record = parseStressRecord(text);
      if (record === undefined) {
        found.push(`${file} at ${offset}: ${text}`);
        continue;
      }
      const expected = counts.get(record.writer) ?? 0;
      if (record.number !== expected) found.push(`${file}: ${record.number} of ${record.writer}, not ${expected}`);
      counts.set(record.writer, record.number + 1);
    }
    for (const [writer, count] of before) {
      if ((counts.get(writer) ?? 0) < count) found.push(`${count} of ${writer}, then ${counts.get(writer)}`);
    }
    before = counts;
  } while (!last && found.length === 0);
  await ended;
  if (reads < 3) found.push(`only ${reads} reads: it was not read while it was written`);
  if (found.length === 0) {
    for (let w = 0; w < WRITERS; w++) if (before.get(`w${w}`) !== RECORDS) found.push(`w${w}: ${before.get(`w${w}`)}`);
  }
  return found.slice(0, 5);
}
