import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogFile } from "../../../../src/log-files/list-files.js";
import { FileStatus } from "../../../../src/platform/file-system.js";
import { whereabouts } from "../../../../src/reading/files/match-files.js";

const TIME = 28; // in `struct statx`
const INODE = 8;

/** A file of that inode, last changed at that second. */
function file(name: string, inode: number, time: number, kind: LogFile["kind"] = "backup"): LogFile {
  const status = new FileStatus();
  status.words[INODE] = inode;
  status.words[TIME] = time;
  return { path: name, name, extension: name.endsWith(".gz") ? ".gz" : "", kind, status };
}

function found(before: LogFile[], now: LogFile[]): (string | undefined)[] {
  return whereabouts(before, now).map((there) => there?.path);
}

test("files that were renamed", () => {
  const before = [file("2", 1, 1), file("1", 2, 2), file("log", 3, 3, "active")];
  const now = [file("3", 1, 1), file("2", 2, 2), file("1", 3, 4), file("log", 4, 5, "active")];
  assert.deepEqual(found(before, now), ["3", "2", "1"]);
});

test("files that waited, all rotated in one tick of the clock, of which some were compressed", () => {
  const before = [file("a", 1, 1), ...[2, 3, 4, 5].map((inode) => file(`p${inode}`, inode, 7, "waiting"))];
  const now = [
    file("a", 1, 1),
    file("x2.gz", 12, 7),
    file("x3.gz", 13, 7),
    file("p4", 4, 7),
    file("x5.gz", 15, 7),
    file("x6.gz", 16, 7),
  ];
  assert.deepEqual(found(before, now), ["a", "x2.gz", "x3.gz", "p4", "x5.gz"]);
});

test("the oldest were deleted, the others compressed", () => {
  const before = [...[1, 2, 3].map((inode) => file(`p${inode}`, inode, 7, "waiting")), file("b", 4, 7)];
  const now = [file("x3.gz", 13, 7), file("b", 4, 7), file("new.gz", 15, 7)];
  assert.deepEqual(found(before, now), [undefined, undefined, "x3.gz", "b"]);
});

test("all were compressed: their times tell", () => {
  const before = [1, 2, 3].map((time) => file(`p${time}`, time, time, "waiting"));
  const now = [2, 3, 4, 5].map((time) => file(`x${time}.gz`, 10 + time, time));
  assert.deepEqual(found(before, now), [undefined, "x2.gz", "x3.gz"]);
});

test("an inode that was given again is another file", () => {
  const before = [file("p", 1, 1, "waiting"), file("q", 2, 1)];
  assert.deepEqual(found(before, [file("log", 1, 2, "active"), file("q", 2, 2)]), [undefined, undefined]);
});
