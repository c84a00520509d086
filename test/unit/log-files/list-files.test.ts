import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { hiddenFormPath } from "../../../src/log-files/hidden-names.js";
import { type LogFile, listLogFiles } from "../../../src/log-files/list-files.js";
import { pendingPath } from "../../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { FilePath, FileStatus } from "../../../src/platform/file-system.js";
import { stillPicture } from "../../../src/reading/files/snapshot.js";
import { hiddenPendingPath } from "../../support/older-version.js";
import { temporaryDirectory } from "../../support/temporary.js";

const { fs } = systemEnvironment();

function setUp(t: TestContext, name = "app.log") {
  const log = join(temporaryDirectory(t), name);
  /** Makes a file beside the log whose last record is so many seconds old. */
  const given = (path: string, age: number) => {
    writeFileSync(path, "record\n");
    utimesSync(path, 1_000_000 - age, 1_000_000 - age);
  };
  const listed = () => listLogFiles(fs, log).map(({ path, kind }) => `${kind} ${basename(path)}`);
  return { log, given, listed };
}

function fingerprintOf(path: string): string {
  const status = new FileStatus();
  fs.statusWithTime(new FilePath(path), status);
  return status.fingerprint;
}

test("backups of several kinds are one sequence by their times, each kind in the order of its numbers", (t) => {
  const { log, given, listed } = setUp(t);
  given(log, 0);
  given(`${log}.2.gz`, 30);
  given(`${log}.1.gz`, 10);
  given(`${log}.2`, 40);
  given(`${log}.1`, 20);
  assert.deepEqual(listed(), [
    "backup app.log.2",
    "backup app.log.2.gz",
    "backup app.log.1",
    "backup app.log.1.gz",
    "active app.log",
  ]);
});

test("what waits comes behind the backup that was the newest, whatever has become of that since", (t) => {
  const { log, given, listed } = setUp(t);
  given(`${log}.1`, 50);
  const waiting = { sequence: 7, place: fingerprintOf(`${log}.1`), unique: "0123abcd", extension: "" } as const;
  given(pendingPath(log, waiting), 90);
  given(`${log}.rotate.00000001`, 20);
  assert.deepEqual(listed(), [
    "backup app.log.1",
    `waiting ${basename(pendingPath(log, waiting))}`,
    "backup app.log.rotate.00000001",
  ]);
});

test("of one period and counter, what waits is older than what upstream has given the name", (t) => {
  const { log, given, listed } = setUp(t);
  const waiting = { sequence: 7, place: "2024-05-17@0", unique: "0123abcd", extension: "" } as const;
  for (const path of [`${log}.2024-05-17`, `${log}.2024-05-17.1`, `${log}.2024-05-16`]) given(path, 10);
  given(pendingPath(log, waiting), 10);
  assert.deepEqual(listed(), [
    "backup app.log.2024-05-16",
    `waiting ${basename(pendingPath(log, waiting))}`,
    "backup app.log.2024-05-17",
    "backup app.log.2024-05-17.1",
  ]);
});

test("what a sweep of an older version has published counts until its compressed form has a public name", (t) => {
  const { log, given, listed } = setUp(t);
  const published = { sequence: 7, place: "0", state: "published" } as const;
  given(hiddenPendingPath(log, published), 10);
  assert.deepEqual(listed(), []);
  given(hiddenFormPath(log, { sequence: published.sequence, extension: ".zst" }), 10);
  assert.deepEqual(listed(), [`waiting ${basename(hiddenPendingPath(log, published))}`]);
});

test("what is no file is listed where somebody must be told of it, and a link to nothing is not", (t) => {
  const { log, listed } = setUp(t);
  for (const path of [`${log}.1`, `${log}.rotate.00000001`]) mkdirSync(path);
  mkdirSync(pendingPath(log, { sequence: 7, place: "0", unique: "0123abcd", extension: "" }));
  symlinkSync("nothing", `${log}.2`);
  assert.deepEqual(listed().sort(), ["backup app.log.1", "backup app.log.rotate.00000001"]);
});

test("of a file that waits and its compressed form, readers take the file, which is whole in any case", (t) => {
  const { log, given, listed } = setUp(t);
  const waiting = { sequence: 7, place: "0", unique: "0123abcd", extension: "" } as const;
  given(pendingPath(log, waiting), 90);
  given(pendingPath(log, { ...waiting, extension: ".gz" }), 50);
  given(pendingPath(log, { ...waiting, unique: "89abcdef", extension: ".gz" }), 90);
  const [other, file] = ["89abcdef.gz", "0123abcd"].map((end) => `waiting app.log-0000000000007-0-${end}`);
  assert.deepEqual(listed().sort(), [file, other].sort());
});

test("a compressed file is read as one when it is named in place of a log, which has a lock file", (t) => {
  const { log, given } = setUp(t, "app.gz");
  given(log, 0);
  given(`${log}.1.gz`, 10);
  const extensions = (files: readonly LogFile[]) => files.map(({ extension }) => extension);
  assert.deepEqual(extensions(listLogFiles(fs, log)), [".gz", ""]);
  const picture = () => extensions(stillPicture(systemEnvironment(), log, lockFilePath(log)));
  assert.deepEqual(picture(), [".gz", ".gz"]);
  writeFileSync(lockFilePath(log), "");
  assert.deepEqual(picture(), [".gz", ""]);
});

test("each file is asked once or twice for what it is told by, however many wait", (t) => {
  const { log, given, listed } = setUp(t);
  for (let n = 1; n <= 60; n++) given(`${log}.${n}`, n);
  const place = fingerprintOf(`${log}.1`);
  for (let i = 0; i < 60; i++) {
    const unique = i.toString(16).padStart(8, "0");
    given(pendingPath(log, { sequence: 1e12 + i, place, unique, extension: "" }), 0);
  }
  const { get } = Object.getOwnPropertyDescriptor(FileStatus.prototype, "fingerprint")!;
  const counted = t.mock.getter(FileStatus.prototype, "fingerprint", get as () => string);
  assert.equal(listed().length, 120);
  assert.ok(counted.mock.callCount() <= 240, `${counted.mock.callCount()} times for 120 files`);
});
