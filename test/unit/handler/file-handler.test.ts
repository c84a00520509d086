import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  ConcurrentRotatingFileHandler,
  type HandlerEvents,
  type LogFileError,
  type Namer,
  type RotatingFileHandlerOptions,
  type Rotator,
} from "../../../src/index.js";
import { sweepLockPath } from "../../../src/log-files/hidden-names.js";
import type { Environment } from "../../../src/platform/environment.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { environmentWith, ManualClock, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

type Told = { [Name in keyof HandlerEvents]: [Name, ...HandlerEvents[Name]] }[keyof HandlerEvents];

function setUp(
  t: TestContext,
  options: RotatingFileHandlerOptions = {},
  environment: Environment = systemEnvironment(),
) {
  const directory = temporaryDirectory(t);
  const path = join(directory, "app.log");
  const handler = new ConcurrentRotatingFileHandler(path, options, environment);
  const told: Told[] = [];
  for (const name of ["rotated", "compressed", "removed", "recovered", "drop", "warning", "error"] as const) {
    handler.on(name, ((payload: never) => told.push([name, payload])) as never);
  }
  t.after(() => handler.close());
  return { directory, path, handler, told, text: () => readFileSync(path, "utf8") };
}

/** What the descriptors of this process lead to (Linux). */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // ENOENT: the descriptor of the listing itself
    }
  });
}

describe("write", () => {
  test("touches nothing before the first record", (t) => {
    const { directory } = setUp(t);
    assert.deepEqual(readdirSync(directory), []);
  });

  test("appends, and says so", (t) => {
    const { handler, text } = setUp(t);
    assert.equal(handler.write("one"), true);
    assert.equal(handler.write("two\n"), true);
    assert.equal(handler.write(""), true);
    assert.equal(handler.write(Buffer.from("bytes \xff", "latin1")), true);
    assert.equal(text(), "one\ntwo\n\nbytes \ufffd\n");
  });

  test("embedded newlines, NUL and half a surrogate pair", (t) => {
    const { handler, text } = setUp(t);
    handler.write("a\nb");
    handler.write("nul\0");
    handler.write("x\ud800y");
    assert.equal(text(), "a\nb\nnul\0\nxy\n");
  });

  test("a record of 50 MB, alone in its file", (t) => {
    const { handler, path } = setUp(t, { maxBytes: 1024, backupCount: 3 });
    handler.write("before");
    assert.equal(handler.write("x".repeat(50_000_000)), true);
    handler.write("after");
    assert.equal(statSync(`${path}.1`).size, 50_000_001);
    assert.deepEqual([readFileSync(`${path}.2`, "utf8"), readFileSync(path, "utf8")], ["before\n", "after\n"]);
  });

  test("after close opens the file again", (t) => {
    const { handler, text } = setUp(t);
    handler.write("one");
    handler.close();
    assert.equal(handler.write("two"), true);
    assert.equal(text(), "one\ntwo\n");
  });

  test("of two handlers on one file go in turn", (t) => {
    const { handler, path, text } = setUp(t);
    const other = new ConcurrentRotatingFileHandler(path);
    for (let i = 0; i < 3; i++) {
      handler.write(`mine ${i}`);
      other.write(`theirs ${i}`);
    }
    other.close();
    assert.equal(text(), "mine 0\ntheirs 0\nmine 1\ntheirs 1\nmine 2\ntheirs 2\n");
  });

  test("makes a directory that was deleted", (t) => {
    const { handler, directory, text } = setUp(t);
    handler.write("one");
    rmSync(directory, { recursive: true });
    assert.equal(handler.write("two"), true);
    assert.equal(text(), "two\n");
  });

  test("what is not text is written as String makes it", (t) => {
    const { handler, text } = setUp(t);
    handler.write(5 as unknown as string);
    handler.write(undefined as unknown as string);
    assert.equal(text(), "5\nundefined\n");
  });

  test("keeps no file open when asked not to, but the one that says which settings live", {
    skip: !existsSync("/proc/self/fd") && "needs /proc",
  }, (t) => {
    const { handler, directory } = setUp(t, { keepFileOpen: false });
    handler.write("one");
    assert.deepEqual(
      openFiles().filter((path) => path.startsWith(directory)),
      [join(directory, ".__app.log.settings")],
    );
    handler.close();
    assert.deepEqual(
      openFiles().filter((path) => path.startsWith(directory)),
      [],
    );
  });
});

