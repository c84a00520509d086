import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { ConcurrentTimedRotatingFileHandler, type SweepLogOptions, sweepLog } from "../../../src/index.js";
import { Rehearsal } from "../../../src/inspection/rehearsal.js";
import { rotateLog, type SweepResult } from "../../../src/inspection/sweep-log.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { parsePending, pendingPath } from "../../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { FilePath, FileStatus, type FileSystem, O_APPEND, O_CREAT, O_RDWR } from "../../../src/platform/file-system.js";
import { Clh } from "../../support/clh.js";
import { makeLock } from "../../support/locks.js";
import { Scene, SPILLER } from "../../support/operations.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { watchedFileSystem } from "../../support/watched-fs.js";

/* A dry run says what the same call does after it, in the same order, and leaves no trace. */

const NAMES_OF_CHANGES: readonly (keyof FileSystem)[] = [
  "write",
  "writeAt",
  "truncate",
  "rename",
  "renameNew",
  "unlink",
  "mkdir",
  "fchmod",
  "fchown",
  "futimes",
];

// More than a mebibyte, which is merged at once.
const RECORDS_OF_SLICES = 30_000;

/** All that the system tells of the files of a directory; to follow a link, or to list a directory, is to read it. */
function traces(directory: string): Record<string, string> {
  const entries = readdirSync(directory)
    .sort()
    .map((name) => {
      const status = lstatSync(join(directory, name), { bigint: true });
      const { ino, size, mode, nlink, uid, gid, atimeNs, mtimeNs, ctimeNs } = status;
      return [name, [ino, size, mode, nlink, uid, gid, status.isFile() && atimeNs, mtimeNs, ctimeNs].join(" ")];
    });
  return Object.fromEntries(entries);
}

/** What was done, with names that have neither random digits nor the time of what was only just written. */
function comparable({ done, failures, warnings }: SweepResult, log: string) {
  const messages = (errors: readonly Error[]) => errors.map(({ message }) => message);
  return {
    done: done.map(({ what, path }) => {
      const isPending = parsePending(log, basename(path)) !== undefined;
      return `${what} ${isPending ? `a file that waits${/\.\w+$/.exec(path.slice(log.length)) ?? ""}` : basename(path)}`;
    }),
    failures: messages(failures),
    warnings: messages(warnings),
  };
}

interface Case {
  readonly isTimed: boolean;
  readonly isGzip: boolean;
  readonly delayCompression: boolean;
  readonly records: number;
  readonly waiting: number;
  readonly leftovers: number;
  readonly spilled: number;
  readonly isTorn: boolean;
  readonly strangers: boolean;
  readonly limits: SweepLogOptions;
  readonly isRotated: boolean;
}

const cases: fc.Arbitrary<Case> = fc.record({
  isTimed: fc.boolean(),
  isGzip: fc.boolean(),
  delayCompression: fc.boolean(),
  records: fc.integer({ min: 1, max: 12 }),
  waiting: fc.nat(3),
  leftovers: fc.nat(2),
  spilled: fc.constantFrom(0, 0, 4),
  isTorn: fc.boolean(),
  strangers: fc.boolean(),
  limits: fc.constantFrom<SweepLogOptions>({}, { backupCount: 2 }, { maxAge: "30d" }, { maxTotalBytes: 150 }),
  isRotated: fc.boolean(),
});

