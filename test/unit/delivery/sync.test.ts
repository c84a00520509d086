import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { DeliveryWriter } from "../../../src/delivery/delivery.js";
import { SyncDelivery } from "../../../src/delivery/sync.js";
import { News } from "../../../src/events/event-queue.js";
import type { RotatingFileHandlerOptions } from "../../../src/options/options.js";
import { resolveRotatingOptions } from "../../../src/options/resolve-options.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { Batch, type CommitResult } from "../../../src/records/batch.js";
import type { Spill } from "../../../src/spill/spill-file.js";
import { ManualClock } from "../../support/environment.js";

const LOCK_TIMEOUT = 1000;

/** A delivery onto a disk that can fail. */
function setUp(given: RotatingFileHandlerOptions = {}, writer: Partial<DeliveryWriter> = {}) {
  const clock = new ManualClock();
  const disk = {
    text: "",
    works: true,
    result: "failed" as CommitResult,
    waits: [] as number[],
    attempts: 0,
    takes: Infinity,
  };
  const drops: number[] = [];
  const losses: number[] = [];
  const events = new News(new EventEmitter());
  const options = { lockTimeout: LOCK_TIMEOUT, retryBufferBytes: 1000, ...given };
  const delivery = new SyncDelivery({
    options: resolveRotatingOptions("app.log", options, systemEnvironment().fs),
    commit(batch, wait) {
      disk.attempts++;
      disk.waits.push(wait);
      let taken = 0;
      for (const record of [...batch.records()]) {
        if (!disk.works && taken++ >= disk.takes) return disk.result;
        if (!disk.works && disk.takes === Infinity) return disk.result;
        disk.text += record.toString();
        batch.advanceTo(batch.start + record.length);
      }
      return "done";
    },
    noteLockTimeout: () => {},
    isLockedHere: false,
    events,
    markerOf: (count) => record(`${count} dropped\n`),
    noteDrop: (count) => drops.push(count),
    noteLoss: (count) => losses.push(count),
    clock,
    createSpill: () => {
      throw new Error("no disk");
    },
    adoptSpill: () => assert.fail(),
    noteSpillFailure: () => {},
    ...writer,
  });
  return { clock, disk, drops, losses, events, delivery, push: (text: string) => delivery.push(record(text)) };
}

function record(text: string): Batch {
  const batch = new Batch();
  batch.add(Buffer.from(text));
  return batch;
}

test("a record is in the file when push has returned true", () => {
  const { disk, push } = setUp();
  assert.equal(push("one\n"), true);
  assert.equal(disk.text, "one\n");
});

test("what cannot be written is kept, and written first, in order", () => {
  const { clock, disk, delivery, push } = setUp();
  disk.works = false;
  assert.equal(push("one\n"), false);
  assert.equal(push("two\n"), false);
  assert.equal(delivery.pending, 2);
  disk.works = true;
  clock.time += 10_000;
  assert.equal(push("three\n"), true);
  assert.equal(disk.text, "one\ntwo\nthree\n");
  assert.equal(delivery.pending, 0);
});

test("a disk that fails is not asked at every record", () => {
  const { clock, disk, push } = setUp();
  disk.works = false;
  for (let i = 0; i < 1000; i++) {
    push(`${i}\n`);
    clock.time += 1;
  }
  assert.ok(disk.attempts < 15, `${disk.attempts} attempts in a second`);
});

test("a lock that was not had in time is not waited for at every record", () => {
  const { clock, disk, push } = setUp();
  disk.works = false;
  disk.result = "lock timeout";
  for (let i = 0; i < 100; i++) {
    push(`${i}\n`);
    clock.time += 100;
  }
  assert.equal(disk.waits[0], LOCK_TIMEOUT);
  assert.ok(disk.waits.slice(1).every((wait) => wait < 10));
  disk.works = true;
  clock.time += 10_000;
  push("free\n");
  push("again\n");
  assert.equal(disk.waits.at(-1), LOCK_TIMEOUT);
});

test("what does not fit is dropped, counted, and marked in its place", () => {
  const { clock, disk, drops, push } = setUp({ retryBufferBytes: 12 });
  disk.works = false;
  for (const text of ["aaaaa\n", "bbbbb\n", "ccccc\n", "d\n"]) push(text);
  assert.deepEqual(drops, [1, 1]);
  disk.works = true;
  clock.time += 10_000;
  assert.equal(push("e\n"), true);
  assert.equal(disk.text, "aaaaa\nbbbbb\n2 dropped\ne\n");
});

test("one record larger than the buffer is kept all the same", () => {
  const { clock, disk, drops, push } = setUp({ retryBufferBytes: 4 });
  disk.works = false;
  push("a long record\n");
  assert.deepEqual(drops, []);
  disk.works = true;
  clock.time += 10_000;
  push("b\n");
  assert.equal(disk.text, "a long record\nb\n");
});

