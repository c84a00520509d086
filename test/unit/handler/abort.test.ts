import assert from "node:assert/strict";
import { EventEmitter, getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler, type DeliveryMode, type WaitOptions } from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* A wait that is aborted: it ends with the reason of the signal, and the records reach the file all the same. */

type Waiting = Pick<ConcurrentRotatingFileHandler, "writeAsync" | "flush">;

/** A log to which nothing can be written until `release`. */
function blockedLog(t: TestContext, delivery: DeliveryMode, lockTimeout = 10_000) {
  const closed: { close(): void }[] = [];
  t.after(() => {
    for (const one of closed) one.close(); // before the directory goes
  });
  const log = join(temporaryDirectory(t), "app.log");
  const lock = makeLock(lockFilePath(log));
  let isFull = delivery === "sync"; // that one would wait for the lock with the event loop blocked
  const { write } = systemEnvironment().fs;
  const environment = environmentWith({
    write(...given) {
      if (isFull) throw systemError("ENOSPC", "write");
      return write(...given);
    },
  });
  const handler = new ConcurrentRotatingFileHandler(log, { delivery, lockTimeout, onLockTimeout: "wait" }, environment);
  closed.push(lock, handler);
  handler.on("error", () => {});
  if (!isFull) assert.equal(lock.tryAcquire(), true);
  const release = () => {
    isFull = false;
    lock.close();
  };
  return { handler, release, lines: () => readFileSync(log, "utf8").split("\n").slice(0, -1) };
}

/** What is wrong with the waits of a handler, as sentences. */
async function faults({ writeAsync, flush }: Waiting, release: () => void, lines: () => string[]): Promise<string[]> {
  const found: string[] = [];
  const expect = (isSo: boolean, what: string) => isSo || found.push(what);
  const outcome = (promise: Promise<void>) =>
    promise.then(
      () => "done",
      (error: unknown) => error,
    );

  const early = AbortSignal.abort("early");
  expect(
    (await outcome(writeAsync("never", { signal: early }))) === "early",
    "a write that was aborted before is done",
  );
  expect((await outcome(flush({ signal: early }))) === "early", "a flush that was aborted before is done");

  const ending = new AbortController();
  const { signal } = ending;
  const waits = [writeAsync("first", { signal }), writeAsync("second", { signal }), flush({ signal })].map(outcome);
  const others = [writeAsync("third"), flush()].map(outcome);
  ending.abort();
  for (const result of await Promise.all(waits)) expect(result === signal.reason, `a wait ends with ${result}`);
  expect((signal.reason as Error).name === "AbortError", "the reason is another one");
  expect(getEventListeners(signal, "abort").length === 0, "an aborted signal is listened to");
  release();
  for (const result of await Promise.all(others))
    expect(result === "done", `a wait without the signal ends with ${result}`);

  const later = new AbortController();
  const calm = { signal: later.signal };
  const done = await Promise.all([writeAsync("fourth", calm), flush(calm)].map(outcome));
  expect(
    done.every((result) => result === "done"),
    "a wait that was not aborted is not done",
  );
  expect(getEventListeners(later.signal, "abort").length === 0, "a signal is listened to for ever");
  later.abort();
  expect(lines().join() === "first,second,third,fourth", `the file has ${lines()}`);
  return found;
}

const bound = (handler: ConcurrentRotatingFileHandler): Waiting => ({
  writeAsync: (record, options) => handler.writeAsync(record, options),
  flush: (options) => handler.flush(options),
});

for (const delivery of ["sync", "batched", "background"] as const) {
  describe(`delivery ${delivery}`, () => {
    test("an aborted wait ends, and no record is lost or written twice", async (t) => {
      const { handler, release, lines } = blockedLog(t, delivery);
      assert.deepEqual(await faults(bound(handler), release, lines), []);
    });

    test("an aborted wait keeps no process alive", async (t) => {
      const { handler } = blockedLog(t, delivery);
      const ending = new AbortController();
      const wait = handler.writeAsync("record", { signal: ending.signal });
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
      const before = timers();
      ending.abort(new Error("stop"));
      await assert.rejects(wait, { message: "stop" });
      assert.ok(timers() < before, `${timers()} timers, ${before} before`);
    });

    test("options that are none are refused, and the record is not taken", async (t) => {
      const { handler, release, lines } = blockedLog(t, delivery);
      for (const [options, message] of [
        [{ signal: new EventEmitter() }, /`signal` to be an AbortSignal/],
        [{ singal: AbortSignal.abort() }, /Unknown option `singal`\. Did you mean `signal`\?/],
        [null, /`options` to be an object/],
      ] as [unknown, RegExp][] as [WaitOptions, RegExp][]) {
        await assert.rejects(handler.writeAsync("never", options), { code: "ERR_CLH_OPTION", message });
        await assert.rejects(handler.flush(options), { code: "ERR_CLH_OPTION", message });
      }
      release();
      await handler.writeAsync("record", {});
      await handler.flush({ signal: undefined });
      assert.deepEqual(lines(), ["record"]);
    });
  });
}

const raced = (done: Promise<void>, { signal }: WaitOptions = {}): Promise<void> => {
  if (signal === undefined) return done;
  done.catch(() => {});
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  return Promise.race([done, aborted]);
};

const DOUBLES: Record<string, (right: Waiting) => Waiting> = {
  "waits on": ({ writeAsync, flush }) => ({ writeAsync: (record) => writeAsync(record), flush: () => flush() }),
  "looks at the signal later alone": ({ writeAsync, flush }) => ({
    writeAsync: (record, options) => raced(writeAsync(record), options),
    flush: (options) => raced(flush(), options),
  }),
  "takes no record that may be aborted": ({ writeAsync, flush }) => ({
    writeAsync: (record, options) => (options === undefined ? writeAsync(record) : flush(options)),
    flush,
  }),
  "does not give the reason": ({ writeAsync, flush }) => {
    const plain = () => Promise.reject(new Error("aborted"));
    return {
      writeAsync: (record, options) => writeAsync(record, options).catch(plain),
      flush: (options) => flush(options).catch(plain),
    };
  },
};

describe("found out is a handler that", () => {
  for (const [name, double] of Object.entries(DOUBLES)) {
    test(name, async (t) => {
      const { handler, release, lines } = blockedLog(t, "batched", 200);
      assert.notDeepEqual(await faults(double(bound(handler)), release, lines), []);
    });
  }
});
