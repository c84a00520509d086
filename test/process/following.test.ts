import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import {
  ConcurrentRotatingFileHandler,
  type FollowLogOptions,
  followLog,
  type RotatingFileHandlerOptions,
} from "../../src/index.js";
import { temporaryDirectory } from "../support/temporary.js";
import { startWriters } from "../support/writers.js";

const WRITERS = 4;
const RECORDS = 2000;

describe("followLog beside writers that rotate: every record once, in order", () => {
  const cases: Record<string, RotatingFileHandlerOptions> = {
    "plain backups": { maxBytes: 8192, backupCount: 1000 },
    gzip: { maxBytes: 8192, backupCount: 1000, useGzip: true },
    "brotli, tiny files": { maxBytes: 1024, backupCount: 5000, compression: { format: "brotli", level: 1 } },
    "one file": { maxBytes: 0 },
  };
  for (const [name, options] of Object.entries(cases)) {
    test(name, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const writers = startWriters(t, WRITERS, RECORDS, log, options);
      const counts = new Map<string, number>();
      let found = 0;
      for await (const { text, file } of followLog(log, { fromStart: true, onProblem: assert.ifError })) {
        const record = parseStressRecord(text);
        assert.ok(record, `${file}: ${text}`);
        assert.equal(record.number, counts.get(record.writer) ?? 0, `${file}: ${text}`);
        counts.set(record.writer, record.number + 1);
        if (++found === WRITERS * RECORDS) break;
      }
      await Promise.all(writers.map(({ ended }) => ended));
    });
  }
});

/** A follower, and what it has found. */
class Follower {
  readonly texts: string[] = [];
  readonly problems: string[] = [];
  readonly #ended: Promise<void>;
  readonly #abort = new AbortController();

  constructor(t: TestContext, log: string, options: FollowLogOptions = {}) {
    const all = followLog(log, {
      ...options,
      signal: this.#abort.signal,
      onProblem: ({ message }) => this.problems.push(message.replaceAll(log, "LOG")),
    });
    this.#ended = (async () => {
      for await (const { text } of all) this.texts.push(text);
    })();
    t.after(() => this.#abort.abort());
  }

  /** Waits until these, and no others, have come. */
  async expect(...texts: string[]): Promise<void> {
    while (this.texts.length < texts.length) await Promise.race([setTimeout(5), this.#ended]);
    assert.deepEqual(this.texts, texts);
  }

  async end(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }
}

async function following(t: TestContext, options?: FollowLogOptions): Promise<{ log: string; follower: Follower }> {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "before\n");
  const follower = new Follower(t, log, { last: 1, ...options });
  await follower.expect("before");
  return { log, follower };
}

test("begins at the end, or some records before it", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(`${log}.1`, "zero\n");
  writeFileSync(log, `one\n${"x".repeat(70_000)}\nthree\nfour\nhalf`);
  const follower = new Follower(t, log, { last: 3 });
  await follower.expect("x".repeat(70_000), "three", "four");
  const other = new Follower(t, log, { last: 0 });
  const all = new Follower(t, log, { fromStart: true });
  await all.expect("zero", "one", "x".repeat(70_000), "three", "four");
  await setTimeout(30); // for the other to have begun; were it late, it would still find what comes next
  appendFileSync(log, " a record\n");
  await other.expect("half a record");
});

test("a record that comes in pieces comes once, whole", async (t) => {
  const { log, follower } = await following(t);
  for (const piece of ["on", "e", "\ntwo\nth", "ree", "\n"]) {
    appendFileSync(log, piece);
    await setTimeout(25);
  }
  await follower.expect("before", "one", "two", "three");
});

