import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { NO_PLACE, pendingPath } from "../../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { NumberedBackups } from "../../../src/rotation/numbered-backups.js";
import { environmentWith } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

const { fs } = systemEnvironment();

function backupsIn(directory: string, count: number, files = fs): NumberedBackups {
  return new NumberedBackups(files, join(directory, "app.log"), count);
}

/** Makes one file for each number, with that number as text. */
function given(directory: string, numbers: number[], extension = ""): void {
  for (const n of numbers) writeFileSync(join(directory, `app.log.${n}${extension}`), `old ${n}`);
}

function newFiles(directory: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const path = join(directory, `new.${i + 1}`);
    writeFileSync(path, `new ${i + 1}`);
    return path;
  });
}

test("backups move up and the last one goes", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1, 2, 3]);
  const { placed, removed } = backupsIn(directory, 3).insert(newFiles(directory, 1), "");
  assert.deepEqual(textOf(directory), { "app.log.1": "new 1", "app.log.2": "old 1", "app.log.3": "old 2" });
  assert.deepEqual(placed, [join(directory, "app.log.1")]);
  assert.deepEqual(removed, [join(directory, "app.log.3")]);
});

test("they move no further than the first gap", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1, 2, 4]);
  backupsIn(directory, 5).insert(newFiles(directory, 1), "");
  const expected = { "app.log.1": "new 1", "app.log.2": "old 1", "app.log.3": "old 2", "app.log.4": "old 4" };
  assert.deepEqual(textOf(directory), expected);
});

test("several files come in at once, the newest first", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1, 2, 4]);
  backupsIn(directory, 5).insert(newFiles(directory, 2), "");
  assert.deepEqual(textOf(directory), {
    "app.log.1": "new 2",
    "app.log.2": "new 1",
    "app.log.3": "old 1",
    "app.log.4": "old 2",
    "app.log.5": "old 4",
  });
});

test("files come in behind newer ones", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1, 2]);
  backupsIn(directory, 5).insert(newFiles(directory, 1), "", 2);
  assert.deepEqual(textOf(directory), { "app.log.1": "old 1", "app.log.2": "new 1", "app.log.3": "old 2" });
});

test("kinds of files leave each other alone", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1, 2]);
  given(directory, [1], ".gz");
  backupsIn(directory, 2).insert(newFiles(directory, 1), ".gz");
  assert.deepEqual(textOf(directory), {
    "app.log.1": "old 1",
    "app.log.1.gz": "new 1",
    "app.log.2": "old 2",
    "app.log.2.gz": "old 1",
  });
});

test("a namer may point to a directory that is still to be made", (t) => {
  const directory = temporaryDirectory(t);
  const backups = new NumberedBackups(
    fs,
    join(directory, "app.log"),
    2,
    () => (name) => join(directory, "old", `${basename(name).slice(8)}.log`),
  );
  backups.insert(newFiles(directory, 1), "");
  assert.equal(readFileSync(join(directory, "old", "1.log"), "utf8"), "new 1");
});

test("a namer that gives two files one name makes nothing but an error", (t) => {
  const directory = temporaryDirectory(t);
  const namers = [() => "old.log", () => "app.log", (name: string) => `old.${Number(basename(name).slice(8)) % 3}`];
  for (const namer of namers) {
    const log = join(directory, "app.log");
    writeFileSync(log, "active");
    const backups = new NumberedBackups(fs, log, 5, () => namer);
    const before = () => Object.values(textOf(directory)).sort();
    for (let i = 0, kept = before(); i < 5; i++, kept = before()) {
      writeFileSync(join(directory, "new"), `new ${i}`);
      try {
        backups.insert([join(directory, "new")], "");
      } catch (error) {
        assert.match((error as Error).message, /a name of its own/);
      }
      assert.deepEqual(before(), [...kept, `new ${i}`].sort());
      rmSync(join(directory, "new"), { force: true });
    }
    assert.throws(() => backups.list(0), /a name of its own/);
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
  }
});

