import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  headersOf,
  isWriterName,
  LONGEST_RECORD,
  positionSubject,
  readMessage,
  readPosition,
  type WireRecords,
} from "../../../src/nats/wire.js";
import { recordsOf } from "../../support/wire-records.js";

const good = { "Clh-Writer": "api-7f3a", "Clh-First": "5", "Clh-Count": "2" };

/** What a collector reads of a message with these headers. */
function read(headers: Record<string, string>, payload = "one\ntwo\n", subject = "clh.api.api-7f3a") {
  return readMessage({
    subject,
    headers: { get: (name) => headers[name] ?? "" },
    data: Buffer.from(payload),
  });
}

const reasonOf = (headers: Record<string, string>, payload?: string, subject?: string) =>
  (read(headers, payload, subject) as { malformed?: string } | undefined)?.malformed;

test("what is built is read again, whatever the records are", () => {
  const record = fc.string({ minLength: 0, maxLength: 20 }).map((text) => `${text}\n`);
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 2 ** 50 }),
      (texts, first) => {
        const records = texts.map((text) => Buffer.from(text));
        const isPlain = texts.every((text) => text.indexOf("\n") === text.length - 1);
        const sent: WireRecords = {
          writer: "api-7f3a",
          first,
          count: records.length,
          ...(isPlain ? {} : { lengths: records.map(({ length }) => length) }),
        };
        const headers = new Map(headersOf(sent, 1));
        const data = Buffer.concat(records);
        const got = readMessage({ subject: "a.api-7f3a", headers: { get: (name) => headers.get(name) ?? "" }, data });
        assert.deepEqual(got, sent);
        assert.deepEqual([...recordsOf(got as WireRecords, data)], records);
      },
    ),
  );
});

test("an id names records, their part, and how often they were taken back", () => {
  const id = (records: Partial<WireRecords>, attempt?: number) =>
    headersOf({ writer: "w", first: 7, count: 1, ...records }, 5, undefined, attempt)[0];
  assert.deepEqual(id({}), ["Nats-Msg-Id", "w:7:1"]);
  assert.deepEqual(id({ count: 3 }), ["Nats-Msg-Id", "w:7:3"]);
  assert.deepEqual(id({ part: { offset: 0, total: 9 } }), ["Nats-Msg-Id", "w:7:1:0+5"]);
  assert.deepEqual(id({ part: { offset: 4, total: 9 } }, 2), ["Nats-Msg-Id", "w:7:1:4+5:r2"]);
});

describe("a message", () => {
  test("without any of our headers is somebody else's", () => {
    assert.equal(read({ "Nats-Msg-Id": "x" }), undefined);
    assert.equal(readMessage({ subject: "a.b", data: Buffer.from("x") }), undefined);
  });

  test("of ours has lines, lengths or a part", () => {
    assert.deepEqual(read(good), { writer: "api-7f3a", first: 5, count: 2 });
    const lengths = { ...good, "Clh-Lengths": "5,3" };
    assert.deepEqual(read(lengths, "a\nb\n\nc\n\n"), { writer: "api-7f3a", first: 5, count: 2, lengths: [5, 3] });
    const part = { ...good, "Clh-Count": "1", "Clh-Part": "3/10" };
    assert.deepEqual(read(part, "abcdefg"), { writer: "api-7f3a", first: 5, count: 1, part: { offset: 3, total: 10 } });
  });

  const refused: [why: string, headers: Record<string, string>, payload?: string | undefined, subject?: string][] = [
    ["no writer", { "Clh-First": "5", "Clh-Count": "2" }],
    ["a writer with a dot", { ...good, "Clh-Writer": "a.b" }, undefined, "clh.a.b"],
    ["a writer with a line feed", { ...good, "Clh-Writer": "a\nb" }, undefined, "clh.a\nb"],
    ["a writer whose name is too long", { ...good, "Clh-Writer": "a".repeat(65) }, undefined, `clh.${"a".repeat(65)}`],
    ["a writer that is not the subject's", good, undefined, "clh.api.api-0000"],
    ["a number 0", { ...good, "Clh-First": "0" }],
    ["a negative number", { ...good, "Clh-First": "-1" }],
    ["a number with a fraction", { ...good, "Clh-First": "1.5" }],
    ["a number with an exponent", { ...good, "Clh-First": "1e3" }],
    ["a number in hexadecimal", { ...good, "Clh-First": "0x10" }],
    ["a number that is beyond counting", { ...good, "Clh-First": "9007199254740993" }],
    ["numbers whose last is beyond counting", { ...good, "Clh-First": "9007199254740991" }],
    ["no count", { "Clh-Writer": "api-7f3a", "Clh-First": "5" }],
    ["fewer lines than it says", { ...good, "Clh-Count": "3" }],
    ["more lines than it says", { ...good, "Clh-Count": "1" }],
    ["a last line without its end", good, "one\ntwo\nthr"],
    ["an empty payload", good, ""],
    ["lengths that are not as many as records", { ...good, "Clh-Lengths": "8" }],
    ["lengths whose sum is another", { ...good, "Clh-Lengths": "4,5" }],
    ["a length of nothing", { ...good, "Clh-Lengths": "0,8" }],
    ["lengths with a blank", { ...good, "Clh-Lengths": "4, 4" }],
    ["a part of several records", { ...good, "Clh-Part": "0/8" }],
    ["a part that goes beyond its record", { ...good, "Clh-Count": "1", "Clh-Part": "3/10" }],
    ["a part of nothing", { ...good, "Clh-Count": "1", "Clh-Part": "3/10" }, ""],
    ["a part of a record that is too long", { ...good, "Clh-Count": "1", "Clh-Part": `0/${LONGEST_RECORD + 1}` }],
    ["a part with lengths", { ...good, "Clh-Count": "1", "Clh-Part": "0/8", "Clh-Lengths": "8" }],
    ["a part that is no part", { ...good, "Clh-Count": "1", "Clh-Part": "all" }],
  ];
  for (const [why, headers, payload, subject] of refused)
    test(`with ${why} is refused`, () => assert.match(reasonOf(headers, payload, subject) ?? "taken", /^Clh-\w+ /));

  test("that is refused shows of its headers no more than a line", () => {
    const why = reasonOf({ ...good, "Clh-First": `5\n${"x".repeat(10_000)}` })!;
    assert.ok(why.length < 200 && !why.includes("\n"), why);
  });
});

test("a name of a writer is a part of a subject", () => {
  for (const name of ["api-7f3a", "a", "A_1", "a".repeat(64)]) assert.ok(isWriterName(name), name);
  for (const name of ["", "a.b", "*", ">", "a b", "é", "a".repeat(65)]) assert.ok(!isWriterName(name), name);
});

test("a position is a number, and nothing else", () => {
  const position = (text: string) => readPosition(Buffer.from(text));
  assert.equal(positionSubject("logs", "clh.api.api-7f3a"), "clh-written.logs.clh.api.api-7f3a");
  assert.deepEqual(["0", "17", "9007199254740991"].map(position), [0, 17, 9007199254740991]);
  for (const text of ["", "-1", "1.5", "x", "99999999999999999", "01", "1 "])
    assert.equal(position(text), undefined, text);
});