test("goes on when the log is moved, deleted, made again", async (t) => {
  const { log, follower } = await following(t);
  renameSync(log, `${log}.old`); // not a name of ours
  writeFileSync(log, "moved\n");
  await follower.expect("before", "moved");
  unlinkSync(log);
  await setTimeout(50);
  writeFileSync(log, "deleted\n");
  await follower.expect("before", "moved", "deleted");
  renameSync(log, `${log}.1`);
  appendFileSync(`${log}.1`, "late\n"); // somebody without the lock
  await follower.expect("before", "moved", "deleted", "late");
  writeFileSync(log, "rotated\n");
  await follower.expect("before", "moved", "deleted", "late", "rotated");
  assert.deepEqual(follower.problems, []);
  truncateSync(log, 0);
  appendFileSync(log, "new\n");
  await follower.expect("before", "moved", "deleted", "late", "rotated", "new");
  assert.deepEqual(follower.problems, ["LOG was truncated; it is read from its start again."]);
});

test("several rotations between two looks, and the file it was reading is compressed", async (t) => {
  const { log, follower } = await following(t);
  // All at once, so that the follower sees but the end: among files of the same time, one with other bytes.
  writeFileSync(`${log}.3.gz`, gzipSync("before, but not it\n"));
  writeFileSync(`${log}.2.gz`, gzipSync("before\n"));
  writeFileSync(`${log}.1.gz`, gzipSync("two\n"));
  for (const n of [1, 2, 3]) utimesSync(`${log}.${n}.gz`, 1_700_000_000, 1_700_000_000);
  utimesSync(log, 1_700_000_000, 1_700_000_000);
  unlinkSync(log);
  writeFileSync(log, "three\n");
  await follower.expect("before", "two", "three");
  assert.deepEqual(follower.problems, []);
});

test("says so when the file and its successors may be gone", async (t) => {
  const { log, follower } = await following(t);
  writeFileSync(`${log}.1`, "two\n");
  unlinkSync(log);
  writeFileSync(log, "three\n");
  await follower.expect("before", "two", "three");
  assert.deepEqual(follower.problems, ["LOG was deleted before what follows it was seen: records may be missing."]);
});

test("waits for a log that is not there yet, nor its directory", async (t) => {
  const directory = join(temporaryDirectory(t), "logs");
  const log = join(directory, "app.log");
  const follower = new Follower(t, log);
  const fromStart = new Follower(t, log, { fromStart: true });
  await setTimeout(50);
  mkdirSync(directory);
  writeFileSync(log, "one\n");
  await follower.expect("one");
  await fromStart.expect("one");
});

test("something else in the place of the log is told once, and waited for", async (t) => {
  const { log, follower } = await following(t);
  unlinkSync(log);
  mkdirSync(log);
  while (follower.problems.length === 0) await setTimeout(5);
  await setTimeout(100);
  assert.deepEqual(follower.problems, ["Cannot read LOG: it is not a regular file."]);
  rmSync(log, { recursive: true });
  writeFileSync(log, "again\n");
  await follower.expect("before", "again");
});

test("a copy that is truncated, as by logrotate, loses nothing that was seen", async (t) => {
  const { log, follower } = await following(t);
  appendFileSync(log, "two\n");
  await follower.expect("before", "two");
  copyFileSync(log, `${log}.1`);
  truncateSync(log, 0);
  appendFileSync(log, "x\n");
  await follower.expect("before", "two", "x");
});

test("ends when it is told to", async (t) => {
  const { follower } = await following(t);
  await follower.end();
});

test("no record comes after that, in the middle of a file or of a backup", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const text = "a record\n".repeat(100_000);
  writeFileSync(`${log}.1.gz`, gzipSync(text));
  writeFileSync(log, text);
  for (const wanted of [3, 100_003]) {
    const abort = new AbortController();
    let found = 0;
    for await (const _ of followLog(log, { fromStart: true, signal: abort.signal })) {
      if (++found === wanted) abort.abort();
    }
    assert.equal(found, wanted);
  }
});

test("shows a record within 100 ms", async (t) => {
  const { log, follower } = await following(t);
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 200, backupCount: 100, useGzip: true });
  const delays: number[] = [];
  for (let i = 0; i < 21; i++) {
    const start = performance.now();
    handler.write(`record ${i}, so long that some of them are rotated`);
    while (follower.texts.length < i + 2) await setTimeout(1);
    delays.push(performance.now() - start);
  }
  handler.close();
  await handler.swept();
  assert.ok(delays.sort((a, b) => a - b)[10]! < 100, `${delays.map(Math.round)}`);
});
