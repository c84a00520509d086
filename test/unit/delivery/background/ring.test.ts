import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { retireRingMemory, takeRingMemory } from "../../../../src/delivery/background/ring.js";
import { RingReader } from "../../../../src/delivery/background/ring-reader.js";
import { RingWriter } from "../../../../src/delivery/background/ring-writer.js";
import { FileStatus } from "../../../../src/platform/file-system.js";

const BYTES = 256;
const BATCH = 64;

function setUp(bytes = BYTES) {
  const memory = takeRingMemory(bytes, 1);
  const writer = new RingWriter(memory);
  let number = 0;
  /** The record that was put in, or undefined when there was no room. */
  const put = (length: number, reserved = length): string | undefined => {
    const place = writer.reserve(reserved);
    if (place === undefined) return undefined;
    const record = `${number++}`.padStart(length, "-").slice(-length);
    place.bytes.write(record, place.start);
    writer.filled(length);
    return record;
  };
  return { memory, writer, reader: new RingReader(memory, BATCH), put };
}

/** Writes a part of what a reader takes, and returns it. */
function write(reader: RingReader, records: number): string[] {
  const batch = reader.take();
  if (batch === undefined) return [];
  const taken = [...batch.records()].slice(0, records).map(String);
  for (const record of taken) batch.advanceTo(batch.start + record.length);
  reader.settle(batch, 0);
  return taken;
}

test("what is put in comes out, once and in order, whatever the lengths", () => {
  const step = fc.oneof(
    fc.record({ put: fc.integer({ min: 1, max: 90 }), spare: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ write: fc.integer({ min: 0, max: 9 }) }),
    fc.constant({ drop: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { writer, reader, put } = setUp();
      const waiting: string[] = [];
      for (const step of steps) {
        if ("put" in step) {
          const record = put(step.put, step.put + step.spare);
          if (record !== undefined) waiting.push(record);
          else assert.ok(waiting.length > 0, "an empty ring has room");
        } else if ("drop" in step) {
          const behind = waiting.shift() === undefined ? undefined : waiting.length;
          assert.equal(writer.dropOldest(), behind);
        } else {
          const taken = write(reader, step.write);
          assert.deepEqual(taken, waiting.splice(0, taken.length));
        }
        assert.equal(writer.count, waiting.length);
        assert.equal(reader.count, waiting.length);
        const bytes = waiting.reduce((sum, { length }) => sum + length, 0);
        assert.ok(writer.length >= bytes && writer.length <= BYTES, `${writer.length} for ${bytes}`);
      }
      while (reader.count > 0)
        assert.deepEqual(write(reader, 100).at(-1), waiting.splice(0, waiting.length - reader.count).at(-1));
    }),
  );
});

test("many small records fill the ring of lengths before that of bytes", () => {
  const { put } = setUp();
  let count = 0;
  while (put(1) !== undefined) count++;
  assert.equal(count, BYTES);
  const large = setUp(1024 * 1024);
  for (count = 0; large.put(1) !== undefined; ) count++;
  assert.equal(count, (1024 * 1024) / 32);
  assert.equal(large.reader.take()!.count, BATCH);
});

test("a batch has as many bytes as asked for, but at least one record", () => {
  const { reader, put } = setUp();
  for (const length of [100, 30, 30, 30]) put(length);
  assert.deepEqual(
    [write(reader, 9), write(reader, 9), write(reader, 9)].map(({ length }) => length),
    [1, 2, 1],
  );
});

