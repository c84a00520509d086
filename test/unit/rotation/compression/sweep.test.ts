import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { hasCode } from "../../../../src/base/system-errors.js";
import { Mount } from "../../../../src/disk/mount.js";
import { Permissions } from "../../../../src/disk/permissions.js";
import { ConcurrentRotatingFileHandler } from "../../../../src/index.js";
import { FileLock } from "../../../../src/lock/file-lock.js";
import { LockFile } from "../../../../src/lock/lock-file.js";
import { type Compression, type Extension, FORMATS } from "../../../../src/log-files/compression-formats.js";
import {
  type HiddenPending,
  hiddenFormPath,
  sweepLockPath,
  unfinishedPath,
} from "../../../../src/log-files/hidden-names.js";
import { listLogFiles } from "../../../../src/log-files/list-files.js";
import { listPending } from "../../../../src/log-files/pending-files.js";
import { pendingPath } from "../../../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../../../src/platform/environment.js";
import type { FileSystem } from "../../../../src/platform/file-system.js";
import { type SweepEvent, sweep } from "../../../../src/rotation/compression/sweep.js";
import { NumberedBackups } from "../../../../src/rotation/numbered-backups.js";
import { rotate } from "../../../../src/rotation/rotate.js";
import { environmentWith, systemError } from "../../../support/environment.js";
import { makeLock } from "../../../support/locks.js";
import { hiddenPendingPath } from "../../../support/older-version.js";
import { rememberingFileSystem } from "../../../support/remembering-fs.js";
import { temporaryDirectory } from "../../../support/temporary.js";
import { watchedFileSystem } from "../../../support/watched-fs.js";

const system = systemEnvironment();

function setUp(
  t: TestContext,
  { backupCount = 5, compression = { format: "gzip" } as Compression, isDelayed = false } = {},
) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const { extension } = FORMATS[compression.format];
  const backupsOn = (fs: FileSystem) => new NumberedBackups(fs, log, backupCount);
  const run = async (fs = system.fs) => {
    const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, assert.fail);
    const mount = new Mount({ ...system, fs }, log);
    const lockFile = new LockFile(join(directory, ".__app.lock"), mount, permissions);
    const events: SweepEvent[] = [];
    const plan = {
      fs,
      log,
      lock: new FileLock(lockFile, system.clock),
      lockTimeout: 1000,
      sweepLock: new LockFile(sweepLockPath(log), mount, permissions),
      publisher: backupsOn(fs),
      extension,
      compression,
      isDelayed,
    };
    await sweep(plan, (event) => events.push(event));
    return events.map(({ type, path }) => `${type} ${basename(path)}`);
  };
  /** Writes a log and rotates it, as a handler would. */
  const rotateWith = (text: string, age = 0) => {
    writeFileSync(log, text);
    if (age > 0) utimesSync(log, Date.now() / 1000 - age, Date.now() / 1000 - age);
    rotate({ fs: system.fs, log, backupCount, backups: backupsOn(system.fs), extension, rotator: undefined });
  };
  /** Rotates as upstream does with gzip on: at once, into the first backup. */
  const upstreamRotates = (text: string) => {
    const path = join(directory, "app.log.rotate.1.gz");
    writeFileSync(path, gzipSync(text));
    backupsOn(system.fs).insert([path], ".gz");
  };
  return { directory, log, run, rotateWith, upstreamRotates };
}

/** The texts of a directory's compressed files by name; of others, "plain". */
function archives(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name !== ".__app.lock" && name !== ".__app.log.sweep");
  return Object.fromEntries(
    names.sort().map((name) => {
      const path = join(directory, name);
      return [
        name,
        name.endsWith(".gz") ? gunzipSync(readFileSync(path)).toString() : `plain ${readFileSync(path, "utf8")}`,
      ];
    }),
  );
}

test("waiting files become backups, in order", async (t) => {
  const { directory, rotateWith, run } = setUp(t);
  for (const text of ["a", "b", "c"]) rotateWith(text);
  assert.deepEqual(await run(), ["compressed app.log.3.gz", "compressed app.log.2.gz", "compressed app.log.1.gz"]);
  assert.deepEqual(archives(directory), { "app.log.1.gz": "c", "app.log.2.gz": "b", "app.log.3.gz": "a" });
});

test("with nothing to do, nothing is done", async (t) => {
  const { run } = setUp(t);
  assert.deepEqual(await run(), []);
});