/** A log as writers may have left it. */
function given(t: TestContext, one: Case): { log: string; options: SweepLogOptions } {
  const directory = temporaryDirectory(t);
  const scene = new Scene(directory);
  const { log } = scene;
  if (one.isTimed) {
    const handler = new ConcurrentTimedRotatingFileHandler(log, { when: "d", backupCount: 20 });
    for (let i = 0; i < one.records; i++) {
      scene.write(handler, 1);
      if (i % 2) handler.rotate();
    }
    handler.close();
  } else scene.writeWith({ maxBytes: 100, backupCount: 20 }, one.records);
  const now = Date.now();
  // Each backup is older than the one before it, the last of five months.
  for (const [i, name] of readdirSync(directory).sort().entries()) {
    if (!/^app\.log\.\d/.test(name)) continue;
    const age = (one.isTimed ? 20 - i : i) * 15 * 86_400;
    utimesSync(join(directory, name), now / 1000 - age, now / 1000 - age);
  }
  for (let i = 0; i < one.waiting; i++) {
    const sequence = now - 1000 + i;
    const path = pendingPath(log, { sequence, place: "0", unique: `0123456${i}`, extension: "" });
    writeFileSync(path, `waits ${i}\n`.repeat(20));
    utimesSync(path, sequence / 1000, sequence / 1000);
  }
  for (let i = 0; i < one.leftovers; i++)
    writeFileSync(`${log}.rotate.1234567${i}${i ? ".gz" : ""}`, i ? gzipSync("left\n") : "left\n");
  if (one.spilled > 0) scene.leaveSpill(one.spilled);
  if (one.isTorn) appendFileSync(log, "torn");
  if (one.strangers) {
    mkdirSync(`${log}.7`);
    symlinkSync("nowhere", `${log}.2.gz`);
  }
  const { isGzip: useGzip, delayCompression, limits } = one;
  return { log, options: { ...limits, ...(useGzip && { useGzip, delayCompression }) } };
}

