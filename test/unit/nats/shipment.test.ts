import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, joined, lastOf, type Shipment, shipmentOf } from "../../../src/nats/shipment.js";
import { headersOf, readMessage, type WireRecords } from "../../../src/nats/wire.js";
import { Batch } from "../../../src/records/batch.js";
import { recordsOf } from "../../support/wire-records.js";

function shipped(records: readonly Buffer[], first: number): Shipment {
  const batch = new Batch();
  for (const record of records) batch.add(record);
  return shipmentOf(batch, first);
}

/** What a collector makes of messages: the records by their numbers, of those in parts when the last one is there. */
function received(pieces: Iterable<{ records: WireRecords; bytes: Buffer }>, maxPayload: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let begun: Buffer[] = [];
  for (const { records, bytes } of pieces) {
    const headers = headersOf(records, bytes.length);
    const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 12) + bytes.length;
    assert.ok(size <= maxPayload, `a message of ${size} bytes, where ${maxPayload} are allowed`);
    const map = new Map(headers);
    const read = readMessage({ subject: "s.w", headers: { get: (name) => map.get(name) ?? "" }, data: bytes });
    assert.ok(read !== undefined && !("malformed" in read), JSON.stringify(read));
    if (read.part === undefined) {
      for (const [i, record] of [...recordsOf(read, bytes)].entries()) found.set(read.first + i, record);
      continue;
    }
    if (read.part.offset === 0) begun = [];
    begun.push(bytes);
    const record = Buffer.concat(begun);
    if (record.length === read.part.total) found.set(read.first, record);
  }
  return found;
}

const record = fc
  .tuple(fc.string({ maxLength: 30 }), fc.integer({ min: 0, max: 3 }), fc.boolean())
  .map(([text, power, isTrace]) => Buffer.from(`${text.repeat(10 ** power)}${isTrace ? "\n  at x" : ""}\n`));

test("records come out as they went in, whatever the limit of the server is", () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 2 ** 50 }),
      fc.constantFrom(2048, 4096, 16_384, 65_536, 1024 ** 2),
      (records, first, maxPayload) => {
        const shipment = shipped(records, first);
        assert.equal(lastOf(shipment), first + records.length - 1);
        const found = received(cut(shipment, "w", maxPayload), maxPayload);
        assert.deepEqual(found, new Map(records.map((each, i) => [first + i, each])));
      },
    ),
  );
});

test("many stack traces are cut so that their lengths fit into headers", () => {
  const records = Array.from({ length: 3000 }, (_, i) => Buffer.from(`error ${i}\n  at x\n`));
  const pieces = [...cut(shipped(records, 1), "w", 1024 ** 2)];
  assert.ok(pieces.length > 1);
  assert.equal(received(pieces, 1024 ** 2).size, 3000);
});

test("what fits is one message without lengths, and those that follow one another are joined", () => {
  const [one, two, three] = ["one\n", "two\n", "th\nree\n"].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const both = joined([shipped([one], 5), shipped([two], 6)]);
  assert.deepEqual(both, { first: 5, count: 2, bytes: Buffer.from("one\ntwo\n") });
  assert.deepEqual([...cut(both, "w", 1024 ** 2)].length, 1);
  const withTrace = joined([both, shipped([three], 7)]);
  assert.deepEqual(withTrace.lengths, [4, 4, 7]);
  assert.equal(joined([both]), both);
});