test("with a delay, the newest one stays as it is until there is a newer one", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t, { isDelayed: true });
  rotateWith("a");
  assert.deepEqual(await run(), []);
  rotateWith("b");
  rotateWith("c");
  assert.deepEqual(await run(), ["compressed app.log.2.gz", "compressed app.log.1.gz"]);
  assert.deepEqual(archives(directory), {
    [basename(listPending(system.fs, log)[0]!.path)]: "plain c",
    "app.log.1.gz": "b",
    "app.log.2.gz": "a",
  });
  rotateWith("d");
  assert.deepEqual(await run(), ["compressed app.log.1.gz"]);
});

test("later ones come in front of earlier ones", async (t) => {
  const { directory, rotateWith, run } = setUp(t);
  rotateWith("a");
  await run();
  rotateWith("b");
  rotateWith("c");
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "c", "app.log.2.gz": "b", "app.log.3.gz": "a" });
});

test("a backup that upstream makes meanwhile keeps its place", async (t) => {
  const { directory, rotateWith, upstreamRotates, run } = setUp(t, { backupCount: 8 });
  upstreamRotates("1 theirs");
  rotateWith("2 ours");
  rotateWith("3 ours");
  upstreamRotates("4 theirs");
  rotateWith("5 ours");
  upstreamRotates("6 theirs");
  await run();
  assert.deepEqual(Object.values(archives(directory)), [
    "6 theirs",
    "5 ours",
    "4 theirs",
    "3 ours",
    "2 ours",
    "1 theirs",
  ]);
});

test("also when there was no backup before", async (t) => {
  const { directory, rotateWith, upstreamRotates, run } = setUp(t);
  rotateWith("1 ours");
  upstreamRotates("2 theirs");
  upstreamRotates("3 theirs");
  await run();
  assert.deepEqual(Object.values(archives(directory)), ["3 theirs", "2 theirs", "1 ours"]);
});

test("and when it is made between two publications", async (t) => {
  const { directory, log, rotateWith, upstreamRotates, run } = setUp(t, { backupCount: 8 });
  upstreamRotates("1 theirs");
  rotateWith("2 ours");
  // While the first one is being compressed, two more are set aside, and upstream rotates between these.
  let isFirst = true;
  const { fs } = environmentWith({
    fsync(fd) {
      if (isFirst) {
        isFirst = false;
        rotateWith("3 ours");
        upstreamRotates("4 theirs");
        rotateWith("5 ours");
      }
      system.fs.fsync(fd);
    },
  });
  await run(fs);
  assert.deepEqual(Object.values(archives(directory)), ["5 ours", "4 theirs", "3 ours", "2 ours", "1 theirs"]);
  assert.ok(!existsSync(log));
});

test("what is older than all that may be kept goes", async (t) => {
  const { directory, rotateWith, upstreamRotates, run } = setUp(t, { backupCount: 2 });
  rotateWith("1 ours");
  upstreamRotates("2 theirs");
  upstreamRotates("3 theirs");
  assert.match((await run()).join(), /^removed app\.log-\d{13}-0-[0-9a-f]{8}\.gz$/);
  assert.deepEqual(archives(directory), { "app.log.1.gz": "3 theirs", "app.log.2.gz": "2 theirs" });
});

test("while compression cannot keep up, the oldest go, and no more than backupCount wait", async (t) => {
  const { directory, rotateWith, run } = setUp(t, { backupCount: 2 });
  for (const text of ["a", "b", "c", "d"]) rotateWith(text);
  assert.equal(readdirSync(directory).length, 2);
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "d", "app.log.2.gz": "c" });
});

test("the result has the mode and the time of the file", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  const pending = join(directory, readdirSync(directory)[0]!);
  chmodSync(pending, 0o640);
  utimesSync(pending, 1_700_000_000, 1_700_000_000);
  await run();
  const { mode, mtimeMs } = statSync(`${log}.1.gz`);
  assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1_700_000_000_000]);
});

test("brotli", async (t) => {
  const { log, rotateWith, run } = setUp(t, { compression: { format: "brotli" } });
  rotateWith("a".repeat(100_000));
  await run();
  assert.equal(brotliDecompressSync(readFileSync(`${log}.1.br`)).length, 100_000);
});