test("one backup needs but one name", (t) => {
  const directory = temporaryDirectory(t);
  const backups = new NumberedBackups(fs, join(directory, "app.log"), 1, () => () => "old.log");
  for (const file of ["a", "b"]) {
    writeFileSync(join(directory, file), file);
    backups.insert([join(directory, file)], "");
  }
  assert.deepEqual(textOf(directory), { "old.log": "b" });
  assert.equal(backups.list(0).length, 1);
});

test("those past the last number are listed, as surplus, but for a number that is far from all others", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1, 2, 4, 20240517]);
  given(directory, [3], ".gz");
  const backups = backupsIn(directory, 2);
  const listed = backups.list(Date.now() / 1000).map(({ path, isSurplus }) => [basename(path), isSurplus]);
  assert.deepEqual(listed, [
    ["app.log.4", true],
    ["app.log.3.gz", true],
    ["app.log.2", false],
    ["app.log.1", false],
  ]);
});

test("a file that somebody has put in the way is not overwritten", (t) => {
  const directory = temporaryDirectory(t);
  given(directory, [1]);
  // A second rotation, between the look and the rename.
  const { fs: racing } = environmentWith({
    renameNew(from, to) {
      if (to.endsWith(".2")) writeFileSync(to, "theirs");
      fs.renameNew(from, to);
    },
  });
  assert.throws(() => backupsIn(directory, 3, racing).insert(newFiles(directory, 1), ""), { code: "EEXIST" });
  assert.deepEqual(textOf(directory), { "app.log.1": "old 1", "app.log.2": "theirs", "new.1": "new 1" });
});

test("a backup is found again by its fingerprint, whatever its number", (t) => {
  const directory = temporaryDirectory(t);
  const backups = backupsIn(directory, 5);
  assert.equal(backups.place(""), "0");
  given(directory, [1, 2]);
  const fingerprint = backups.place("");
  backups.insert(newFiles(directory, 1), "");
  assert.equal(backups.find(fingerprint, ""), 2);
  assert.equal(backups.find("0", ""), undefined);
  assert.equal(backups.firstFree(""), 4);
});

test("any insertion keeps the order, the newest, and nothing but what fits", (t) => {
  const directory = temporaryDirectory(t);
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 8 }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), numbers, fc.integer({ min: 1, max: 4 }), (count, taken, added) => {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
      const before = taken.filter((n) => n <= count).sort((a, b) => a - b);
      given(directory, before);
      const files = newFiles(directory, added);
      const { placed, removed } = backupsIn(directory, count).insert(files, "");
      const after = readdirSync(directory)
        .sort((a, b) => Number(a.slice(8)) - Number(b.slice(8)))
        .map((name) => readFileSync(join(directory, name), "utf8"));
      const fresh = Array.from({ length: added }, (_, i) => `new ${added - i}`);
      assert.deepEqual(after, [...fresh, ...before.map((n) => `old ${n}`)].slice(0, after.length));
      assert.equal(after.length, Math.min(count, before.length + added));
      assert.equal(placed.length, Math.min(count, added));
      assert.equal(removed.length, before.length + added - after.length);
      assert.ok(placed.every((path) => existsSync(path)));
    }),
    { numRuns: 200 },
  );
});

test("that there are few enough is seen by names alone, and never when there may be too many", (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const look = () => {
    throw new Error("a file was looked at");
  };
  const { fs: blind } = environmentWith({ status: look, linkStatus: look });
  const mayBe = (count: number) => new NumberedBackups(blind, log, count).mayBeMoreThan(count);
  for (let n = 1; n <= 5; n++) writeFileSync(`${log}.${n}${n % 2 ? "" : ".gz"}`, "");
  writeFileSync(pendingPath(log, { sequence: 1e12, place: NO_PLACE, unique: "0123abcd", extension: "" }), "");
  writeFileSync(join(directory, "other.log.1"), "");
  assert.deepEqual([5, 6, 7].map(mayBe), [true, false, false]);
  writeFileSync(`${log}.9.gz`, "");
  assert.deepEqual([7, 8, 9].map(mayBe), [true, true, false], "its number was given when more were kept");
});