describe("dry run", () => {
  test("says what is done, and touches nothing", async (t) => {
    let rotations = 0;
    let deeds = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const { log, options } = given(t, one);
        const act = one.isRotated ? rotateLog : sweepLog;
        const before = traces(join(log, ".."));
        const plan = await act(log, { ...options, dryRun: true });
        assert.deepEqual(traces(join(log, "..")), before, "a dry run leaves no trace");
        const deed = await act(log, options);
        // A thread compresses what was rotated while spills are merged: one file or several at a time, which gives other numbers.
        const isRacing = one.spilled > 0 && one.isGzip;
        const told = (result: SweepResult) => {
          const { done, ...rest } = comparable(result, log);
          return { ...rest, done: isRacing ? done.map((text) => text.replace(/\d+/g, "#")).sort() : done };
        };
        assert.deepEqual(told(plan), told(deed));
        deeds += deed.done.length;
        if (deed.done.some(({ what }) => what === "rotated")) rotations++;
      }),
      { numRuns: 60 },
    );
    assert.ok(deeds > 60 && rotations > 5, "the logs were such that there was something to do");
  });

  test("such a comparison finds out a file that was only read, or has another time", (t) => {
    const { log } = given(t, {
      isTimed: false,
      isGzip: false,
      delayCompression: false,
      records: 5,
      waiting: 0,
      leftovers: 0,
      spilled: 0,
      isTorn: false,
      strangers: false,
      limits: {},
      isRotated: false,
    });
    const before = traces(join(log, ".."));
    utimesSync(log, Date.now() / 1000, lstatSync(log).mtimeMs / 1000);
    assert.notDeepEqual(traces(join(log, "..")), before);
  });

  test("of spills beyond a slice, a sweep merges all", async (t) => {
    const scene = new Scene(temporaryDirectory(t));
    scene.writeWith({ maxBytes: 0, backupCount: 3 }, 1);
    scene.leaveSpill(RECORDS_OF_SLICES);
    const lines = () =>
      readFileSync(scene.log, "utf8")
        .split("\n")
        .filter((line) => line.includes(SPILLER)).length;
    const plan = await sweepLog(scene.log, { backupCount: 3, dryRun: true });
    assert.equal(lines(), 0);
    const deed = await sweepLog(scene.log, { backupCount: 3 });
    assert.deepEqual(comparable(plan, scene.log), comparable(deed, scene.log));
    assert.equal(lines(), RECORDS_OF_SLICES);
  });

  test("makes no call that changes anything, whoever may be at it", async (t) => {
    const { log } = given(t, {
      isTimed: false,
      isGzip: true,
      delayCompression: false,
      records: 9,
      waiting: 2,
      leftovers: 1,
      spilled: 4,
      isTorn: true,
      strangers: true,
      limits: {},
      isRotated: true,
    });
    const system = systemEnvironment();
    const changes: string[] = [];
    const fs = watchedFileSystem(system.fs, ({ name }, proceed) => {
      if ((NAMES_OF_CHANGES as string[]).includes(name)) changes.push(name);
      return proceed();
    });
    const { environment } = started(new Rehearsal({ ...system, fs }), log);
    const status = new FileStatus();
    assert.equal(environment.fs.status(new FilePath(log), status), true);
    const fd = environment.fs.open(`${log}.new`, O_RDWR | O_CREAT | O_APPEND);
    environment.fs.write(fd, Buffer.from("new\n"), 0, 4);
    environment.fs.close(fd);
    environment.fs.renameNew(log, `${log}.old`);
    environment.fs.unlink(`${log}.1`);
    assert.deepEqual(changes, []);
    assert.deepEqual(
      ["", ".new", ".old", ".1"].map((tail) => environment.fs.exists(log + tail)),
      [false, true, true, false],
    );
    // A double that lets one call through is found out.
    fs.unlink(`${log}.1`);
    assert.deepEqual(changes, ["unlink"]);
  });

  test("goes by the moment at which it began, though writers go on", async (t) => {
    const scene = new Scene(temporaryDirectory(t));
    scene.writeWith({ maxBytes: 100, backupCount: 5 }, 6);
    const { environment } = started(new Rehearsal(systemEnvironment()), scene.log);
    const before = new FileStatus();
    environment.fs.status(new FilePath(scene.log), before);
    const names = environment.fs.readdir(join(scene.log, ".."));
    scene.writeWith({ maxBytes: 100, backupCount: 5 }, 1); // into the same file
    const after = new FileStatus();
    environment.fs.status(new FilePath(scene.log), after);
    assert.equal(after.size, before.size);
    scene.writeWith({ maxBytes: 100, backupCount: 5 }, 6); // into others
    assert.deepEqual(environment.fs.readdir(join(scene.log, "..")), names);
    assert.throws(() => environment.fs.open(scene.log, 0), { code: "ENOENT" }, "it is another file by now");
  });

  test("a writer that has the lock is waited for as ever, and a free lock is not kept", async (t) => {
    const scene = new Scene(temporaryDirectory(t));
    scene.writeWith({ maxBytes: 100, backupCount: 5 }, 6);
    const lock = makeLock(lockFilePath(scene.log));
    assert.ok(lock.tryAcquire());
    const plan = { dryRun: true, lockTimeout: 20 };
    await assert.rejects(rotateLog(scene.log, plan), { code: "ERR_CLH_LOCK_TIMEOUT" });
    lock.release();
    const rehearsing = rotateLog(scene.log, { ...plan, useGzip: true });
    assert.ok(lock.tryAcquire(), "while it goes on, the lock is free");
    lock.release();
    lock.close();
    assert.deepEqual((await rehearsing).failures, []);
  });

  test("says what this user may not do", { skip: process.getuid?.() === 0 && "root may do all" }, async (t) => {
    const scene = new Scene(temporaryDirectory(t));
    scene.writeWith({ maxBytes: 100, backupCount: 5 }, 6);
    const directory = join(scene.log, "..");
    chmodSync(directory, 0o500);
    try {
      const plan = await rotateLog(scene.log, { dryRun: true });
      assert.deepEqual(comparable(plan, scene.log), comparable(await rotateLog(scene.log), scene.log));
      assert.match(plan.failures[0]!.message, /EACCES: permission denied/);
    } finally {
      chmodSync(directory, 0o700);
    }
  });

  test("the command prints it", async (t) => {
    const scene = new Scene(temporaryDirectory(t));
    scene.writeWith({ maxBytes: 100, backupCount: 3 }, 9);
    const { code, stdout } = await Clh.run(["rotate", scene.log, "--dry-run"]);
    assert.deepEqual([code, stdout], [0, `would be rotated ${scene.log}.1\nwould be removed ${scene.log}.3\n`]);
    const planned = JSON.parse((await Clh.run(["rotate", scene.log, "--dry-run", "--json"])).stdout);
    const { dryRun: _, ...done } = planned;
    assert.deepEqual(done, JSON.parse((await Clh.run(["rotate", scene.log, "--json"])).stdout));
    assert.equal(planned.dryRun, true);
  });
});

function started(rehearsal: Rehearsal, log: string): Rehearsal {
  rehearsal.begin(log, lockFilePath(log));
  return rehearsal;
}