describe("a record that is refused", () => {
  test("is an error event, not an exception, and not in the file", (t) => {
    const { handler, told, text } = setUp(t, { encoding: "ascii", unicodeErrorPolicy: "strict" });
    assert.equal(handler.write("naïve"), false);
    assert.equal(handler.write("plain"), true);
    assert.equal(text(), "plain\n");
    assert.deepEqual(
      told.map(([name, error]) => [name, (error as Error & { code: string }).code]),
      [["error", "ERR_CLH_ENCODE"]],
    );
  });
});

describe("rotation", () => {
  test("tells what it did", (t) => {
    const { handler, path, told } = setUp(t, { maxBytes: 10, backupCount: 1 });
    for (const record of ["aaaaaa", "bbbbbb", "cccccc"]) handler.write(record);
    assert.deepEqual(told, [
      ["rotated", { from: path, to: `${path}.1`, reason: "size" }],
      ["rotated", { from: path, to: `${path}.1`, reason: "size" }],
      ["removed", { path: `${path}.1` }],
    ]);
    assert.equal(handler.stats().rotations, 2);
  });

  test("by hand, whatever the size, but not of nothing", (t) => {
    const { handler, directory, path, told } = setUp(t, { backupCount: 2 });
    assert.equal(handler.rotate(), false);
    handler.write("one");
    assert.equal(handler.rotate(), true);
    assert.equal(handler.rotate(), false);
    handler.write("two");
    assert.deepEqual(textOf(directory), { "app.log": "two\n", "app.log.1": "one\n" });
    assert.deepEqual(told, [["rotated", { from: path, to: `${path}.1`, reason: "manual" }]]);
  });

  test("that keeps no backup begins a new file and does not truncate the old one", (t) => {
    const { handler, path, told, text } = setUp(t, { maxBytes: 10 });
    handler.write("aaaaaa");
    const reader = openSync(path, "r");
    t.after(() => closeSync(reader));
    handler.write("bbbbbb");
    assert.equal(text(), "bbbbbb\n");
    assert.equal(readFileSync(reader, "utf8"), "aaaaaa\n");
    assert.deepEqual(told, [["rotated", { from: path, to: undefined, reason: "size" }]]);
  });

  test("that fails keeps every record, is told of once, and is tried again", (t) => {
    let works = false;
    const clock = new ManualClock();
    const real = systemEnvironment().fs;
    const environment = environmentWith(
      {
        renameNew(from, to) {
          if (!works) throw systemError("EACCES", "rename");
          real.renameNew(from, to);
        },
      },
      clock,
    );
    const { handler, directory, told } = setUp(t, { maxBytes: 10, backupCount: 1 }, environment);
    for (let i = 0; i < 5; i++) assert.equal(handler.write(`record ${i}`), true);
    assert.equal(textOf(directory)["app.log"], "record 0\nrecord 1\nrecord 2\nrecord 3\nrecord 4\n");
    assert.deepEqual(
      told.map(([name, error]) => [name, (error as Error & { code: string }).code]),
      [["error", "ERR_CLH_ROTATE"]],
    );
    works = true;
    clock.time += 1000;
    handler.write("record 5");
    assert.equal(textOf(directory)["app.log"], "record 5\n");
  });

  test("is done under the lock that others would take, though the lock file was replaced a moment ago", (t) => {
    const clock = new ManualClock(); // the moment does not end
    const options = { maxBytes: 10, backupCount: 1, lockTimeout: 0 };
    const { handler, directory, text } = setUp(t, options, environmentWith({}, clock));
    handler.write("one");
    rmSync(join(directory, ".__app.lock"));
    const other = makeLock(join(directory, ".__app.lock"));
    assert.ok(other.acquire(0));
    assert.equal(handler.write("two two"), false);
    assert.equal(text(), "one\n");
    other.close();
    assert.ok(handler.flushSync());
    assert.deepEqual(textOf(directory), { "app.log": "two two\n", "app.log.1": "one\n" });
  });

  test("a rotator moves the file in its way", (t) => {
    const { handler, directory } = setUp(t, { backupCount: 1 });
    handler.rotator = (source, destination) => {
      writeFileSync(destination, readFileSync(source, "utf8").toUpperCase());
      rmSync(source);
    };
    handler.write("one");
    handler.rotate();
    assert.equal(textOf(directory)["app.log.1"], "ONE\n");
  });

  test("a rotator that leaves the file costs no record, is told of, and moves no backup", (t) => {
    const { handler, directory, told, text } = setUp(t, { maxBytes: 10, backupCount: 3 });
    handler.rotator = () => {};
    writeFileSync(join(directory, "app.log.1"), "old");
    for (const record of ["aaaaaa", "bbbbbb", "cccccc"]) handler.write(record);
    assert.equal(text(), "aaaaaa\nbbbbbb\ncccccc\n");
    assert.deepEqual(
      told.map(([name]) => name),
      ["error"],
    );
    const { code, message } = told[0]![1] as LogFileError;
    assert.equal(code, "ERR_CLH_ROTATE");
    assert.match(message, /the rotator has left the file where it was: it must move it to .*app\.log\.1\./);
    assert.equal(handler.stats().rotations, 0);
    assert.deepEqual(Object.values(textOf(directory)).sort(), ["aaaaaa\nbbbbbb\ncccccc\n", "old"]);
  });

  test("a rotator that promises to move the file is called but once", (t) => {
    const clock = new ManualClock();
    const { handler, told, text } = setUp(t, { maxBytes: 10, backupCount: 1 }, environmentWith({}, clock));
    let calls = 0;
    handler.rotator = (() => Promise.resolve(calls++)) as unknown as Rotator;
    for (const record of ["aaaaaa", "bbbbbb", "cccccc"]) {
      clock.time += 60_000;
      handler.write(record);
    }
    assert.equal(calls, 1);
    assert.equal(text(), "aaaaaa\nbbbbbb\ncccccc\n");
    assert.match((told[0]![1] as LogFileError).message, /the rotator returned a promise/);
    assert.match((told[1]![1] as LogFileError).message, /asynchronous, and is not called again/);
  });

  test("an async rotator is refused, by TypeScript too", (t) => {
    const { handler } = setUp(t);
    const later = async () => {};
    assert.throws(
      () => {
        // @ts-expect-error: it returns a promise
        handler.rotator = later;
      },
      { code: "ERR_CLH_OPTION", option: "rotator" },
    );
    handler.rotator = (source, destination) => renameSync(source, destination);
  });

  test("a name in the directory of the process is one beside the log", (t) => {
    const { handler, directory } = setUp(t, { maxBytes: 4, backupCount: 2 });
    handler.namer = (name) => `old-${name.at(-1)}.log`;
    for (const record of ["aaa", "bbb", "ccc"]) handler.write(record);
    assert.deepEqual(textOf(directory), { "app.log": "ccc\n", "old-1.log": "bbb\n", "old-2.log": "aaa\n" });
  });

  test("of a symbolic link moves the link, and leaves the file that it leads to", (t) => {
    const { handler, directory, path } = setUp(t, { maxBytes: 4, backupCount: 2 });
    mkdirSync(join(directory, "real"));
    symlinkSync(join("real", "app.log"), path);
    for (const record of ["aaa", "bbb", "ccc"]) handler.write(record);
    assert.deepEqual(textOf(join(directory, "real")), { "app.log": "aaa\n" });
    assert.equal(readlinkSync(join(directory, "app.log.2")), join("real", "app.log"));
    assert.equal(readFileSync(path, "utf8"), "ccc\n");
  });

  test("a namer that returns nothing costs no file", async (t) => {
    for (const useGzip of [false, true]) {
      const { handler, directory, told } = setUp(t, { maxBytes: 4, backupCount: 2, useGzip });
      handler.namer = (() => {}) as unknown as Namer;
      for (const record of ["aaa", "bbb", "ccc"]) handler.write(record);
      await handler.swept();
      assert.deepEqual(textOf(directory), { "app.log": "aaa\nbbb\nccc\n" });
      const { code, message } = told[0]![1] as LogFileError;
      assert.equal(code, "ERR_CLH_ROTATE");
      assert.match(message, /the namer must return the path to use for .*app\.log\.1, not undefined/);
    }
  });

  test("a namer that logs to the same file does not wait for itself", (t) => {
    const { handler, text } = setUp(t, { maxBytes: 100, backupCount: 1 });
    handler.namer = (name) => {
      handler.write("from the namer");
      return name;
    };
    handler.write("a".repeat(90));
    assert.equal(handler.write("b".repeat(20)), true);
    assert.equal(handler.stats().pending, 0);
    assert.match(text(), /^b+\n(from the namer\n)+$/);
  });

  test("a namer that throws costs no record", (t) => {
    const { handler, told, text } = setUp(t, { maxBytes: 10, backupCount: 1 });
    handler.namer = () => {
      throw new Error("no name today");
    };
    handler.write("aaaaaa");
    handler.write("bbbbbb");
    assert.equal(text(), "aaaaaa\nbbbbbb\n");
    assert.match((told[0]![1] as Error).message, /no name today/);
  });
});

