import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type RotatingFileHandlerOptions, verifyLog } from "../../src/index.js";
import { stress } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";
import { notOnce, readAll, startWriters, type WriterKind } from "../support/writers.js";

describe("every record once, whole and in order", () => {
  const cases: Record<string, string[]> = {
    "8 processes": ["--num-processes", "8", "--log-calls", "2000", "--max-bytes", "64KiB"],
    "8 threads": ["--writers", "thread", "--num-processes", "8", "--log-calls", "2000", "--max-bytes", "64KiB"],
    "4 cluster workers": [
      "--writers",
      "cluster",
      "--num-processes",
      "4",
      "--log-calls",
      "2000",
      "--max-bytes",
      "64KiB",
    ],
    "processes, threads and cluster workers": ["--writers", "mix", "--num-processes", "9", "--log-calls", "1000"],
    "gzip, 4 KiB": ["--num-processes", "8", "--log-calls", "500", "--max-bytes", "4KiB", "--gzip"],
    brotli: ["--num-processes", "4", "--log-calls", "1000", "--compression", "brotli"],
    "files not kept open": ["--num-processes", "4", "--log-calls", "2000", "--keep-file-open", "false"],
    "the lenient limit": ["--num-processes", "4", "--log-calls", "2000", "--strict-max-bytes", "false"],
    "latin-1": ["--num-processes", "4", "--log-calls", "1000", "--encoding", "latin-1"],
    "utf-16": ["--num-processes", "4", "--log-calls", "1000", "--encoding", "utf-16"],
    "every second, gzip": [
      "--when",
      "s",
      "--num-processes",
      "8",
      "--log-calls",
      "500",
      "--sleep-min",
      "0.002",
      "--sleep-max",
      "0.003",
      "--gzip",
    ],
    "every second and 4 KiB": [
      "--when",
      "s",
      "--max-bytes",
      "4KiB",
      "--num-processes",
      "8",
      "--log-calls",
      "400",
      "--sleep-min",
      "0.002",
      "--sleep-max",
      "0.003",
    ],
    "names of the user's own, an archive": [
      "--num-processes",
      "8",
      "--log-calls",
      "1000",
      "--max-bytes",
      "16KiB",
      "--keep-extension",
      "--archive-directory",
      "old",
      "--gzip",
    ],
    "no rotation": ["--num-processes", "4", "--log-calls", "2000", "--max-bytes", "0"],
  };
  for (const [name, args] of Object.entries(cases)) {
    test(name, async () => {
      const { code, verdict } = await stress(...args);
      assert.deepEqual(verdict.problems, []);
      assert.equal(verdict.found, verdict.expected);
      assert.equal(code, 0);
      assert.equal(verdict.rotations > 0, name !== "no rotation");
    });
  }

  test("8 processes, and each file has one header", async (t) => {
    const directory = temporaryDirectory(t);
    const header = "writer,number,characters";
    const options = { maxBytes: "4KiB", backupCount: 3000, useGzip: true, header };
    const writers = startWriters(t, 8, 300, join(directory, "app.log"), options);
    await Promise.all(writers.map(({ ended }) => ended));
    const found = readAll(directory, "app.log");
    const files = readdirSync(directory).filter((name) => name.startsWith("app.log"));
    assert.deepEqual(found.torn.sort(), files.map((name) => `${name}: ${header}`).sort());
    assert.deepEqual(notOnce(found, 8, 300), []);
    assert.equal((await verifyLog(join(directory, "app.log"))).records, 8 * 300);
  });

  test("3 backups: of each writer the oldest records go, and no others", async () => {
    const { code, verdict } = await stress("--num-processes", "4", "--log-calls", "2000", "--backup-count", "3");
    assert.equal(code, 0, JSON.stringify(verdict));
    assert.ok(verdict.removedRecords > 0);
    assert.equal(verdict.found + verdict.removedRecords, verdict.expected);
  });

  test("3 backups by a template, in an archive: the same", async () => {
    const names = ["--backup-name", "{stem}-{n}{ext}", "--archive-directory", "old"];
    const args = ["--num-processes", "8", "--log-calls", "1000", "--backup-count", "3", ...names];
    const { code, verdict } = await stress(...args);
    assert.equal(code, 0, JSON.stringify(verdict));
    assert.ok(verdict.removedRecords > 0);
    assert.equal(verdict.found + verdict.removedRecords, verdict.expected);
  });
});

describe("a handler that is broken is found out", () => {
  test("one that loses and doubles records", async () => {
    const { code, verdict } = await stress("--num-processes", "2", "--log-calls", "500", "--fail");
    assert.equal(code, 1);
    assert.ok(verdict.missing > 0 && verdict.duplicated > 0);
  });

  test("the tests below accept one that is not broken", async (t) => assert.deepEqual(await faults(t, "real"), []));
  test("one without a lock", async (t) => assert.notDeepEqual(await faults(t, "no lock"), []));
});

/** What is wrong with a log that four processes have written with such a handler. */
async function faults(t: TestContext, kind: WriterKind): Promise<string[]> {
  const directory = temporaryDirectory(t);
  const options: RotatingFileHandlerOptions = { maxBytes: 2048, backupCount: 3000 };
  const writers = startWriters(t, 4, 2000, join(directory, "app.log"), options, kind);
  await Promise.all(writers.map(({ ended }) => ended));
  const found = readAll(directory, "app.log");
  const tooLarge = readdirSync(directory).filter((name) => statSync(join(directory, name)).size > 2048);
  return [...found.torn, ...notOnce(found, 4, 2000), ...tooLarge];
}