test("zstd", { skip: FORMATS.zstd.create === undefined && "not in this version of Node" }, async (t) => {
  const { log, rotateWith, run } = setUp(t, { compression: { format: "zstd" } });
  rotateWith("a".repeat(100_000));
  await run();
  assert.ok(statSync(`${log}.1.zst`).size < 1000);
});

test("one process compresses at a time", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  const pending = join(directory, readdirSync(directory)[0]!);
  const other = makeLock(sweepLockPath(log));
  assert.ok(other.tryAcquire());
  assert.deepEqual(await run(), []);
  assert.ok(existsSync(pending));
  other.close();
  assert.deepEqual(await run(), ["compressed app.log.1.gz"]);
});

test("what is set aside when a sweep is about to end is compressed by it, since no other process can", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  const unlink = (path: string) => {
    system.fs.unlink(path);
    if (!path.startsWith(`${log}-`) || existsSync(`${log}.1.gz`)) return;
    rotateWith("b");
    assert.ok(!makeLock(sweepLockPath(log)).tryAcquire());
  };
  await run(environmentWith({ unlink }).fs);
  assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" });
});

describe("two sweeps of one log, the second begun at each call of the first", () => {
  for (const isLockDeleted of [false, true]) {
    test(isLockDeleted ? "after somebody has deleted the file that they lock" : "leave whole archives", async (t) => {
      assert.deepEqual(await problemsOfTwo(t, isLockDeleted, (fs) => fs), []);
    });
  }

  test("and do not if both write one file", async (t) => {
    assert.notDeepEqual(await problemsOfTwo(t, true, withoutRandomNames), []);
  });
});

/** What is wrong with archives after two sweeps, with a rotation at that moment as well that leaves the oldest no room. */
async function problemsOfTwo(t: TestContext, isLockDeleted: boolean, double: (fs: FileSystem) => FileSystem) {
  const problems: string[] = [];
  for (let n = 1, isReached = true; isReached; n++) {
    isReached = false;
    const { directory, log, rotateWith, run } = setUp(t, { backupCount: 3 });
    for (const text of ["a", "b", "c"]) rotateWith(text);
    const seen = new Map<string, Buffer>();
    const look = (when: string) => {
      for (const path of readdirSync(directory).flatMap((name) =>
        /^app\.log\.\d+\.gz$/.test(name) ? join(directory, name) : [],
      )) {
        const bytes = readFileSync(path);
        const identity = fingerprintOf(path).split("-")[0]!;
        const before = seen.get(identity);
        seen.set(identity, bytes);
        if (before !== undefined && !before.equals(bytes))
          problems.push(`call ${n}, ${when}: ${basename(path)} changed`);
        if (!isWhole(bytes)) problems.push(`call ${n}, ${when}: ${basename(path)} is cut off`);
      }
    };
    let calls = 0;
    let second: Promise<unknown> = Promise.resolve();
    const lock = makeLock(join(directory, ".__app.lock"));
    let newest = "c";
    const first = watchedFileSystem(double(system.fs), (_call, proceed) => {
      if (++calls === n) {
        isReached = true;
        if (isLockDeleted) rmSync(sweepLockPath(log), { force: true });
        if (lock.tryAcquire()) {
          rotateWith("d");
          newest = "d";
          lock.release();
        }
        second = run(double(system.fs)).catch(() => {}); // whatever the code: this thread may hold the lock of the log
      }
      return proceed();
    });
    await run(first);
    look("when the first has ended");
    await second;
    look("when the second has ended");
    await run();
    look("at the end");
    const found = Object.entries(archives(directory)).map(([name, text]) => `${name} ${text}`);
    const texts = newest === "d" ? ["d", "c", "b"] : ["c", "b", "a"];
    const expected = texts.map((text, i) => `app.log.${i + 1}.gz ${text}`);
    if (found.join() !== expected.join()) problems.push(`call ${n}: ${found.join(", ")}`);
    lock.close();
  }
  return problems;
}

function isWhole(bytes: Buffer): boolean {
  try {
    gunzipSync(bytes);
    return true;
  } catch (error) {
    if (hasCode(error, "Z_BUF_ERROR")) return false;
    throw error;
  }
}

