import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { ConcurrentRotatingFileHandler, type DeliveryMode } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";

const request = new AsyncLocalStorage<string>();

for (const delivery of ["sync", "batched", "background"] satisfies DeliveryMode[]) {
  test(`${delivery}: events are told in the async context in which the handler was made`, async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const options = { delivery, maxBytes: 200, backupCount: 1, useGzip: true, lockTimeout: 50 };
    const handler = request.run("where it was made", () => new ConcurrentRotatingFileHandler(log, options));
    const alive = setInterval(() => {}, 1000); // the timers of a handler keep nobody so
    t.after(() => {
      clearInterval(alive);
      handler.close();
    });
    const told = new Map<string, Set<string | undefined>>();
    for (const name of ["rotated", "compressed", "removed", "error", "drain"] as const) {
      const contexts = new Set<string | undefined>();
      told.set(name, contexts);
      handler.on(name, () => contexts.add(request.getStore()));
    }
    const allWritten = async () => {
      while (handler.stats().pending > 0) await handler.flush().catch(() => {}); // a thread takes its time to start
    };
    await request.run("first request", async () => {
      handler.write("first");
      await allWritten();
    });
    await request.run("second request", async () => {
      for (let i = 0; i < 12; i++) handler.write("-".repeat(50));
      await allWritten();
      await handler.swept();
      const holder = makeLock(lockFilePath(log));
      assert.ok(holder.acquire(1000));
      const isTold = once(handler, "error");
      handler.write("too late");
      await isTold; // by a timer, but for sync
      holder.close();
      assert.equal(request.getStore(), "second request");
    });
    await allWritten();
    for (const name of ["rotated", "compressed", "removed", "error"])
      assert.deepEqual([name, ...told.get(name)!], [name, "where it was made"]);
  });
}
