import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { crc32 } from "node:zlib";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { FileStatus } from "../../../src/platform/file-system.js";
import { FRAMES, newHeader, readFrames, readHeader, toFrames, writeHeader } from "../../../src/spill/spill-format.js";
import { temporaryDirectory } from "../../support/temporary.js";

const { fs } = systemEnvironment();
const RECORDS = ["one\n", "two\n", "three\n"].map((text) => Buffer.from(text));

function setUp(t: TestContext) {
  const path = join(temporaryDirectory(t), "spill");
  const fd = openSync(path, "w+");
  t.after(() => closeSync(fd));
  const read = (from = FRAMES, to = Number.POSITIVE_INFINITY, longest?: number) =>
    [...readFrames(fs, fd, from, to, longest)].map(({ record, start, end }) => [record.toString(), start, end]);
  return { path, fd, read };
}

test("a header reads back, and stands where older versions look for it", (t) => {
  const { path, fd } = setUp(t);
  const file = new FileStatus();
  fs.statusOfOpen(fd, file);
  writeHeader(fs, fd, { merged: 99, intent: 2 ** 40, file, offset: 2 ** 41 });
  const { merged, intent, file: found, offset } = readHeader(fs, fd)!;
  assert.deepEqual([merged, intent, found.isSameFile(file), offset], [99, 2 ** 40, true, 2 ** 41]);
  const bytes = readFileSync(path);
  const identity = Buffer.alloc(16);
  file.writeIdentity(identity, 0);
  assert.equal(bytes.length, 64);
  assert.deepEqual(
    [bytes.toString("latin1", 0, 8), bytes.readDoubleLE(8), bytes.readDoubleLE(16)],
    ["CLHSPIL1", 99, 2 ** 40],
  );
  assert.deepEqual([bytes.subarray(24, 40), bytes.readDoubleLE(40)], [identity, 2 ** 41]);
});

test("nothing at all is a new spill; anything else that is no header is none", (t) => {
  const { path, fd } = setUp(t);
  assert.deepEqual(readHeader(fs, fd), newHeader());
  writeHeader(fs, fd, newHeader());
  ftruncateSync(fd, 63);
  assert.equal(readHeader(fs, fd), undefined);
  writeFileSync(path, "CLHSPIL2".padEnd(100));
  assert.equal(readHeader(fs, fd), undefined);
});

describe("frames", () => {
  test("read back, and are as older versions write them", (t) => {
    const { fd, read } = setUp(t);
    writeHeader(fs, fd, newHeader());
    const bytes = toFrames(RECORDS);
    writeSync(fd, bytes, 0, bytes.length, FRAMES);
    assert.deepEqual(read(), [
      ["one\n", 72, 76],
      ["two\n", 84, 88],
      ["three\n", 96, 102],
    ]);
    assert.deepEqual(read(76, 96), [["two\n", 84, 88]]);
    assert.deepEqual([bytes.readUInt32LE(0), bytes.readUInt32LE(4)], [4, crc32("one\n")]);
  });

  test("end before the first one that is not whole", (t) => {
    const { fd, read } = setUp(t);
    const bytes = toFrames(RECORDS);
    writeSync(fd, bytes, 0, bytes.length, 0);
    for (const cutAt of [27, 28, 31, 32, 37]) {
      const cut = toFrames(RECORDS).subarray(0, cutAt);
      ftruncateSync(fd, 0);
      writeSync(fd, cut, 0, cut.length, 0);
      assert.equal(read(0).length, 2, `cut off at ${cutAt}`);
      assert.equal(read(0, cutAt).length, 2, `as long as ${cutAt}`);
    }
    writeSync(fd, bytes, 0, bytes.length, 0);
    writeSync(fd, "W", 8 + 4 + 8 + 1);
    assert.deepEqual(read(0), [["one\n", 8, 12]], "another record than its checksum is of");
  });

  test("take no memory for a record that pretends to be longer than any, or than the file", (t) => {
    const { fd, read } = setUp(t);
    const bytes = toFrames(RECORDS);
    bytes.writeUInt32LE(0xffff_ffff, 24);
    writeSync(fd, bytes, 0, bytes.length, 0);
    assert.equal(read(0, bytes.length).length, 2);
    assert.equal(read(0, Number.POSITIVE_INFINITY, 1024).length, 2);
    assert.equal(read(0, bytes.length, 3).length, 0);
  });
});