describe("mode w", () => {
  test("empties the file once, when it is first opened", (t) => {
    const { handler, path, text } = setUp(t, { mode: "w" });
    writeFileSync(path, "old\n");
    const reader = openSync(path, "r");
    t.after(() => closeSync(reader));
    handler.write("one");
    handler.close();
    handler.write("two");
    assert.equal(text(), "one\ntwo\n");
    assert.equal(readFileSync(reader, "utf8"), "old\n");
  });

  for (const code of ["EBUSY", "EACCES", "EPERM", "EROFS"]) {
    test(`truncates a file that cannot be deleted (${code}), as upstream does, tells it, and writes`, (t) => {
      const unlink = () => {
        throw systemError(code, "unlink");
      };
      const { handler, path, told, text } = setUp(t, { mode: "w" }, environmentWith({ unlink }));
      writeFileSync(path, "old\n");
      assert.equal(handler.write("one"), true);
      handler.close();
      assert.equal(handler.write("two"), true);
      assert.equal(text(), "one\ntwo\n");
      assert.deepEqual(
        told.map(([name, error]) => [name, (error as Error & { code: string }).code]),
        [["warning", "ERR_CLH_PERMISSION"]],
      );
      assert.match((told[0]![1] as Error).message, new RegExp(`^Cannot delete .*${code}.*It was truncated instead`));
    });
  }

  test("writes after what can neither be deleted nor truncated, and tells it", (t) => {
    const fail = () => {
      throw systemError("EPERM"); // chattr +a
    };
    const { handler, path, told, text } = setUp(t, { mode: "w" }, environmentWith({ unlink: fail, truncate: fail }));
    writeFileSync(path, "old\n");
    assert.equal(handler.write("one"), true);
    assert.equal(text(), "old\none\n");
    assert.match((told[0]![1] as Error).message, /Nor can it be truncated: EPERM.*New records follow the old ones\.$/);
  });

  const canMount = spawnSync("unshare", ["--mount", "true"]).status === 0;

  test("a file that is mounted there", { skip: !canMount && "needs unshare, and root" }, (t) => {
    const { directory, path } = setUp(t);
    const outside = join(directory, "outside");
    writeFileSync(outside, "old\n");
    writeFileSync(path, "");
    const fixture = fileURLToPath(new URL("../../fixtures/settings-holder.js", import.meta.url));
    const inside = 'mount --bind "$0" "$1" && exec "$2" "$3" "$4" "$5"';
    const words = [outside, path, process.execPath, fixture, JSON.stringify(path), JSON.stringify({ mode: "w" })];
    const { stderr } = spawnSync("unshare", ["--mount", "sh", "-c", inside, ...words], { encoding: "utf8", input: "" });
    assert.match(stderr, /EBUSY.*truncated instead/);
    assert.equal(readFileSync(outside, "utf8"), "begun\n");
  });
});