/** Each sweep takes what another one writes for what a killed one has left, and writes in its place. */
function withoutRandomNames(fs: FileSystem): FileSystem {
  const shared = (path: string) => path.replace(/\.[0-9a-f]{8}\.unfinished$/, ".unfinished");
  return {
    ...fs,
    open(path, flags, mode) {
      if (shared(path) !== path && fs.exists(shared(path))) fs.unlink(shared(path));
      return fs.open(shared(path), flags, mode);
    },
    exists: (path) => fs.exists(shared(path)),
    renameNew: (from, to) => fs.renameNew(shared(from), to),
    unlink: (path) => fs.unlink(shared(path)),
  };
}

test("a file that grew while it was compressed is compressed again", async (t) => {
  const { directory, rotateWith, run } = setUp(t);
  rotateWith("a");
  const pending = join(directory, readdirSync(directory)[0]!);
  let isFirst = true;
  const { fs } = environmentWith({
    fsync(fd) {
      if (isFirst) appendFileSync(pending, " and a late record");
      isFirst = false;
      system.fs.fsync(fd);
    },
  });
  await run(fs);
  assert.deepEqual(archives(directory), { "app.log.1.gz": "a and a late record" });
});

test("a failure keeps the file and publishes what came before it", async (t) => {
  const { directory, rotateWith, run } = setUp(t);
  rotateWith("a");
  rotateWith("b");
  let syncs = 0;
  const { fs } = environmentWith({
    fsync(fd) {
      if (++syncs === 2) throw systemError("ENOSPC", "fsync");
      system.fs.fsync(fd);
    },
  });
  await assert.rejects(() => run(fs), { code: "ERR_CLH_COMPRESS", message: /ENOSPC/ });
  assert.deepEqual(Object.values(archives(directory)), ["plain b", "a"]);
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" });
});

test("a file that cannot be read is passed over, and gets its place when it can be", async (t) => {
  for (const unreadable of [1, 2, 3]) {
    const { directory, log, rotateWith, run } = setUp(t);
    for (const text of ["a", "b", "c"]) rotateWith(text);
    const { path } = listPending(system.fs, log)[unreadable - 1]!;
    const { fs } = environmentWith({
      open(name, flags, mode) {
        if (fingerprintOf(name) === mark) throw Object.assign(systemError("EACCES", "open"), { path: name });
        return system.fs.open(name, flags, mode);
      },
    });
    const mark = fingerprintOf(path);
    await assert.rejects(() => run(fs), { code: "ERR_CLH_COMPRESS", message: /EACCES/ });
    rotateWith("d");
    await assert.rejects(() => run(fs), { code: "ERR_CLH_COMPRESS", message: /EACCES/ });
    const readable = ["d", "c", "b", "a"].filter((text) => text !== "_abc"[unreadable]);
    assert.deepEqual(
      Object.entries(archives(directory)).filter(([name]) => /^app\.log\.\d/.test(name)),
      readable.map((text, i) => [`app.log.${i + 1}.gz`, text]),
    );
    await run();
    assert.deepEqual(Object.values(archives(directory)), ["d", "c", "b", "a"]);
  }
});

test("something with the name of a compressed form keeps back that file alone", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  for (const text of ["a", "b", "c"]) rotateWith(text);
  const form = `${listPending(system.fs, log)[1]!.path}.gz`;
  mkdirSync(form);
  await assert.rejects(() => run(), { code: "ERR_CLH_COMPRESS", message: /is no file/ });
  rmdirSync(form);
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "c", "app.log.2.gz": "b", "app.log.3.gz": "a" });
});

test("what was set aside when compression was on is compressed by a handler that has it off", async (t) => {
  const { directory, log, rotateWith } = setUp(t);
  for (const text of ["a", "b"]) rotateWith(text);
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 2, backupCount: 5, delayCompression: true });
  for (const text of ["c", "d"]) assert.ok(handler.write(text));
  await handler.swept();
  handler.close();
  const { ".__app.log.settings": _, ...files } = archives(directory);
  assert.deepEqual(files, {
    "app.log": "plain d\n",
    "app.log.1": "plain c\n",
    "app.log.1.gz": "b",
    "app.log.2.gz": "a",
  });
});

test("a handler that keeps no backups leaves alone what others have set aside", async (t) => {
  const { directory, log, rotateWith } = setUp(t);
  rotateWith("a");
  const waiting = readdirSync(directory)[0]!;
  for (const useGzip of [false, true]) {
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 2, useGzip });
    for (const text of ["b", "c"]) assert.ok(handler.write(text));
    await handler.swept();
    handler.close();
    assert.equal(archives(directory)[waiting], "plain a");
  }
});

