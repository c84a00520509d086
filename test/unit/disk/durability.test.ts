import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, type TestContext, test } from "node:test";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type LogFileError,
  type RotatingFileHandlerOptions,
} from "../../../src/index.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import type { FileSystem } from "../../../src/platform/file-system.js";
import { environmentWith, ManualClock, systemError } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

/* Calls are written down as "fsync app.log", "." being the directory of the log. */

interface Watched {
  readonly calls: string[];
  readonly environment: Environment;
}

function watch(directory: string, faults: Partial<FileSystem> = {}, clock = new ManualClock()): Watched {
  const environment = environmentWith(faults, clock);
  const { fs, lockBackend } = environment;
  const calls: string[] = [];
  const names = new Map<number, string>();
  const note = (call: string, fd: number) => calls.push(`${call} ${names.get(fd)}`);
  const watched: Partial<FileSystem> = {
    open(path, flags, mode) {
      const fd = fs.open(path, flags, mode);
      names.set(fd, relative(directory, path) || ".");
      return fd;
    },
    write(fd, bytes, offset, length) {
      note("write", fd);
      return fs.write(fd, bytes, offset, length);
    },
    fsync(fd) {
      note("fsync", fd);
      fs.fsync(fd);
    },
    fdatasync(fd) {
      note("fdatasync", fd);
      fs.fdatasync(fd);
    },
    renameNew(from, to) {
      calls.push(`rename ${relative(directory, to)}`);
      fs.renameNew(from, to);
    },
  };
  const unlock = (fd: number) => {
    calls.push("unlock");
    lockBackend.unlock(fd);
  };
  return { calls, environment: { ...environment, fs: { ...fs, ...watched }, lockBackend: { ...lockBackend, unlock } } };
}

function setUp(t: TestContext, options: RotatingFileHandlerOptions, faults?: Partial<FileSystem>) {
  const directory = temporaryDirectory(t);
  const { calls, environment } = watch(directory, faults);
  const handler = new ConcurrentRotatingFileHandler(join(directory, "app.log"), options, environment);
  const errors: LogFileError[] = [];
  handler.on("error", (error) => errors.push(error));
  t.after(() => handler.close());
  return { directory, handler, calls, errors, text: () => readFileSync(join(directory, "app.log"), "utf8") };
}

/** The calls since the last time. */
const taken = (calls: string[]) => calls.splice(0);

test("without `sync`, nothing waits for the disk", (t) => {
  const { handler, calls } = setUp(t, { maxBytes: 10, backupCount: 2 });
  for (const record of ["aaaaaa", "bbbbbb", "cccccc"]) handler.write(record);
  handler.rotate();
  assert.deepEqual(
    calls.filter((call) => /sync/.test(call)),
    [],
  );
});

for (const [sync, call] of [
  ["data", "fdatasync"],
  ["full", "fsync"],
] as const) {
  describe(`sync "${sync}"`, () => {
    test(`calls ${call} once a write, after the record and under the lock; at first, brings the name to the disk`, (t) => {
      const { handler, calls } = setUp(t, { sync });
      handler.write("one");
      assert.deepEqual(taken(calls), ["fsync .", "write app.log", `${call} app.log`, "unlock"]);
      assert.equal(handler.write("two"), true);
      assert.deepEqual(taken(calls), ["write app.log", `${call} app.log`, "unlock"]);
    });

    test("brings the names to the disk in a rotation by size, before the next record", (t) => {
      const { handler, calls } = setUp(t, { sync, maxBytes: 10, backupCount: 2 });
      handler.write("aaaaaa");
      taken(calls);
      handler.write("bbbbbb");
      assert.deepEqual(taken(calls), ["rename app.log.1", "fsync .", "write app.log", `${call} app.log`, "unlock"]);
    });
  });
}

test("a batch is one write and one sync, in each file that it fills", async (t) => {
  let isFull = true;
  const real = systemEnvironment().fs;
  const { handler, calls } = setUp(
    t,
    { sync: "data", maxBytes: 10, backupCount: 2 },
    {
      write(fd, bytes, offset, length) {
        if (isFull) throw systemError("ENOSPC", "write");
        return real.write(fd, bytes, offset, length);
      },
    },
  );
  for (const record of ["a", "b", "c", "d", "e", "f"]) assert.equal(handler.write(record), false);
  taken(calls);
  isFull = false;
  assert.ok(handler.flushSync());
  assert.deepEqual(taken(calls), [
    ...["write app.log", "fdatasync app.log"],
    ...["rename app.log.1", "fsync .", "write app.log", "fdatasync app.log", "unlock"],
  ]);
});

