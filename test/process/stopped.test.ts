import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { listLogFiles } from "../../src/log-files/list-files.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { Fixture } from "../support/child.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";

/* A process that is stopped and goes on (SIGSTOP, SIGCONT), as by a shell, a debugger or a container that is paused. */

const RECORDS = 1000;
const AT_A_TIME = 10;
/** It is stopped each time that it has written so often. */
const EVERY = 5;
const LOCK_TIMEOUT = 1000;
// As long as the thread of background is waited for, and more. A process that is stopped has no clock to be set forward.
const LONG = LOCK_TIMEOUT + 1200;

for (const delivery of ["batched", "background"] as const) {
  describe(`${delivery}, stopped`, { concurrency: true }, () => {
    test("again and again while another process rotates or has the lock: no record is lost or doubled", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const options = { backupCount: 1000, delivery };
      const fixture = new Fixture(t, "stopped-writer", log, RECORDS, options, AT_A_TIME);
      const handler = new ConcurrentRotatingFileHandler(log, { backupCount: 1000, lockTimeout: 20 });
      handler.on("error", ({ code }) => assert.equal(code, "ERR_CLH_LOCK_TIMEOUT")); // it was stopped with the lock
      const lock = makeLock(lockFilePath(log));
      t.after(() => lock.close());
      const errors: string[] = [];
      let others = 0;
      let times = 0;
      for (let line = await fixture.next(); line !== undefined; line = await fixture.next()) {
        if (line !== "has written some") errors.push(line);
        else if (++times % EVERY === 0) {
          fixture.process.kill("SIGSTOP");
          lock.close();
          for (let i = 0; i < 3; i++) handler.write(`other ${others++}`);
          handler.rotate();
          handler.write(`other ${others++}`);
          if (times < RECORDS / AT_A_TIME) lock.acquire(20);
          fixture.process.kill("SIGCONT");
        }
      }
      assert.equal(times, RECORDS / AT_A_TIME);
      assert.equal(await fixture.ended, 0);
      await handler.flush();
      handler.close();
      const found = linesOf(log);
      assert.deepEqual(
        found.filter((line) => line.startsWith("record")),
        numbered("record", RECORDS),
      );
      assert.deepEqual(
        found.filter((line) => line.startsWith("other")),
        numbered("other", others),
      );
      assert.equal(found.length, RECORDS + others);
      assert.deepEqual(errors, []);
    });

    test("for longer than a flush may take, and then the lock is free: the flush is kept", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, "stopped-writer", log, RECORDS, { delivery, lockTimeout: LOCK_TIMEOUT });
      await fixture.lineThatIs("is ready");
      const lock = makeLock(lockFilePath(log));
      t.after(() => lock.close());
      assert.ok(lock.acquire(5000));
      fixture.say("flush");
      await fixture.lineThatIs("waits");
      fixture.process.kill("SIGSTOP");
      await setTimeout(LONG);
      lock.close();
      fixture.process.kill("SIGCONT");
      assert.deepEqual(await fixture.rest(), ["flushed"]);
      assert.deepEqual(linesOf(log), numbered("record", RECORDS));
    });

    test("for longer than it would wait, while another process has the lock: none, and its thread is not given up", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const options = { delivery, lockTimeout: LOCK_TIMEOUT };
      const fixture = new Fixture(t, "stopped-writer", log, RECORDS, options);
      await fixture.lineThatIs("is ready");
      const lock = makeLock(lockFilePath(log));
      t.after(() => lock.close());
      assert.ok(lock.acquire(5000));
      fixture.say("write");
      await fixture.lineThatIs("waits");
      await setTimeout(100); // so that it does
      fixture.process.kill("SIGSTOP");
      await setTimeout(LONG);
      fixture.process.kill("SIGCONT");
      await setTimeout(50); // it looks again in vain
      lock.close();
      const told = await fixture.rest();
      assert.equal(await fixture.ended, 0);
      assert.deepEqual(linesOf(log), numbered("record", RECORDS));
      assert.ok(!told.includes("ERR_CLH_THREAD"), `${told}`);
    });
  });
}

/** Of all files of a log, in order. */
function linesOf(log: string): string[] {
  const files = listLogFiles(systemEnvironment().fs, log);
  return files.flatMap(({ path }) => readFileSync(path, "utf8").split("\n").slice(0, -1));
}

function numbered(what: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${what} ${i}`);
}
