import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, test } from "node:test";
import { LocalOutlet } from "../../../src/delivery/batched.js";
import type { DeliveryWriter } from "../../../src/delivery/delivery.js";
import { QueuedDelivery } from "../../../src/delivery/queued.js";
import { News } from "../../../src/events/event-queue.js";
import type { HandlerEvents } from "../../../src/events/handler-events.js";
import { resolveRotatingOptions } from "../../../src/options/resolve-options.js";
import type { QueueLimits } from "../../../src/options/resolved-options.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { Batch, type CommitResult } from "../../../src/records/batch.js";
import type { Spill } from "../../../src/spill/spill-file.js";
import { ManualClock } from "../../support/environment.js";

const LOCK_TIMEOUT = 1000;

/** A queue in memory, onto a disk that can fail and a lock that can be held. */
function setUp(given: Partial<QueueLimits> = {}) {
  const clock = new ManualClock();
  const disk = {
    text: "",
    result: "done" as CommitResult,
    commits: [] as string[],
    waits: [] as number[],
    takes: Infinity,
  };
  const drops: number[] = [];
  const losses: number[] = [];
  const drained: number[] = [];
  const spilled: string[] = [];
  const limits: QueueLimits = {
    mode: "batched",
    queueBytes: 100,
    maxBatchBytes: 40,
    flushInterval: 0,
    overflow: "block",
    ...given,
  };
  const emitter = new EventEmitter<HandlerEvents>();
  emitter.on("drain", () => drained.push(disk.text.length));
  const writer: DeliveryWriter = {
    options: resolveRotatingOptions("app.log", { lockTimeout: LOCK_TIMEOUT }, systemEnvironment().fs),
    commit(batch, wait) {
      disk.waits.push(wait);
      if (disk.result === "lock timeout") return disk.result;
      let taken = 0;
      const written: string[] = [];
      for (const record of [...batch.records()].map(String)) {
        if (disk.result === "failed" && taken++ >= (disk.takes === Infinity ? 0 : disk.takes)) break;
        written.push(record);
        batch.advanceTo(batch.start + record.length);
      }
      disk.text += written.join("");
      if (written.length > 0) disk.commits.push(written.join(""));
      return disk.result;
    },
    noteLockTimeout: () => {},
    get isLockedHere(): boolean {
      return assert.fail();
    },
    events: new News(emitter),
    markerOf: (count) => batchOf(`<${count}>`),
    noteDrop: (count) => drops.push(count),
    noteLoss: (count) => losses.push(count),
    clock,
    createSpill: () => spillInto(spilled),
    adoptSpill: () => assert.fail(),
    noteSpillFailure: () => assert.fail(),
  };
  const delivery = new QueuedDelivery(writer, limits, (observer) => new LocalOutlet(writer, limits, observer));
  const push = (text: string) => delivery.push(batchOf(text));
  const turn = () => clock.goTo(clock.time);
  return { clock, disk, drops, losses, drained, spilled, delivery, push, turn };
}

function batchOf(text: string): Batch {
  const batch = new Batch();
  batch.add(Buffer.from(text));
  return batch;
}

/** A spill in memory. */
function spillInto(records: string[]): Spill {
  let last: Batch | undefined;
  const spill = {
    get isMerged(): boolean {
      if (last?.isDone) records.length = 0;
      return records.length === 0;
    },
    append: (batch: Batch) => records.push(...[...batch.records()].map(String)),
    next() {
      last = new Batch();
      for (const record of records) last.add(Buffer.from(record));
      return last;
    },
    remove() {},
    close() {},
  };
  return spill as unknown as Spill;
}

const TEN = "123456789 ";

test("the records of a turn are written together, at its end", () => {
  const { disk, delivery, push, turn } = setUp();
  for (const text of ["a", "b", "c"]) assert.equal(push(text), true);
  assert.deepEqual([disk.text, delivery.pending], ["", 3]);
  turn();
  assert.deepEqual([disk.commits, delivery.pending], [["abc"], 0]);
});

test("a record may be put where it will be written from", () => {
  const { disk, delivery, turn } = setUp();
  assert.equal(delivery.reserve(10), undefined, "there is no batch yet");
  delivery.push(batchOf("a"));
  for (const text of ["b", "c"]) {
    const place = delivery.reserve(10)!;
    place.bytes.write(text, place.start);
    assert.equal(delivery.filled(1), true);
  }
  assert.equal(delivery.reserve(100), undefined);
  turn();
  assert.equal(disk.text, "abc");
});

