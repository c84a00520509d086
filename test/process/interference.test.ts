import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";
import { notOnce, readAll, startWriters } from "../support/writers.js";

const WRITERS = 4;
const RECORDS = 3000;
const OPTIONS = { maxBytes: 16 * 1024, backupCount: 3000 };

describe("while somebody", () => {
  for (const [what, target, action] of [
    ["deletes the lock file", ".__app.lock", "rm"],
    ["moves the lock file away", ".__app.lock", "mv"],
    ["moves the log away", "app.log", "mv"],
    ["deletes the log", "app.log", "rm"],
  ] as const) {
    test(`${what}, no record is torn or doubled, and none missing but in what is deleted`, async (t) => {
      const directory = temporaryDirectory(t);
      const vandal = new Fixture(t, "vandal", join(directory, target), action);
      const writers = startWriters(t, WRITERS, RECORDS, join(directory, "app.log"), OPTIONS);
      assert.deepEqual(await Promise.all(writers.map(({ ended }) => ended)), Array(WRITERS).fill(0));
      vandal.process.kill("SIGKILL");
      await vandal.ended;
      const found = readAll(directory, "app.log");
      assert.deepEqual(found.torn.filter(isTorn), []);
      const wrong = notOnce(found, WRITERS, RECORDS);
      const isLogDeleted = target === "app.log" && action === "rm";
      assert.deepEqual(isLogDeleted ? wrong.filter((line) => !line.endsWith(" 0 times")) : wrong, []);
    });
  }
});

describe("logrotate", () => {
  test("create: every record is in one of the files", async (t) => {
    const directory = temporaryDirectory(t);
    const log = join(directory, "app.log");
    const writers = startWriters(t, WRITERS, RECORDS, log, {});
    let rotations = 0;
    await whileWriting(writers, () => {
      try {
        renameSync(log, `${log}.${rotations + 1}`);
        rotations++;
        writeFileSync(log, "", { flag: "wx", mode: 0o640 });
      } catch {
        // ENOENT before the first record; EEXIST when a writer has made it first
      }
    });
    const found = readAll(directory, "app.log");
    assert.deepEqual(found.torn.filter(isTorn), []);
    assert.deepEqual(notOnce(found, WRITERS, RECORDS), []);
    assert.ok(rotations > 0);
  });

  test("copytruncate: writing goes on at the start of the file, without a hole", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const handler = new ConcurrentRotatingFileHandler(log);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 10; i++) handler.write(`record ${round}-${i}`);
      copyFileSync(log, `${log}.${round}`);
      truncateSync(log);
    }
    handler.write("after");
    handler.close();
    assert.equal(readFileSync(log, "utf8"), "after\n");
    const copies = Array.from({ length: 5 }, (_, round) => readFileSync(`${log}.${round}`, "utf8")).join("");
    assert.equal(copies.split("\n").length - 1, 50);
    assert.ok(!copies.includes("\0"));
  });

  const hasLogrotate = isInstalled("logrotate");
  for (const method of ["create", "copytruncate"]) {
    const skip = !hasLogrotate && "logrotate is not installed";
    test(`the real one, ${method}: no hole, nothing torn`, { skip }, async (t) => {
      const directory = temporaryDirectory(t);
      const log = join(directory, "app.log");
      const config = join(directory, "logrotate.conf");
      const user = process.getuid?.() === 0 ? "su root root\n" : "";
      writeFileSync(config, `${log} {\n${user}missingok\nrotate 100\nsize 1\n${method}\n}\n`, { mode: 0o644 });
      const writers = startWriters(t, WRITERS, RECORDS, log, {});
      await whileWriting(writers, () => {
        execFileSync("logrotate", ["--force", "--state", join(directory, "state"), config], { stdio: "ignore" });
      });
      const found = readAll(directory, "app.log");
      assert.deepEqual(found.torn.filter(isTorn), []);
      const wrong = notOnce(found, WRITERS, RECORDS);
      // Between its copy and its truncation, copytruncate loses what is written: no writer can help that.
      assert.deepEqual(method === "create" ? wrong : wrong.filter((line) => !line.endsWith(" 0 times")), []);
    });
  }
});

/** Does something again and again until all writers have ended. */
async function whileWriting(writers: Fixture[], action: () => void): Promise<void> {
  let isDone = false;
  const all = Promise.all(writers.map(({ ended }) => ended)).then((codes) => {
    isDone = true;
    assert.deepEqual(codes, Array(writers.length).fill(0));
  });
  while (!isDone) {
    action();
    await setTimeout(10);
  }
  await all;
}

/**
 * Not a file that was moved away before its first record; nor an empty line: when two hold the lock, since it was
 * deleted, one may end a record that the other is just writing (docs/concepts/locking.md).
 */
function isTorn(line: string): boolean {
  return !line.endsWith(": ") && !line.endsWith("does not end with a line feed");
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
