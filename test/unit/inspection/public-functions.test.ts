import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  logStatus,
  type SweepLogOptions,
  sweepLog,
  verifyLog,
} from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { pendingPath } from "../../../src/log-files/pending-names.js";
import { OPTIONS } from "../../../src/options/option-table.js";
import { Clh } from "../../support/clh.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* verifyLog, logStatus and sweepLog: what the commands of these names print. */

/** A log that one handler has written, with five backups. */
function written(t: TestContext): string {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 100, backupCount: 5 });
  for (let i = 0; i < 60; i++) handler.write(`writer a, record ${i}`);
  handler.close();
  return log;
}

const NOTHING = { lockTimeout: undefined };
const json = async (...args: string[]) => JSON.parse((await Clh.run([...args, "--json"])).stdout);
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value));

describe("verifyLog", () => {
  test("finds what the command finds", async (t) => {
    const log = written(t);
    const good = await verifyLog(pathToFileURL(log));
    assert.deepEqual([good.ok, good.log, good.findings, good.records], [true, log, [], 22]);
    assert.deepEqual(asJson(good), await json("verify", log));
    appendFileSync(log, "torn");
    const bad = await verifyLog(log, { maxBytes: "1k", backupCount: 3, writerSequence: /record (\d+)/ });
    assert.deepEqual(bad.findings.map(({ kind }) => kind).sort(), ["limit", "sequence", "torn"]);
    const flags = ["--max-bytes", "1k", "--backup-count", "3", "--writer-sequence", "record (\\d+)"];
    assert.deepEqual(asJson(bad), await json("verify", log, ...flags));
    assert.deepEqual(
      bad.writers?.map(({ last, missing }) => [last, missing]),
      [[59, 0]],
    );
  });

  test("refuses what a limit cannot be, and a log that is not there", async (t) => {
    const log = written(t);
    for (const [options, message] of [
      [{ maxBytes: "ten" }, /`maxBytes` to be a whole number of bytes/],
      [{ backupCount: -1 }, /`backupCount` to be a whole number, 0 or more/],
      [{ writerSequence: "x" }, /`writerSequence` to be a regular expression/],
      [{ maxByte: 1 }, /Unknown option `maxByte`\. Did you mean `maxBytes`\?/],
      [null, /`options` to be an object/],
    ] as [object, RegExp][]) {
      await assert.rejects(verifyLog(log, options), { code: "ERR_CLH_OPTION", message });
    }
    await assert.rejects(verifyLog(`${log}.none`), { code: "ERR_CLH_READ" });
  });

  test("ends when it is aborted, before and while it reads", async (t) => {
    const log = written(t);
    await assert.rejects(verifyLog("", { signal: AbortSignal.abort("early") }), (reason) => reason === "early");
    const ending = new AbortController();
    const verifying = verifyLog(log, { signal: ending.signal });
    ending.abort();
    await assert.rejects(verifying, (reason) => reason === ending.signal.reason);
  });
});

describe("logStatus", () => {
  test("tells what the command tells", async (t) => {
    const log = written(t);
    const status = await logStatus(log);
    assert.deepEqual(
      status.backups.map(({ path }) => basename(path)),
      [5, 4, 3, 2, 1].map((n) => `app.log.${n}`),
    );
    assert.equal(status.next.maxBytes, 100);
    assert.deepEqual(asJson(status), await json("status", log));
  });

  test("refuses unknown options, and a log that is not there", async (t) => {
    await assert.rejects(logStatus(written(t), { watch: true } as object), { code: "ERR_CLH_OPTION", value: true });
    await assert.rejects(logStatus(join(temporaryDirectory(t), "none.log")), { code: "ERR_CLH_READ" });
  });

  test("looks for the lock where it is told to", async (t) => {
    const directory = temporaryDirectory(t);
    assert.equal((await logStatus(written(t), { lockFileDirectory: directory })).lock.path.startsWith(directory), true);
  });
});

