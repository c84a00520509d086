import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Encoder, type EncoderOptions } from "../../../src/records/encoder.js";
import { findCodec } from "../../../src/records/encodings.js";

const DEFAULTS: EncoderOptions = { encoding: "utf-8", unicodeErrorPolicy: "ignore", newline: null, terminator: "\n" };

function encode(
  record: string | Uint8Array,
  options: Partial<EncoderOptions> = {},
  platform: NodeJS.Platform = "linux",
) {
  const batch = new Encoder({ ...DEFAULTS, ...options }, platform).encode(record);
  return batch.bytes.subarray(0, batch.endWithin(Number.POSITIVE_INFINITY));
}

describe("terminator", () => {
  test("is added", () => assert.equal(encode("one").toString(), "one\n"));
  test("is not doubled", () => assert.equal(encode("one\n").toString(), "one\n"));
  test("ends an empty record", () => assert.equal(encode("").toString(), "\n"));
  test("of a record that is nothing else is not doubled", () => assert.equal(encode("\n").toString(), "\n"));
  test("may be anything", () => assert.equal(encode("one", { terminator: "|" }).toString(), "one|"));
  test("that is empty is a line feed, as upstream has it", () =>
    assert.equal(encode("one", { terminator: "" }).toString(), "one\n"));
  test("is added to bytes, which are written as they are", () => {
    assert.deepEqual(encode(Uint8Array.of(0xff, 0, 0xc3)), Buffer.from([0xff, 0, 0xc3, 0x0a]));
    assert.deepEqual(encode(Buffer.from("one\n")), Buffer.from("one\n"));
  });
  test("is encoded", () => assert.equal(encode("a", { encoding: "utf-16-le" }).toString("hex"), "61000a00"));
});

describe("newline", () => {
  const text = "a\nb\rc\r\nd";
  test("null is the platform's", () => {
    assert.equal(encode(text).toString(), `${text}\n`);
    assert.equal(encode(text, {}, "win32").toString(), "a\r\nb\rc\r\r\nd\r\n");
  });
  test("empty is none", () => assert.equal(encode(text, { newline: "" }, "win32").toString(), `${text}\n`));
  test("carriage return", () => assert.equal(encode("a\nb", { newline: "\r" }).toString(), "a\rb\r"));
  test("is put for a terminator's line feed too", () =>
    assert.equal(encode("a", { newline: "\r\n", terminator: "\r\n" }).toString(), "a\r\r\n"));
});

describe("characters that the encoding lacks", () => {
  test("are left out", () => assert.equal(encode("a€é😀b", { encoding: "latin-1" }).toString("latin1"), "aéb\n"));
  test("are replaced, a pair of surrogates by one mark", () =>
    assert.equal(
      encode("a€é😀b", { encoding: "latin-1", unicodeErrorPolicy: "replace" }).toString("latin1"),
      "a?é?b\n",
    ));
  test("are refused, by code point", () =>
    assert.throws(() => encode("a€", { encoding: "ascii", unicodeErrorPolicy: "strict" }), {
      code: "ERR_CLH_ENCODE",
      message: /ascii has no U\+20AC \(character 1 /,
    }));
  test("a question mark is not one of them", () =>
    assert.equal(encode("a?b", { encoding: "koi8-r", unicodeErrorPolicy: "strict" }).toString(), "a?b\n"));
  for (const encoding of ["utf-8", "utf-16-le", "utf-32", "gb18030"]) {
    test(`half a surrogate pair, in ${encoding}`, () => {
      assert.deepEqual(encode("a\ud800b", { encoding }), encode("ab", { encoding }));
      const replaced = { encoding, unicodeErrorPolicy: "replace" } as const;
      assert.deepEqual(encode("a\udfffb", replaced), encode("a?b", replaced));
      assert.throws(() => encode("a\ud800", { encoding, unicodeErrorPolicy: "strict" }), { code: "ERR_CLH_ENCODE" });
    });
  }
  test("of two bytes, which end like a question mark, are not", () =>
    assert.equal(
      encode("\u013f", { encoding: "utf-16-le", unicodeErrorPolicy: "strict" }).toString("hex"),
      "3f010a00",
    ));
});

describe("encodings", () => {
  test("are known by Python's names", () => {
    for (const name of ["latin-1", "utf_8", "U8", "utf-8-sig", "cp1252", "646", "us-ascii", "utf-16-le", "shift_jis"]) {
      assert.ok(findCodec(name), name);
    }
  });
  test("that are none are unknown", () => {
    for (const name of ["base64", "hex", "klingon", "", "constructor", "__proto__"]) {
      assert.equal(findCodec(name), undefined, name);
    }
  });
  test("with a byte order mark write it by the file, not by the record", () => {
    const encoder = new Encoder({ ...DEFAULTS, encoding: "utf-8-sig" });
    assert.equal(encoder.byteOrderMark.toString("hex"), "efbbbf");
    assert.equal(encode("a", { encoding: "utf-8-sig" }).toString(), "a\n");
  });
});

test("any text is written as UTF-8 has it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
      const whole = text.endsWith("\n") ? text : `${text}\n`;
      assert.equal(encode(text).toString("utf8"), whole);
    }),
  );
});

test("a record is the same whether it fits into the kept buffer or not", () => {
  for (const length of [16_383, 16_384, 16_385, 70_000]) {
    for (const character of ["x", "é", "€", "😀", "\ud800"]) {
      const text = character.repeat(length);
      const wellFormed = character === "\ud800" ? "" : text;
      assert.ok(encode(text).equals(Buffer.from(`${wellFormed}\n`)), `${length} x ${character}`);
    }
  }
});

test("a record of 50 MB is encoded", () => assert.equal(encode("x".repeat(50_000_000)).length, 50_000_001));