/* A process may be killed between any two steps. Each of these states must end in the same backups, nothing twice. */

test("killed while compressing: what is cut off is made anew", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  writeFileSync(unfinishedPath(log, 1, "0123abcd"), gzipSync("a").subarray(0, 10));
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "a" });
});

test("killed while compressing what has been deleted since: what is cut off goes", async (t) => {
  const { directory, log, run } = setUp(t);
  writeFileSync(unfinishedPath(log, 1, "0123abcd"), "cut off");
  await run();
  assert.deepEqual(archives(directory), {});
});

/** As a compressed form has that of its file. */
function sameTime(...paths: string[]): void {
  for (const path of paths) utimesSync(path, 1_700_000_000, 1_700_000_000);
}

/** Puts a compressed form of `text` beside a file that waits. */
function compressBeside(path: string, text: string): string {
  const form = `${path}.gz`;
  writeFileSync(form, gzipSync(text));
  sameTime(path, form);
  return form;
}

test("killed when a compressed form had its name: it is used, and the file goes", async (t) => {
  for (const format of ["gzip", "brotli"] as const) {
    const { directory, log, rotateWith, run } = setUp(t, { compression: { format } });
    rotateWith("a");
    rotateWith("b");
    const [first] = listPending(system.fs, log);
    compressBeside(first!.path, "a");
    assert.deepEqual(
      listLogFiles(system.fs, log).map(({ extension }) => extension),
      ["", ""],
    );
    await run();
    const names = format === "gzip" ? ["app.log.1.gz", "app.log.2.gz"] : ["app.log.1.br", "app.log.1.gz"];
    assert.deepEqual(Object.keys(archives(directory)), names);
    assert.equal(gunzipSync(readFileSync(join(directory, names[1]!))).toString(), "a");
  }
});

test("killed when the file was gone as well", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  rotateWith("b");
  const [first] = listPending(system.fs, log);
  compressBeside(first!.path, "a");
  rmSync(first!.path);
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" });
});

test("killed after the others were placed behind a file that is no backup yet", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  for (const text of ["a", "b", "c"]) rotateWith(text);
  const [first, second] = listPending(system.fs, log);
  const form = compressBeside(first!.path, "a");
  rmSync(first!.path);
  renameSync(second!.path, pendingPath(log, { ...second!, place: fingerprintOf(form) }));
  assert.deepEqual(
    listLogFiles(system.fs, log).map(({ path }) => basename(path).slice(0, 21)),
    listPending(system.fs, log).map(({ path }) => basename(path).slice(0, 21)),
  );
  await run();
  assert.deepEqual(archives(directory), { "app.log.1.gz": "c", "app.log.2.gz": "b", "app.log.3.gz": "a" });
});

test("killed when the format had changed in between: one of two compressed forms is used", async (t) => {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  const { path } = listPending(system.fs, log)[0]!;
  writeFileSync(`${path}.br`, brotliCompressSync("a"));
  compressBeside(path, "a");
  sameTime(`${path}.br`);
  await run();
  assert.equal(Object.keys(archives(directory)).length, 1);
});

