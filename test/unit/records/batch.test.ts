import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Batch } from "../../../src/records/batch.js";

function batchOf(...records: string[]): Batch {
  const batch = new Batch();
  for (const record of records) batch.add(Buffer.from(record));
  return batch;
}

test("a run of records ends within the room, at a record", () => {
  const batch = batchOf("aaa\n", "bb\n", "c\n");
  assert.equal(batch.endWithin(6), 4);
  assert.equal(batch.endWithin(7), 7);
  assert.equal(batch.endWithin(Number.POSITIVE_INFINITY), 9);
});

test("a run has at least one record, however little room there is", () => {
  assert.equal(batchOf("aaa\n", "bb\n").endWithin(-5), 4);
});

test("what is written is not there any more", () => {
  const batch = batchOf("aaa\n", "bb\n", "c\n");
  assert.equal(batch.advanceTo(7), 2);
  assert.deepEqual([...batch.records()].map(String), ["c\n"]);
  assert.equal(batch.firstLength, 2);
  assert.equal(batch.length, 2);
});

test("a batch that is done takes new records from its start", () => {
  const batch = batchOf("aaa\n");
  batch.advanceTo(4);
  batch.add(Buffer.from("b\n"));
  assert.equal(batch.start, 0);
  assert.deepEqual([...batch.records()].map(String), ["b\n"]);
});

test("a batch that is never done does not grow: the place of what is written is used again", () => {
  const batch = batchOf(...Array<string>(8).fill("kept\n"));
  for (let i = 0; i < 1000; i++) {
    batch.add(Buffer.from(`${i}\n`));
    batch.advanceTo(batch.start + batch.firstLength);
  }
  assert.deepEqual([...batch.records()].map(String), [
    "992\n",
    "993\n",
    "994\n",
    "995\n",
    "996\n",
    "997\n",
    "998\n",
    "999\n",
  ]);
  assert.ok(batch.bytes.length <= 4 * 8 * "kept\n".length, `${batch.bytes.length} bytes`);
});

test("cut anywhere, the runs are all records in order", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), fc.array(fc.nat(40)), (texts, rooms) => {
      const batch = batchOf(...texts);
      const written: string[] = [];
      for (let i = 0; !batch.isDone; i++) {
        const { start } = batch;
        const end = batch.endWithin(rooms[i % (rooms.length || 1)] ?? 10);
        written.push(batch.bytes.toString("utf8", start, end));
        batch.advanceTo(end);
      }
      assert.equal(written.join(""), texts.join(""));
    }),
  );
});