describe("a reader that is lost", () => {
  const file = new FileStatus();
  const nothing = () => assert.fail("nothing was begun");

  test("before it has begun: all is taken over", () => {
    const { writer, reader, put } = setUp();
    const records = [put(10), put(20)];
    reader.take();
    assert.deepEqual([...writer.takeAll(nothing).records()].map(String), records);
    assert.equal(writer.count, 0);
  });

  test("while it appends: what is in the file is not taken over", () => {
    for (const done of [0, 1, 2]) {
      const { writer, reader, put } = setUp();
      const records = [put(10), put(20), put(25)];
      write(reader, 1);
      const batch = reader.take()!;
      reader.begin(file, 2 ** 33 + 5, batch.end);
      const asked: unknown[] = [];
      const left = writer.takeAll((_, offset, begun) => {
        asked.push(offset, ...[...begun].map(String));
        return done;
      });
      assert.deepEqual(asked, [2 ** 33 + 5, records[1], records[2]]);
      assert.deepEqual([...left.records()].map(String), records.slice(1 + done));
    }
  });

  test("after it has noted what it appended: nothing is asked", () => {
    const { writer, reader, put } = setUp();
    const records = [put(10), put(20)];
    const batch = reader.take()!;
    reader.begin(file, 0, 10);
    reader.end(10);
    assert.deepEqual([...writer.takeAll(nothing).records()].map(String), records.slice(1));
    batch.advanceTo(batch.end);
    reader.settle(batch, 0); // it was only slow: there is nothing of it left to take out
    assert.equal(writer.count, 0);
  });

  test("or only slow: it appends nothing more, once its records are claimed", () => {
    const { writer, reader, put } = setUp();
    const records = [put(10), put(20)];
    const batch = reader.take()!;
    assert.equal(writer.claim(), true);
    assert.throws(() => reader.begin(file, 0, batch.end), /another thread writes/);
    assert.equal(reader.mayPutAside(), false);
    reader.settle(batch, 0);
    assert.deepEqual([...writer.takeAll(nothing).records()].map(String), records);
    assert.equal(reader.take(), undefined);
  });

  test("or just appending, or putting them into a spill: that is seen, and when it has ended", () => {
    for (const isAppending of [true, false]) {
      const { writer, reader, put } = setUp();
      put(10);
      const batch = reader.take()!;
      if (isAppending) reader.begin(file, 0, batch.end);
      else assert.equal(reader.mayPutAside(), true);
      assert.equal(writer.claim(), false);
      batch.advanceTo(batch.end);
      if (isAppending) reader.end(batch.end);
      else reader.settle(batch, 1);
      assert.equal(writer.claim(), true);
      assert.deepEqual([writer.count, writer.spilled], [0, isAppending ? 0 : 1]);
      assert.equal(writer.takeAll(nothing).count, 0);
    }
  });
});

test("a record that leaves for a spill is in one of them at each moment", () => {
  const { writer, reader, put } = setUp();
  put(10);
  const batch = reader.take()!;
  reader.mayPutAside();
  batch.advanceTo(batch.end);
  const { store } = Atomics;
  const seen: number[] = [];
  Atomics.store = ((...args: Parameters<typeof store>) => {
    const result = store(...args);
    seen.push(writer.count + writer.spilled);
    return result;
  }) as typeof store;
  try {
    reader.settle(batch, 1);
  } finally {
    Atomics.store = store;
  }
  assert.ok(seen.length > 0 && Math.min(...seen) >= 1, `${seen}`);
});

test("while the reader writes, nothing is dropped", () => {
  const { writer, reader, put } = setUp();
  put(10);
  const batch = reader.take()!;
  assert.equal(writer.dropOldest(), undefined);
  reader.settle(batch, 0);
  assert.equal(writer.dropOldest(), 0);
  assert.equal(reader.dropped, 1);
  reader.marked(1);
  assert.equal(reader.dropped, 0);
});

describe("the memory of a ring", () => {
  test("is used again, and is empty, when its reader has left it", () => {
    const { memory, writer, reader, put } = setUp(512);
    put(10);
    writer.markDropped(3);
    retireRingMemory(memory);
    const meanwhile = setUp(512);
    assert.notEqual(meanwhile.memory, memory, "the reader is still at it");
    write(reader, 1);
    reader.leave();
    const again = setUp(512);
    assert.equal(again.memory, memory);
    assert.deepEqual([again.writer.count, again.writer.length, again.reader.dropped], [0, 0, 0]);
    const record = again.put(20);
    assert.deepEqual(write(again.reader, 1), [record]);
    assert.notEqual(setUp(512).memory, memory, "it is given once");
  });

  test("is kept while readers are slow to leave it, and a little of it when they have left", () => {
    const all = Array.from({ length: 30 }, () => setUp(4096));
    for (const { memory } of all) retireRingMemory(memory);
    for (const { reader } of all) reader.leave();
    const known = new Set(all.map(({ memory }) => memory));
    const again = all.map(() => setUp(4096));
    assert.ok(again.every(({ memory }) => known.has(memory)));
    for (const { memory, reader } of again) {
      reader.leave();
      retireRingMemory(memory);
    }
    assert.equal(again.filter(() => known.has(setUp(4096).memory)).length, 16);
  });

  test("is not used for a ring of another size", () => {
    const { memory, reader } = setUp(1024);
    reader.leave();
    retireRingMemory(memory);
    assert.notEqual(setUp(2048).memory, memory);
    assert.equal(setUp(1024).memory, memory);
  });
});