describe("nothing is deleted for a name alone:", () => {
  test("a compressed form of something else beside a file: both are kept", async (t) => {
    const { directory, log, rotateWith, run } = setUp(t);
    rotateWith("a");
    compressBeside(listPending(system.fs, log)[0]!.path, "something else");
    await run();
    assert.deepEqual(Object.values(archives(directory)).sort(), ["a", "something else"]);
  });

  test("one that cannot be read to its end is made anew", async (t) => {
    const { directory, log, rotateWith, run } = setUp(t);
    rotateWith("a");
    writeFileSync(`${listPending(system.fs, log)[0]!.path}.gz`, gzipSync("a").subarray(0, 15));
    await run();
    assert.deepEqual(archives(directory), { "app.log.1.gz": "a" });
  });

  test("two files with one sequence and place are both kept", async (t) => {
    const { directory, log, rotateWith, run } = setUp(t);
    rotateWith("a");
    const [first] = listPending(system.fs, log);
    writeFileSync(pendingPath(log, { ...first!, unique: "0123abcd" }), "of an old backup");
    await run();
    assert.deepEqual(Object.values(archives(directory)).sort(), ["a", "of an old backup"]);
  });

  test("a backup of the directory, copied back when all has been rotated anew: each file is kept", async (t) => {
    const { directory, rotateWith, run } = setUp(t);
    const archive = temporaryDirectory(t);
    const show = () => readdirSync(directory).filter((name) => name.startsWith("app.log"));
    rotateWith("sunday");
    await run();
    rotateWith("monday");
    cpSync(directory, archive, { recursive: true, preserveTimestamps: true });
    for (const name of show()) rmSync(join(directory, name));
    rotateWith("thursday");
    cpSync(archive, directory, { recursive: true, preserveTimestamps: true, force: false });
    rotateWith("friday");
    await run();
    assert.deepEqual(Object.values(archives(directory)).sort(), ["friday", "monday", "sunday", "thursday"]);
  });

  test("a file that grows while it is compared with its form is compressed anew", async (t) => {
    const { directory, log, rotateWith, run } = setUp(t);
    rotateWith("a");
    const { path } = listPending(system.fs, log)[0]!;
    compressBeside(path, "a");
    let closes = 0;
    const { fs } = environmentWith({
      close(fd) {
        if (++closes === 2) appendFileSync(path, " and a late record");
        system.fs.close(fd);
      },
    });
    await run(fs);
    assert.deepEqual(Object.values(archives(directory)).sort(), ["a", "a and a late record"]);
  });
});

for (const preserveTimestamps of [true, false]) {
  const how = preserveTimestamps ? "with" : "without";
  test(`in a directory that was copied ${how} the times of its files, what waits keeps its place`, async (t) => {
    const { directory, log, rotateWith, run } = setUp(t, { backupCount: 9 });
    for (const [i, text] of ["a", "b", "c", "d"].entries()) {
      rotateWith(text, 100 - i);
      if (text === "b") await run();
    }
    const original = join(temporaryDirectory(t), "original");
    renameSync(directory, original);
    cpSync(original, directory, { recursive: true, preserveTimestamps });
    rotateWith("e");
    const texts = () => Object.entries(archives(directory)).map(([, text]) => text.replace("plain ", ""));
    const read = listLogFiles(system.fs, log).map(({ path }) => archives(directory)[basename(path)]);
    assert.deepEqual(read, ["a", "b", "plain c", "plain d", "plain e"]);
    await run();
    assert.deepEqual(texts(), ["e", "d", "c", "b", "a"]);
  });

  test(`also when it is published between two rotations, ${how} times`, async (t) => {
    const { directory, log, rotateWith, run } = setUp(t, { backupCount: 9 });
    rotateWith("a", 100);
    await run();
    rotateWith("b", 99);
    const original = join(temporaryDirectory(t), "original");
    renameSync(directory, original);
    cpSync(original, directory, { recursive: true, preserveTimestamps });
    // The sweep has looked before "c" was set aside.
    let isSetAside = false;
    const { fs } = environmentWith({
      fsync(fd) {
        if (!isSetAside) rotateWith("c");
        isSetAside = true;
        system.fs.fsync(fd);
      },
    });
    await run(fs);
    assert.ok(isSetAside);
    await run();
    assert.deepEqual(Object.values(archives(directory)), ["c", "b", "a"]);
    assert.equal(listPending(system.fs, log).length, 0);
  });
}

test("a sequence does not begin again when nothing waits", async (t) => {
  const { log, rotateWith, run } = setUp(t);
  rotateWith("a");
  const [before] = listPending(system.fs, log);
  await run();
  rotateWith("b");
  const [after] = listPending(system.fs, log);
  assert.ok(after!.sequence >= before!.sequence);
  assert.notEqual(after!.path, before!.path);
  // A time of the far future, by a wrong clock or by somebody who wants the digits to run out.
  for (const sequence of [8e12, 9_999_999_999_999]) {
    writeFileSync(pendingPath(log, { ...after!, sequence }), "z");
    rotateWith("c");
    assert.equal(listPending(system.fs, log).length, sequence === 8e12 ? 3 : 5);
  }
});

/* What an older version has left, which let files wait under hidden names. */