describe("when the disk fails", () => {
  test("records are kept and written later, in order, and the application sees no exception", async (t) => {
    let isFull = true;
    const real = systemEnvironment().fs;
    const environment = environmentWith({
      write(fd, bytes, at, length) {
        if (isFull) throw systemError("ENOSPC", "write");
        return real.write(fd, bytes, at, length);
      },
    });
    const { handler, told, text } = setUp(t, {}, environment);
    for (let i = 0; i < 100; i++) assert.equal(handler.write(`record ${i}`), false);
    assert.deepEqual(
      told.map(([name, error]) => [name, (error as Error & { code: string }).code]),
      [["error", "ERR_CLH_WRITE"]],
    );
    assert.equal(handler.stats().pending, 100);
    isFull = false;
    await handler.flush();
    assert.equal(text(), Array.from({ length: 100 }, (_, i) => `record ${i}\n`).join(""));
    assert.equal(handler.stats().pending, 0);
  });

  test("it is tried again by itself", async (t) => {
    const { handler, directory, text } = setUp(t);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "in the way");
    assert.equal(handler.write("one"), false);
    rmSync(directory);
    mkdirSync(directory);
    while (handler.stats().pending > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(text(), "one\n");
  });

  test("descriptors are not leaked", { skip: !existsSync("/proc/self/fd") && "needs /proc" }, (t) => {
    const environment = environmentWith({
      write() {
        throw systemError("EIO", "write");
      },
    });
    const { handler } = setUp(t, { keepFileOpen: false }, environment);
    handler.write("one");
    const before = openFiles().length;
    for (let i = 0; i < 50; i++) handler.flushSync();
    assert.equal(openFiles().length, before);
  });

  test("with nobody listening, standard error says it once, and at the end what was lost", (t) => {
    const directory = temporaryDirectory(t);
    const program = `
      import { ConcurrentRotatingFileHandler } from ${JSON.stringify(new URL("../../../src/index.js", import.meta.url).href)};
      const handler = new ConcurrentRotatingFileHandler(${JSON.stringify(join(directory, "file", "app.log"))});
      for (let i = 0; i < 3; i++) handler.write("one");
    `;
    writeFileSync(join(directory, "file"), "in the way");
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    assert.equal(status, 0);
    const lines = stderr.trim().split("\n");
    assert.equal(lines.length, 2, stderr);
    assert.match(lines[0]!, /^concurrent-log-handler: Cannot .*app.* \[ERR_CLH_/);
    assert.match(
      lines[1]!,
      /^concurrent-log-handler: The process ends, and 3 records .*app\.log are lost: .* \[ERR_CLH_FLUSH\]/,
    );
  });
});

describe("open", () => {
  test("makes the files and throws when it cannot", (t) => {
    const { handler, directory } = setUp(t);
    handler.open();
    assert.deepEqual(readdirSync(directory).sort(), [".__app.lock", ".__app.log.settings", "app.log"]);
    const blocked = new ConcurrentRotatingFileHandler(join(directory, "app.log", "x.log"));
    assert.throws(() => blocked.open(), { code: "ERR_CLH_LOCK" });
  });
});

describe("JSON", () => {
  test("makes the same handler in another process", (t) => {
    const { handler } = setUp(t, {
      maxBytes: "1MiB",
      backupCount: 3,
      compression: { format: "brotli", level: 4 },
      chmod: 0o640,
      owner: [process.getuid!(), process.getgid!()],
      newline: "\r\n",
      sync: "data",
    });
    const copy = ConcurrentRotatingFileHandler.fromJSON(JSON.stringify(handler));
    assert.deepEqual(copy.toJSON(), handler.toJSON());
    assert.equal(copy.filename, handler.filename);
  });

  test("names functions, which must be given again", (t) => {
    const namer = (name: string) => name;
    const { handler } = setUp(t, { backupCount: 1 });
    handler.namer = namer; // as good as the option
    const json = JSON.stringify(handler);
    assert.throws(() => ConcurrentRotatingFileHandler.fromJSON(json), { code: "ERR_CLH_OPTION", option: "namer" });
    assert.equal(ConcurrentRotatingFileHandler.fromJSON(json, { namer }).namer, namer);
  });

  test("of a subclass is that of the handler which it is", (t) => {
    class Mine extends ConcurrentRotatingFileHandler {}
    const mine = new Mine(join(temporaryDirectory(t), "app.log"), { maxBytes: 5 });
    assert.equal(Mine.fromJSON(JSON.stringify(mine)).toJSON().maxBytes, 5);
    assert.equal(mine.toJSON().type, "ConcurrentRotatingFileHandler");
  });

  test("has whole milliseconds", (t) => {
    for (const maxAge of [1, 1001, 2049, 86_400_001, 123_456_789_012]) {
      const { handler } = setUp(t, { maxAge });
      const copy = ConcurrentRotatingFileHandler.fromJSON(JSON.stringify(handler));
      assert.equal(copy.toJSON().maxAge, maxAge);
    }
  });

  test("that is none, or of no handler, is refused", () => {
    for (const json of ["{", "null", "5", '"app.log"'])
      assert.throws(() => ConcurrentRotatingFileHandler.fromJSON(json), { code: "ERR_CLH_OPTION", option: "json" });
  });

  test("of something else is refused", () => {
    const json = { type: "SomethingElse", filename: "app.log" };
    assert.throws(() => ConcurrentRotatingFileHandler.fromJSON(json), { code: "ERR_CLH_OPTION", option: "type" });
  });
});

test("stats count", (t) => {
  const { handler } = setUp(t, { maxBytes: 10, backupCount: 1 });
  for (const record of ["aaaaaa", "bbbbbb"]) handler.write(record);
  assert.deepEqual(handler.stats(), {
    records: 2,
    bytes: 14,
    rotations: 1,
    lockWaits: 0,
    lockTimeouts: 0,
    oversized: 0,
    failures: 0,
    pending: 0,
    dropped: 0,
  });
});

test("using closes the handler", (t) => {
  const { handler, path } = setUp(t);
  handler.write("one");
  handler[Symbol.dispose]();
  assert.ok(existsSync(path));
});

test("debug traces on standard error", (t) => {
  const directory = temporaryDirectory(t);
  const program = `
    import { ConcurrentRotatingFileHandler } from ${JSON.stringify(new URL("../../../src/index.js", import.meta.url).href)};
    const handler = new ConcurrentRotatingFileHandler(${JSON.stringify(join(directory, "app.log"))}, { debug: true, backupCount: 1 });
    handler.write("one");
    handler.rotate();
  `;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.match(stderr, /^CLH \d+: opened .*app\.log$/m);
  assert.match(stderr, /^CLH \d+: .*app\.log has 4 bytes and is to be rotated \(manual\)$/m);
  assert.match(stderr, /^CLH \d+: rotated \{ from: .* reason: 'manual' \}$/m);
});

describe("retention of numbered backups", () => {
  test("by age goes by the time of their last change", (t) => {
    const { directory, handler, told } = setUp(t, { maxBytes: 4, maxAge: "1h" });
    for (const [n, age] of [
      [1, 600],
      [2, 3500],
      [3, 3700],
      [4, 9000],
    ] as const) {
      const path = join(directory, `app.log.${n}`);
      writeFileSync(path, `${n}`);
      utimesSync(path, Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    handler.write("aaa");
    handler.write("bbb");
    assert.deepEqual(textOf(directory), {
      "app.log": "bbb\n",
      "app.log.1": "aaa\n",
      "app.log.2": "1",
      "app.log.3": "2",
    });
    assert.deepEqual(
      told.filter(([name]) => name === "removed").map(([, payload]) => payload),
      [{ path: join(directory, "app.log.4") }, { path: join(directory, "app.log.3") }],
    );
  });

  test("by bytes, and by number too", (t) => {
    const { directory, handler } = setUp(t, { maxBytes: 5, maxTotalBytes: 10, backupCount: 2 });
    for (const record of ["one", "two", "six", "ten"]) handler.write(record);
    assert.deepEqual(textOf(directory), { "app.log": "ten\n", "app.log.1": "six\n", "app.log.2": "two\n" });
    const strict = setUp(t, { maxBytes: 5, maxTotalBytes: 7 });
    for (const record of ["one", "two", "six"]) strict.handler.write(record);
    assert.deepEqual(textOf(strict.directory), { "app.log": "six\n", "app.log.1": "two\n" });
  });

  test("after fewer are kept, deletes the oldest", (t) => {
    const kept = (options: RotatingFileHandlerOptions) => {
      const { directory, handler, told } = setUp(t, options);
      for (const n of [1, 2, 3, 4, 5]) writeFileSync(join(directory, `app.log.${n}`), `${n}`);
      handler.open();
      const removed = told.filter(([name]) => name === "removed");
      const names = readdirSync(directory).filter((name) => /^app\.log\.\d/.test(name));
      assert.equal(names.length + removed.length, 5);
      return names.join(" ");
    };
    assert.equal(kept({ backupCount: 2 }), "app.log.1 app.log.2");
    assert.equal(kept({ backupCount: 2, maxAge: "1d" }), "app.log.1 app.log.2");
    assert.equal(kept({ backupCount: 3, maxTotalBytes: 2 }), "app.log.1 app.log.2");
    assert.equal(kept({ backupCount: 0 }), "app.log.1 app.log.2 app.log.3 app.log.4 app.log.5");
  });

  test("of all formats together, when compression was switched", async (t) => {
    const { directory, handler } = setUp(t, { maxBytes: 4, backupCount: 3 });
    for (const record of ["aaa", "bbb", "ccc", "ddd"]) handler.write(record);
    handler.close();
    const backups = () => readdirSync(directory).filter((name) => name.startsWith("app.log."));
    for (const [compression, left] of [
      ["gzip", ["app.log.1", "app.log.1.gz", "app.log.2"]],
      ["brotli", ["app.log.1", "app.log.1.br", "app.log.1.gz"]],
      [false, ["app.log.1", "app.log.1.br", "app.log.1.gz"]],
    ] as const) {
      const next = new ConcurrentRotatingFileHandler(handler.filename, { maxBytes: 4, backupCount: 3, compression });
      next.write("eee");
      await next.swept();
      next.close();
      assert.deepEqual(backups(), left);
    }
  });

  test("of numbers behind a gap", (t) => {
    const { directory, handler } = setUp(t, { maxBytes: 4, backupCount: 2 });
    writeFileSync(join(directory, "app.log.10"), "ten\n");
    for (const record of ["aaa", "bbb", "ccc", "ddd"]) handler.write(record);
    assert.deepEqual(textOf(directory), { "app.log": "ddd\n", "app.log.1": "ccc\n", "app.log.2": "bbb\n" });
  });

  test("counts files that wait, when compression fails", async (t) => {
    const { directory, handler, path } = setUp(t, { maxBytes: 10, maxTotalBytes: 20, useGzip: true });
    mkdirSync(sweepLockPath(path)); // in the way
    for (let i = 0; i < 6; i++) {
      handler.write("x".repeat(8));
      await handler.swept();
    }
    assert.equal(readdirSync(directory).filter((name) => name.startsWith("app.log-")).length, 2);
    handler.close();
  });

  test("of compressed ones too, as soon as they are", async (t) => {
    const { directory, handler } = setUp(t, { maxBytes: 50, maxTotalBytes: 60, useGzip: true });
    for (const record of ["a", "b", "c", "d"]) {
      handler.write(record.repeat(40));
      await handler.swept();
    }
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith(".gz")),
      ["app.log.1.gz", "app.log.2.gz"],
    );
  });
});
