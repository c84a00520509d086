import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler, pruneLogs } from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { pendingPath } from "../../../src/log-files/pending-names.js";
import { Clh } from "../../support/clh.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* pruneLogs, and `clh prune`: one limit over all logs of a directory. */

/** Two logs: b has a backup of each odd day, a of each even one; the newest are a.log.1 and b.log.1, of yesterday. */
function twoLogs(t: TestContext): { directory: string; bytes: number } {
  const directory = temporaryDirectory(t);
  for (const [odd, name] of ["a.log", "b.log"].entries()) {
    const log = join(directory, name);
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 100, backupCount: 9 });
    for (let i = 0; i < 5; i++) handler.write("x".repeat(89));
    handler.close();
    for (let n = 1; n <= 4; n++) setAge(`${log}.${n}`, 2 * n + odd);
  }
  return { directory, bytes: 10 * 90 };
}

function setAge(path: string, days: number): void {
  const time = Date.now() / 1000 - days * 86_400;
  utimesSync(path, time, time);
}

function visible(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .sort();
}

const names = (removed: readonly { readonly path: string }[]) => removed.map(({ path }) => basename(path));

describe("pruneLogs", () => {
  test("deletes the oldest of all logs, in order, and no more than it must", async (t) => {
    const { directory, bytes } = twoLogs(t);
    const before = visible(directory);
    const nothing = await pruneLogs(directory, { maxTotalBytes: bytes });
    assert.deepEqual([nothing.removed, nothing.bytesBefore, nothing.bytesAfter], [[], bytes, bytes]);
    const plan = await pruneLogs(directory, { maxTotalBytes: bytes - 200, dryRun: true });
    assert.deepEqual(visible(directory), before);
    const deed = await pruneLogs(pathToFileURL(directory), { maxTotalBytes: bytes - 200 });
    assert.deepEqual(deed, plan);
    assert.deepEqual(names(deed.removed), ["b.log.4", "a.log.4", "b.log.3"]);
    assert.deepEqual([deed.bytesAfter, deed.failures], [bytes - 270, []]);
    assert.deepEqual(
      visible(directory),
      before.filter((name) => !names(deed.removed).includes(name)),
    );
  });

  test("leaves active files, the newest of each log, and what is not of ours", async (t) => {
    const { directory } = twoLogs(t);
    const timed = join(directory, "t.log");
    const handler = new ConcurrentTimedRotatingFileHandler(timed, { when: "d" });
    for (const record of ["1", "2", "3"]) {
      handler.write(record);
      handler.rotate();
    }
    handler.close();
    for (const name of ["a.log.bak", "a.log.20240101", "c.log", "c.log.1", "c.log.2", "t.log.1"])
      writeFileSync(join(directory, name), "of others\n");
    const waiting = pendingPath(join(directory, "a.log"), {
      sequence: 1,
      place: "0",
      unique: "01234567",
      extension: "",
    });
    writeFileSync(waiting, "old");
    setAge(waiting, 30);
    const dated = visible(directory).filter((name) => name.startsWith("t.log.2"));
    const { removed, failures, bytesAfter } = await pruneLogs(directory, { maxTotalBytes: 0 });
    assert.deepEqual(failures, []);
    assert.ok(bytesAfter > 0);
    assert.deepEqual(visible(directory), [
      ...["a.log", "a.log.1", "a.log.20240101", "a.log.bak", "b.log", "b.log.1", "c.log", "c.log.1", "c.log.2"],
      ...["t.log", "t.log.1", ...dated.slice(-1)],
    ]);
    assert.equal(removed.length, 3 + 1 + 3 + dated.length - 1);
  });

  test("deletes the oldest, whatever its name is by now", async (t) => {
    const { directory, bytes } = twoLogs(t);
    const log = join(directory, "b.log");
    const oldest = statSync(`${log}.4`).ino;
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 100, backupCount: 9 });
    handler.write("x".repeat(89));
    handler.close();
    assert.equal(statSync(`${log}.5`).ino, oldest);
    const { removed } = await pruneLogs(directory, { maxTotalBytes: bytes });
    assert.deepEqual(names(removed), ["b.log.5"]);
  });

  test("while a writer has the lock of a log, its backups stay", async (t) => {
    const { directory, bytes } = twoLogs(t);
    const lock = makeLock(lockFilePath(join(directory, "b.log")));
    assert.ok(lock.tryAcquire()); // in this thread, for which nobody waits
    const { removed, failures } = await pruneLogs(directory, { maxTotalBytes: bytes - 100 });
    lock.release();
    lock.close();
    assert.deepEqual(names(removed), ["a.log.4"]);
    assert.deepEqual(
      failures.map(({ code }) => code),
      ["ERR_CLH_LOCK_TIMEOUT"],
    );
  });

  test("a log without its lock file, or with names that only a function knows, is left and told", async (t) => {
    const { directory } = twoLogs(t);
    const named = join(directory, "n.log");
    const handler = new ConcurrentRotatingFileHandler(named, {
      maxBytes: 10,
      backupCount: 3,
      namer: (path) => `${path}.x`,
    });
    for (let i = 0; i < 3; i++) handler.write("0123456789");
    handler.close();
    unlinkSync(lockFilePath(join(directory, "b.log")));
    const { removed, failures, logs } = await pruneLogs(directory, { maxTotalBytes: 0 });
    assert.deepEqual(
      logs.map((log) => basename(log)),
      ["a.log", "b.log"],
    );
    assert.deepEqual(names(removed), ["a.log.4", "a.log.3", "a.log.2"]);
    assert.deepEqual([...new Set(failures.map(({ code }) => code))], ["ERR_CLH_READ", "ERR_CLH_PRUNE"]);
    assert.equal(existsSync(lockFilePath(join(directory, "b.log"))), false, "the lock file is not made");
    assert.equal(readFileSync(`${named}.1.x`, "utf8"), "0123456789\n");
  });

  test("refuses wrong options, and a directory that is not there", async (t) => {
    const directory = temporaryDirectory(t);
    const wrong = [{}, { maxTotalBytes: "much" }, { maxTotalBytes: 1, dryrun: true }, { maxTotalBytes: 1, dryRun: 1 }];
    for (const options of wrong)
      await assert.rejects(pruneLogs(directory, options as { maxTotalBytes: number }), { code: "ERR_CLH_OPTION" });
    await assert.rejects(pruneLogs(join(directory, "none"), { maxTotalBytes: 1 }), { code: "ERR_CLH_READ" });
    assert.deepEqual((await pruneLogs(directory, { maxTotalBytes: 1 })).logs, []);
  });

  test("the command tells it line by line", async (t) => {
    const { directory, bytes } = twoLogs(t);
    const at = (name: string) => join(directory, name);
    const limit = String(bytes - 100);
    const plan = await Clh.run(["prune", directory, "--max-total", limit, "--dry-run"]);
    assert.deepEqual(plan.stdout.split("\n"), [
      `would be removed ${at("b.log.4")} (90 bytes)`,
      `would be removed ${at("a.log.4")} (90 bytes)`,
      "would be left: 720 bytes in 2 logs",
      "",
    ]);
    const { stdout, code } = await Clh.run(["prune", directory, "--max-total", limit]);
    assert.deepEqual([stdout, code], [plan.stdout.replaceAll("would be ", ""), 0]);
    const all = await Clh.run(["prune", directory, "--max-total", "1k", "--json"]);
    assert.deepEqual(JSON.parse(all.stdout).removed, []);
    const tooMuch = await Clh.run(["prune", directory, "--max-total", "100"]);
    assert.deepEqual([tooMuch.code, /keeps more than --max-total/.test(tooMuch.stderr)], [1, true]);
    assert.equal((await Clh.run(["prune", directory])).code, 2);
  });
});