test("with an interval, those of many turns", () => {
  const { clock, disk, push, turn } = setUp({ flushInterval: 50 });
  push("a");
  turn();
  clock.goTo(49);
  push("b");
  assert.equal(disk.text, "");
  clock.goTo(50);
  assert.deepEqual(disk.commits, ["ab"]);
});

describe("turns that log one after another", () => {
  /** After a record that was written at once: two records in each of so many turns, each of which takes a while. */
  const busy = (turns: number, milliseconds = 0, each: (set: ReturnType<typeof setUp>) => void = () => {}) => {
    const set = setUp({ queueBytes: 10_000, maxBatchBytes: 1000 });
    const { clock, disk, push, turn } = set;
    push("a");
    turn();
    let left = turns;
    const log = () => {
      for (const text of ["x", "y"]) push(text);
      clock.time += milliseconds;
      each(set);
      if (--left > 0) clock.soon(log);
    };
    log();
    clock.goTo(clock.time + turns * milliseconds);
    return disk.commits.slice(1);
  };

  test("are one write", () => assert.deepEqual(busy(5), ["xy".repeat(5)]));

  test("for no longer than two milliseconds", () => {
    const commits = busy(20, 0.5);
    assert.equal(commits.join(""), "xy".repeat(20));
    for (const commit of commits) assert.ok(commit.length <= 2 * 5, commit);
    assert.ok(commits.length < 20);
  });

  test("each for itself, when they are far apart", () => assert.deepEqual(busy(3, 3), ["xy", "xy", "xy"]));

  test("until somebody waits", () => {
    let turns = 0;
    const commits = busy(4, 0, ({ delivery }) => {
      if (++turns === 2) void delivery.written();
    });
    assert.deepEqual(commits, ["xyxy", "xyxy"]);
  });
});

test("an interval does not pass while somebody waits for room", () => {
  const { clock, disk, drained, push, turn } = setUp({ flushInterval: 50, maxBatchBytes: 1000 });
  for (let i = 0; i < 3; i++) assert.equal(push(TEN), true);
  turn();
  assert.equal(disk.text, "");
  assert.deepEqual([push(TEN), push(TEN), push(TEN)], [true, true, false]);
  turn();
  assert.deepEqual([disk.text.length, drained.length, clock.time], [60, 1, 0]);
});

test("as many as a batch holds are written at once, before the turn ends", () => {
  const { disk, push, turn } = setUp();
  for (let i = 0; i < 5; i++) push(TEN);
  assert.deepEqual(disk.commits, [TEN.repeat(4), TEN]);
  turn();
  assert.equal(disk.text.length, 50);
});

describe("a lock that is not free", () => {
  test("is tried, not waited for, and tried again", () => {
    const { clock, disk, push, turn } = setUp();
    disk.result = "lock timeout";
    push("a");
    turn();
    push("b");
    clock.goTo(20);
    assert.ok(disk.waits.length >= 4 && disk.waits.every((wait) => wait < 0), `${disk.waits}`);
    disk.result = "done";
    clock.goTo(30);
    assert.deepEqual(disk.commits, ["ab"]);
  });

  test("for too long: records go into a spill, and come back in order", () => {
    const { clock, disk, spilled, delivery, push, turn } = setUp();
    disk.result = "lock timeout";
    push("a");
    turn();
    clock.goTo(LOCK_TIMEOUT - 10);
    assert.deepEqual(spilled, []);
    clock.goTo(LOCK_TIMEOUT + 20);
    assert.deepEqual(spilled, ["a"]);
    push("b");
    clock.goTo(clock.time + 20);
    assert.deepEqual([spilled, delivery.pending], [["a", "b"], 2]);
    disk.result = "done";
    push("c");
    clock.goTo(clock.time + 20);
    assert.deepEqual([disk.text, delivery.pending], ["abc", 0]);
  });
});

test("a disk that fails is tried again later, and what it took in part is not written twice", () => {
  const { clock, disk, push, turn } = setUp();
  disk.result = "failed";
  disk.takes = 2;
  for (const text of ["a", "b", "c", "d", "e"]) push(text);
  turn();
  assert.equal(disk.text, "ab");
  disk.result = "done";
  clock.goTo(15);
  assert.equal(disk.text, "abcde");
});