describe("sweepLog", () => {
  test("does what the writers do, by their settings and what is given", async (t) => {
    const log = written(t);
    const text = readFileSync(log, "utf8");
    assert.deepEqual(await sweepLog(pathToFileURL(log)), { log, done: [], failures: [], warnings: [] });
    writeFileSync(pendingPath(log, { sequence: 1, place: "0", unique: "01234567", extension: "" }), "waits\n");
    const { done, failures } = await sweepLog(log, { backupCount: 3, useGzip: true, ...(NOTHING as object) });
    assert.deepEqual(failures, []);
    assert.ok(done.some(({ what }) => what === "compressed"));
    assert.ok(done.some(({ what }) => what === "removed"));
    assert.deepEqual(
      readdirSync(join(log, "..")).filter((name) => name.startsWith("app.log-")),
      [],
    );
    assert.equal(readFileSync(log, "utf8"), text, "nothing is rotated, nor written");
  });

  test("of a log that is rotated by time", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const handler = new ConcurrentTimedRotatingFileHandler(log, { when: "midnight" });
    for (const record of ["one", "two"]) {
      handler.write(record);
      handler.rotate();
    }
    handler.close();
    const { done } = await sweepLog(log, { maxTotalBytes: 1 });
    assert.deepEqual(
      done.map(({ what }) => what),
      ["removed"],
    );
  });

  test("deletes nothing that it was not told to, and throws what keeps it from beginning", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    await assert.rejects(sweepLog(log), { code: "ERR_CLH_READ", path: log });
    writeFileSync(log, "precious\n");
    await assert.rejects(sweepLog(log), { code: "ERR_CLH_OPTION", option: "backupCount" });
    const lock = makeLock(lockFilePath(log));
    assert.ok(lock.tryAcquire());
    await assert.rejects(sweepLog(log, { backupCount: 1, lockTimeout: 20 }), { code: "ERR_CLH_LOCK_TIMEOUT" });
    lock.close();
    assert.deepEqual((await sweepLog(log, { backupCount: 1 })).done, []);
    assert.equal(readFileSync(log, "utf8"), "precious\n");
  });

  test("takes no options that a sweep has no use for: mode would empty the log", async (t) => {
    const log = written(t);
    const text = readFileSync(log, "utf8");
    for (const [name, value] of Object.entries({
      dryRun: "yes",
      mode: "w",
      namer: String,
      delivery: "batched",
      filename: "x.log",
    })) {
      await assert.rejects(sweepLog(log, { [name]: value }), { code: "ERR_CLH_OPTION", option: name, value });
    }
    assert.equal(readFileSync(log, "utf8"), text);
  });

  test("its options are those of the command", () => {
    const all: Required<{ [Name in keyof SweepLogOptions]: true }> = {
      maxBytes: true,
      strictMaxBytes: true,
      when: true,
      interval: true,
      atTime: true,
      utc: true,
      timeZone: true,
      rotateWhenIdle: true,
      backupCount: true,
      maxAge: true,
      maxTotalBytes: true,
      minFreeBytes: true,
      minFreePercent: true,
      maxPeriods: true,
      onArchived: true,
      onArchivedTimeout: true,
      useGzip: true,
      compression: true,
      delayCompression: true,
      encoding: true,
      header: true,
      maxRecordBytes: true,
      oversize: true,
      sync: true,
      keepFileOpen: true,
      lockFileDirectory: true,
      backupName: true,
      keepExtension: true,
      archiveDirectory: true,
      lockTimeout: true,
      onLockTimeout: true,
      chmod: true,
      umask: true,
      owner: true,
      debug: true,
      dryRun: true,
    };
    const flagged = Object.keys(OPTIONS).filter((name) => OPTIONS[name]?.flag !== undefined);
    assert.deepEqual(Object.keys(all).sort(), [...flagged, "dryRun"].sort());
  });
});