describe("of an older version", () => {
  const FIRST: HiddenPending = { sequence: 1, place: "0", state: "pending" };
  const SECOND: HiddenPending = { sequence: 2, place: "0", state: "pending" };
  const PUBLISHED = { ...FIRST, state: "published" } as const;
  const form = (log: string, sequence: number, extension: Extension = ".gz") =>
    hiddenFormPath(log, { sequence, extension });

  test("what waits is compressed, the oldest first, and what waits now comes in front of it", async (t) => {
    const { directory, log, rotateWith, run } = setUp(t);
    rotateWith("c");
    writeFileSync(hiddenPendingPath(log, FIRST), "a");
    writeFileSync(hiddenPendingPath(log, SECOND), "b");
    assert.equal(listLogFiles(system.fs, log).length, 3);
    await run();
    assert.deepEqual(archives(directory), { "app.log.1.gz": "c", "app.log.2.gz": "b", "app.log.3.gz": "a" });
  });

  for (const extension of [".gz", ".br"] as const) {
    test(`killed before a file was marked as published: it is compressed anew, in place of its ${extension}`, async (t) => {
      const { directory, log, run } = setUp(t);
      writeFileSync(hiddenPendingPath(log, FIRST), "a");
      writeFileSync(form(log, 1, extension), "old");
      await run();
      assert.deepEqual(archives(directory), { "app.log.1.gz": "a" });
    });
  }

  test("killed after a file was marked as published, and the format changed: its compressed form is used", async (t) => {
    const { directory, log, run } = setUp(t, { compression: { format: "brotli" } });
    writeFileSync(form(log, 1), gzipSync("a"));
    writeFileSync(hiddenPendingPath(log, PUBLISHED), "a");
    writeFileSync(hiddenPendingPath(log, SECOND), "b");
    assert.deepEqual(await run(), ["compressed app.log.1.gz", "compressed app.log.1.br"]);
    assert.equal(gunzipSync(readFileSync(`${log}.1.gz`)).toString(), "a");
    assert.equal(brotliDecompressSync(readFileSync(`${log}.1.br`)).toString(), "b");
    assert.equal(Object.keys(archives(directory)).length, 2);
  });

  test("killed after a file was marked as published: its compressed form is used", async (t) => {
    const { directory, log, run } = setUp(t);
    writeFileSync(form(log, 1), gzipSync("a"));
    writeFileSync(hiddenPendingPath(log, PUBLISHED), "a");
    writeFileSync(hiddenPendingPath(log, SECOND), "b");
    await run();
    assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" });
  });

  test("killed after a file was published: it is not published again", async (t) => {
    const { directory, log, run } = setUp(t);
    writeFileSync(hiddenPendingPath(log, PUBLISHED), "a");
    writeFileSync(`${log}.1.gz`, gzipSync("a"));
    sameTime(hiddenPendingPath(log, PUBLISHED), `${log}.1.gz`);
    writeFileSync(hiddenPendingPath(log, { ...SECOND, place: fingerprintOf(`${log}.1.gz`) }), "b");
    await run();
    assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" });
  });

  test("marked as published, and no backup is the same: it is compressed", async (t) => {
    const { directory, log, run } = setUp(t);
    writeFileSync(hiddenPendingPath(log, PUBLISHED), "a");
    writeFileSync(`${log}.1.gz`, gzipSync("b"));
    sameTime(hiddenPendingPath(log, PUBLISHED), `${log}.1.gz`);
    await run();
    assert.deepEqual(Object.values(archives(directory)).sort(), ["a", "b"]);
  });

  test("nothing stays hidden, also where files are rotated faster than they are compressed", async (t) => {
    const { directory, log } = setUp(t);
    writeFileSync(hiddenPendingPath(log, FIRST), "a");
    writeFileSync(form(log, 1), gzipSync("a"));
    for (let i = 0; i < 2; i++) {
      const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 2, backupCount: 1, useGzip: true });
      for (const text of ["b", "c", "d"]) assert.ok(handler.write(text));
      await handler.swept();
      handler.close();
    }
    const { ".__app.log.settings": _, ...files } = archives(directory);
    assert.deepEqual(files, { "app.log": "plain d\n", "app.log.1.gz": "c\n" });
  });

  test("a compressed form whose file is gone becomes a backup", async (t) => {
    const { directory, log, rotateWith, run } = setUp(t);
    rotateWith("b");
    writeFileSync(form(log, 1), gzipSync("a"));
    await run();
    assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" });
  });

  test("several files of one sequence, as of a backup of the directory that was copied back: all are kept", async (t) => {
    const { directory, log, run } = setUp(t);
    writeFileSync(hiddenPendingPath(log, FIRST), "thursday");
    writeFileSync(hiddenPendingPath(log, { ...FIRST, place: "000000012-00000000000000034" }), "monday");
    writeFileSync(hiddenPendingPath(log, { ...PUBLISHED, place: "000000056-00000000000000078" }), "sunday");
    await run();
    assert.deepEqual(Object.values(archives(directory)).sort(), ["monday", "sunday", "thursday"]);
  });

  test("cut off at any rename, all are kept, once", async (t) => {
    for (let n = 1, wasCutOff = true; wasCutOff; n++) {
      const { directory, log, run } = setUp(t);
      writeFileSync(hiddenPendingPath(log, PUBLISHED), "a");
      writeFileSync(form(log, 1), gzipSync("a"));
      writeFileSync(hiddenPendingPath(log, SECOND), "b");
      writeFileSync(form(log, 2), gzipSync("b"));
      sameTime(hiddenPendingPath(log, PUBLISHED), hiddenPendingPath(log, SECOND), form(log, 1), form(log, 2));
      let renames = 0;
      const cutOff: FileSystem = {
        ...system.fs,
        renameNew(from, to) {
          if (++renames >= n) throw systemError("EIO", "rename");
          system.fs.renameNew(from, to);
        },
      };
      wasCutOff = await run(cutOff).then(
        () => false,
        () => true,
      );
      await run();
      assert.deepEqual(archives(directory), { "app.log.1.gz": "b", "app.log.2.gz": "a" }, `rename ${n}`);
    }
  });
});