describe("a full queue", () => {
  test("blocks, until there is room", () => {
    const { disk, drops, push, turn } = setUp();
    disk.result = "lock timeout";
    for (let i = 0; i < 10; i++) push(TEN);
    const wasTried = disk.waits.length;
    const unblock = disk.waits.length + 1;
    Object.defineProperty(disk, "result", { get: () => (disk.waits.length > unblock ? "done" : "lock timeout") });
    push("last");
    assert.ok(
      disk.waits.slice(wasTried).some((wait) => wait > 0),
      "it waited for the lock",
    );
    turn();
    assert.equal(disk.text, `${TEN.repeat(10)}last`);
    assert.deepEqual(drops, []);
  });

  test("blocks for lockTimeout at most, once; then records are dropped, told once a turn, and marked in their place", () => {
    const { clock, disk, drops, delivery, push, turn } = setUp();
    disk.result = "failed";
    for (let i = 0; i < 10; i++) push(TEN);
    push("lost");
    assert.ok(clock.time >= LOCK_TIMEOUT && clock.time < LOCK_TIMEOUT + 50, `${clock.time}`);
    const then = clock.time;
    for (let i = 0; i < 4; i++) push("lost");
    assert.equal(clock.time, then);
    turn();
    assert.deepEqual(drops, [5]);
    disk.result = "done";
    delivery.flushSync();
    push("after");
    turn();
    assert.equal(disk.text, `${TEN.repeat(10)}<5>after`);
  });

  test("blocks anew after the process was stopped, once", () => {
    const { clock, disk, drops, push, turn } = setUp();
    disk.result = "failed";
    for (let i = 0; i < 10; i++) push(TEN);
    let stop = 2 * LOCK_TIMEOUT;
    clock.sleep = (milliseconds) => {
      clock.time += milliseconds + stop;
      if (stop === 0) disk.result = "done";
      stop = 0;
    };
    push("last");
    turn();
    assert.equal(disk.text, `${TEN.repeat(10)}last`);
    assert.deepEqual(drops, []);
    disk.result = "failed";
    for (let i = 0; i < 10; i++) push(TEN);
    let naps = 0;
    clock.sleep = () => {
      clock.time += 2 * LOCK_TIMEOUT;
      naps++;
    };
    push("lost");
    turn();
    assert.deepEqual([naps, drops], [2, [1]]);
  });

  test("drops the newest", () => {
    const { disk, drops, push, turn } = setUp({ overflow: "drop-newest" });
    disk.result = "failed";
    for (let i = 0; i < 13; i++) push(TEN);
    disk.result = "done";
    turn();
    push("after");
    turn();
    assert.deepEqual(drops, [3]);
    assert.equal(disk.text, `${TEN.repeat(10)}<3>after`);
  });

  test("marks those that were dropped also when the process ends", () => {
    const { disk, delivery, push } = setUp({ overflow: "drop-newest" });
    disk.result = "failed";
    for (let i = 0; i < 13; i++) push(TEN);
    disk.result = "done";
    assert.equal(delivery.flushSync(), true);
    assert.equal(disk.text, `${TEN.repeat(10)}<3>`);
  });

  test("drops the oldest", () => {
    const { clock, disk, drops, push, turn } = setUp({ overflow: "drop-oldest" });
    disk.result = "failed";
    for (let i = 0; i < 13; i++) push(`record ${String.fromCharCode(97 + i)}.`.padEnd(10));
    turn();
    disk.result = "done";
    clock.goTo(clock.time + 2000);
    assert.deepEqual(drops, [3]);
    assert.match(disk.text, /^<3>record d\..*record m\. *$/);
  });

  test("takes a record that is larger than all of it, alone", () => {
    const { disk, push, turn } = setUp();
    push("x".repeat(500));
    turn();
    assert.equal(disk.text.length, 500);
  });

  test("asks for a pause when half of it waits, and says when it is over", () => {
    const { clock, disk, drained, delivery, push, turn } = setUp();
    disk.result = "failed";
    assert.deepEqual(
      Array.from({ length: 6 }, () => push(TEN)),
      [true, true, true, true, true, false],
    );
    assert.ok(delivery.needsDrain);
    disk.result = "done";
    turn();
    clock.goTo(clock.time + 2000);
    assert.ok(!delivery.needsDrain);
    assert.deepEqual(drained, [60]);
  });
});

