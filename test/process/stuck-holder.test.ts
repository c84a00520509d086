import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

const GENEROUS = 20; // a busy machine may be that many times late

test("a holder that is stopped delays one write by the time-out, the next ones hardly, and no record is lost", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const holder = new Fixture(t, "lock-user", "hold", lockFilePath(log));
  assert.equal(await holder.line(), "held");
  holder.process.kill("SIGSTOP");
  const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 100 });
  const errors: string[] = [];
  handler.on("error", ({ code }) => errors.push(code));

  const start = performance.now();
  assert.equal(handler.write("record 0"), false);
  assert.ok(performance.now() - start >= 100);
  assert.ok(performance.now() - start < 100 * GENEROUS);
  const rest = performance.now();
  for (let i = 1; i < 100; i++) assert.equal(handler.write(`record ${i}`), false);
  assert.ok(performance.now() - rest < 100 * GENEROUS);
  await assert.rejects(() => handler.flush(), { code: "ERR_CLH_FLUSH", message: /^100 records/ });
  assert.deepEqual(errors, ["ERR_CLH_LOCK_TIMEOUT"]);

  holder.process.kill("SIGCONT");
  holder.say("release");
  await handler.flush();
  assert.equal(handler.write("record 100"), true);
  handler.close();
  assert.equal(readFileSync(log, "utf8"), Array.from({ length: 101 }, (_, i) => `record ${i}\n`).join(""));
});