function fingerprintOf(path: string): string {
  return new NumberedBackups(system.fs, "", 1, () => () => path).place("");
}

describe("cut off at any rename, with files set aside meanwhile and afterwards: all end up in order", () => {
  for (const [name, atOnce] of [
    ["published together", Number.POSITIVE_INFINITY],
    ["published in turn", 1],
  ] as const) {
    test(name, async (t) => {
      for (let n = 1, wasCutOff = true; wasCutOff; n++) {
        const { directory, rotateWith, run } = setUp(t, { backupCount: 100 });
        rotateWith("a");
        await run();
        for (const text of ["b", "c"]) rotateWith(text);
        let isMeanwhile = true;
        let renames = 0;
        const cutOff: FileSystem = {
          ...system.fs,
          fsync(fd) {
            if (isMeanwhile) for (const text of ["d", "e"]) rotateWith(text);
            isMeanwhile = false;
            system.fs.fsync(fd);
          },
          renameNew(from, to) {
            if (++renames >= n) throw systemError("EIO", "rename");
            system.fs.renameNew(from, to);
          },
        };
        wasCutOff = await run(cutOff).then(
          () => false,
          () => true,
        );
        for (const text of ["f", "g"]) rotateWith(text);
        for (let isLeft = true; isLeft; ) {
          let compressed = 0;
          const some: FileSystem = {
            ...system.fs,
            fsync(fd) {
              if (++compressed > atOnce) throw systemError("EIO", "fsync");
              system.fs.fsync(fd);
            },
          };
          isLeft = await run(some).then(
            () => false,
            () => true,
          );
        }
        const number = (path: string) => Number(path.split(".")[2]);
        const texts = Object.entries(archives(directory))
          .sort(([one], [other]) => number(one) - number(other))
          .map(([, text]) => text);
        assert.deepEqual(texts, ["g", "f", "e", "d", "c", "b", "a"], `rename ${n}`);
      }
    });
  }
});

/** Another sweep, of a host that was taken for dead, publishes a file while it is compressed here. */
async function publishedMeanwhile(t: TestContext, asksWhenListed: boolean): Promise<Record<string, string>> {
  const { directory, log, rotateWith, run } = setUp(t);
  rotateWith("a");
  const remembering = rememberingFileSystem(system.fs, asksWhenListed);
  const events = await run({
    ...remembering,
    fsync(fd) {
      system.fs.fsync(fd);
      const [source] = listPending(system.fs, log);
      if (source === undefined) return;
      writeFileSync(join(directory, "app.log.1.gz"), gzipSync(readFileSync(source.path)));
      rmSync(source.path);
    },
  });
  assert.deepEqual(events, []);
  return archives(directory);
}

test("what another host has published meanwhile is not published once more", async (t) => {
  assert.deepEqual(await publishedMeanwhile(t, true), { "app.log.1.gz": "a" });
  await assert.rejects(publishedMeanwhile(t, false));
});