describe("a promise", () => {
  test("is kept when all before it is in the file", async () => {
    const { disk, delivery, push } = setUp();
    push("a");
    await delivery.flush();
    assert.equal(disk.text, "a");
    await delivery.flush();
  });

  test("is broken when that takes too long, with the number of records", async () => {
    const { clock, disk, delivery, push } = setUp();
    disk.result = "failed";
    push("a");
    push("b");
    const flushed = assert.rejects(delivery.flush(), { code: "ERR_CLH_FLUSH", message: /^2 records / });
    clock.goTo(LOCK_TIMEOUT);
    await flushed;
  });

  test("is broken when records were dropped, once", async () => {
    const { disk, delivery, push } = setUp({ overflow: "drop-newest" });
    disk.result = "failed";
    for (let i = 0; i < 12; i++) push(TEN);
    const last = assert.rejects(delivery.written(), { code: "ERR_CLH_FLUSH", message: /^1 records / });
    disk.result = "done";
    delivery.flushSync();
    await last;
    await assert.rejects(delivery.flush(), { code: "ERR_CLH_FLUSH", message: /^2 records were dropped/ });
    push("a");
    await delivery.flush();
  });

  test("tells what was dropped next time, when one was aborted that would have told", async () => {
    const { disk, delivery, push } = setUp({ overflow: "drop-newest" });
    disk.result = "failed";
    for (let i = 0; i < 12; i++) push(TEN);
    const ending = new AbortController();
    const flushed = delivery.flush(ending.signal);
    ending.abort("stop");
    await assert.rejects(flushed, (reason) => reason === "stop");
    disk.result = "done";
    delivery.flushSync();
    await assert.rejects(delivery.flush(), { code: "ERR_CLH_FLUSH", message: /^2 records were dropped/ });
  });

  test("is broken for those that were dropped behind a spill, and for no others", async () => {
    const { clock, disk, delivery, push, turn } = setUp({ overflow: "drop-oldest" });
    const outcomes: string[] = [];
    const pushAll = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        push(`record ${i}.`.padEnd(10));
        delivery.written().then(
          () => {
            outcomes[i] = "written";
          },
          ({ message }: Error) => {
            outcomes[i] = /dropped/.test(message) ? "dropped" : "late";
          },
        );
      }
    };
    disk.result = "lock timeout";
    pushAll(0, 2);
    turn();
    clock.goTo(LOCK_TIMEOUT - 10);
    pushAll(2, 3);
    clock.goTo(LOCK_TIMEOUT + 20);
    disk.result = "failed";
    pushAll(3, 15);
    await new Promise(setImmediate);
    const dropped = { 3: "dropped", 4: "dropped" };
    assert.deepEqual({ ...outcomes }, { 0: "late", 1: "late", ...dropped });
    disk.result = "done";
    clock.goTo(clock.time + 500);
    await new Promise(setImmediate);
    const written = Array.from({ length: 15 }, (_, i) => [i, "written"]);
    assert.deepEqual({ ...outcomes }, { ...Object.fromEntries(written), 0: "late", 1: "late", ...dropped });
    assert.match(disk.text, /^record 0\. record 1\. record 2\. <2>record 5\. .*record 14\.$/);
  });

  test("for one record is not broken by another one", async () => {
    const { clock, disk, delivery, push } = setUp({ overflow: "drop-oldest" });
    disk.result = "failed";
    push(TEN);
    const first = assert.rejects(delivery.written(), { code: "ERR_CLH_FLUSH", message: /^1 records were dropped/ });
    for (let i = 0; i < 10; i++) push(TEN);
    const second = delivery.written();
    disk.result = "done";
    clock.goTo(500);
    await Promise.all([first, second]);
  });
});

test("when the process ends, what is in memory is lost, and what is in a spill is not", () => {
  const { clock, disk, losses, spilled, delivery, push, turn } = setUp();
  disk.result = "lock timeout";
  push("one\n");
  turn();
  clock.goTo(clock.time + 2 * LOCK_TIMEOUT);
  assert.equal(spilled.length, 1);
  delivery.afterAll();
  assert.deepEqual(losses, []);
  push("two\n");
  delivery.afterAll();
  assert.deepEqual(losses, [1]);
});