test("of records written in part of a batch, none is written twice", () => {
  const { clock, disk, delivery, push } = setUp();
  disk.works = false;
  for (const text of ["1\n", "2\n", "3\n"]) push(text);
  disk.takes = 2;
  clock.time += 10_000;
  assert.equal(delivery.flushSync(), false);
  assert.equal(disk.text, "1\n2\n");
  disk.works = true;
  assert.equal(delivery.flushSync(), true);
  assert.equal(disk.text, "1\n2\n3\n");
});

test("flush resolves when all is written", async () => {
  const { disk, delivery, push } = setUp();
  await delivery.flush();
  disk.works = false;
  push("one\n");
  const flushed = delivery.flush();
  disk.works = true;
  await flushed;
  assert.equal(disk.text, "one\n");
});

test("flush goes on as long as records get into the file, however slowly", async () => {
  const { disk, delivery, push } = setUp();
  Object.assign(disk, { works: false, takes: 0 });
  for (let i = 0; i < 100; i++) push(`${i}\n`);
  disk.takes = 1;
  await delivery.flush();
  assert.equal(disk.text.split("\n").length, 101);
});

test("flush rejects, with the number of records, when the time is over", async () => {
  const { disk, delivery, push } = setUp();
  disk.works = false;
  push("one\n");
  push("two\n");
  await assert.rejects(() => delivery.flush(), { code: "ERR_CLH_FLUSH", message: /^2 records .*app\.log/ });
  disk.works = true;
  assert.equal(delivery.flushSync(), true);
});

test("who is told that a lock is waited for may write: behind the record that waits, and larger than what is kept", () => {
  let isTold = false;
  const { disk, events, delivery, push } = setUp(
    { onLockTimeout: "wait", retryBufferBytes: 1 },
    {
      noteLockTimeout() {
        if (isTold) return; // once a minute, as it is of a handler
        isTold = true;
        events.add(() => {
          assert.equal(push("listener\n"), false);
          disk.works = true;
        });
      },
    },
  );
  Object.assign(disk, { works: false, result: "lock timeout" });
  const batch = record("one\n");
  batch.add(Buffer.from("two\n"));
  assert.equal(delivery.push(batch), true);
  assert.equal(disk.text, "one\ntwo\n1 dropped\n");
});

test("a record that is not dropped is acknowledged, though one is dropped that a listener writes", async () => {
  const { disk, drops, events, delivery, push } = setUp(
    { retryBufferBytes: 4 },
    {
      commit(batch) {
        if (!disk.works) {
          events.add(() => push("listener\n"));
          return "failed";
        }
        for (const text of batch.records()) disk.text += text;
        batch.advanceTo(batch.end);
        return "done";
      },
    },
  );
  disk.works = false;
  push("one\n");
  disk.works = true;
  await delivery.written();
  assert.deepEqual(drops, [1]);
  assert.equal(disk.text, "one\n1 dropped\n");
});

test("flush rejects once, with their number, when records were dropped before it, and other records are acknowledged", async () => {
  const { disk, delivery, push } = setUp({ retryBufferBytes: 4 });
  disk.works = false;
  for (const text of ["one\n", "two\n", "three\n"]) push(text);
  const flushed = delivery.flush();
  disk.works = true;
  await assert.rejects(flushed, { code: "ERR_CLH_FLUSH", message: /^2 records were dropped/ });
  assert.equal(disk.text, "one\n2 dropped\n");
  push("four\n");
  await delivery.written();
  await delivery.flush();
});

test("when the process ends, what is in memory is lost, and what is in a spill is not", () => {
  const memory = setUp();
  memory.disk.works = false;
  memory.push("one\n");
  memory.push("two\n");
  memory.delivery.flushSync();
  memory.delivery.afterAll();
  assert.deepEqual(memory.losses, [2]);
  memory.disk.works = true;
  memory.delivery.flushSync();
  memory.delivery.afterAll();
  assert.deepEqual(memory.losses, [2]);
  const spill = setUp({}, { createSpill: () => ({ append() {} }) as unknown as Spill });
  spill.disk.works = false;
  spill.disk.result = "lock timeout";
  spill.push("one\n");
  spill.delivery.afterAll();
  assert.deepEqual([spill.delivery.pending, spill.losses], [1, []]);
});

test("what was dropped is told by the next flush, when one was aborted that would have told", async () => {
  const { disk, delivery, push } = setUp({ retryBufferBytes: 4 });
  disk.works = false;
  for (const text of ["one\n", "two\n", "three\n"]) push(text);
  const ending = new AbortController();
  const flushed = delivery.flush(ending.signal);
  ending.abort("stop");
  await assert.rejects(flushed, (reason) => reason === "stop");
  disk.works = true;
  await assert.rejects(delivery.flush(), { code: "ERR_CLH_FLUSH", message: /^2 records were dropped/ });
});