test("a rotation by hand, without a record, brings the names to the disk", (t) => {
  const { handler, calls } = setUp(t, { sync: "data", backupCount: 2 });
  handler.write("one");
  taken(calls);
  handler.rotate();
  assert.deepEqual(taken(calls), ["rename app.log.1", "fsync .", "unlock"]);
});

test("so does a rotation by time", (t) => {
  const directory = temporaryDirectory(t);
  const clock = new ManualClock();
  clock.time = Date.UTC(2024, 4, 17, 10);
  const { calls, environment } = watch(directory, {}, clock);
  const options = { sync: "full", when: "s", utc: true } as const;
  const handler = new ConcurrentTimedRotatingFileHandler(join(directory, "app.log"), options, environment);
  t.after(() => handler.close());
  handler.write("one");
  taken(calls);
  clock.time += 1000;
  handler.write("two");
  const [rename, ...others] = taken(calls);
  assert.match(rename!, /^rename app\.log\.2024-05-17_10-00-0\d$/);
  assert.deepEqual(others, ["fsync .", "write app.log", "fsync app.log", "unlock"]);
});

test("a file that another has made is brought to the disk too, with its name", (t) => {
  const { directory, handler, calls } = setUp(t, { sync: "data", backupCount: 2 });
  handler.write("one");
  const other = new ConcurrentRotatingFileHandler(join(directory, "app.log"), { backupCount: 2 });
  other.rotate();
  other.close();
  taken(calls);
  handler.write("two");
  assert.deepEqual(taken(calls), ["fsync .", "write app.log", "fdatasync app.log", "unlock"]);
});

test("backups in another directory are brought to the disk there", (t) => {
  const { directory, handler, calls } = setUp(t, { sync: "data", backupCount: 2 });
  handler.namer = (name) => join(directory, "old", relative(directory, name));
  handler.write("one");
  taken(calls);
  handler.rotate();
  assert.deepEqual(
    taken(calls).filter((call) => call.startsWith("fsync")),
    ["fsync old", "fsync ."],
  );
});

test("when it fails, that is told once, and the record is in the file once", (t) => {
  const { handler, errors, text } = setUp(
    t,
    { sync: "data" },
    {
      fdatasync() {
        throw systemError("EIO", "fdatasync");
      },
    },
  );
  assert.equal(handler.write("one"), true);
  assert.equal(handler.write("two"), true);
  handler.flushSync();
  assert.equal(text(), "one\ntwo\n");
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["ERR_CLH_WRITE"],
  );
  assert.match(errors[0]!.message, /^Cannot bring .*app\.log to the disk: EIO.*in the file, but maybe not on the disk/);
});

test("a directory that cannot be synced is no failure where the system has no such thing", (t) => {
  const real = systemEnvironment().fs;
  for (const code of ["EINVAL", "EPERM", "EISDIR", "EACCES", "EBADF"]) {
    const { handler, errors } = setUp(
      t,
      { sync: "data" },
      {
        open(path, flags, mode) {
          if (!path.endsWith(".log") && !path.endsWith(".lock")) throw systemError(code, "open");
          return real.open(path, flags, mode);
        },
      },
    );
    assert.equal(handler.write("one"), true);
    assert.deepEqual(errors, [], code);
  }
});

test("and is told where it has, with the records written all the same", (t) => {
  const { directory, handler, errors } = setUp(
    t,
    { sync: "data", backupCount: 1 },
    {
      fsync() {
        throw systemError("EIO", "fsync");
      },
    },
  );
  handler.write("one");
  handler.rotate();
  handler.write("two");
  assert.deepEqual(textOf(directory), { "app.log": "two\n", "app.log.1": "one\n" });
  assert.match(errors[0]!.message, /^Cannot bring the name of .*app\.log to the disk: EIO/);
});
