import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { reason } from "../../../src/base/system-errors.js";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler, LogFileError } from "../../../src/index.js";
import { resolveRotatingOptions, resolveTimedOptions } from "../../../src/options/resolve-options.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { systemError } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";

const resolve = (filename: unknown, options?: unknown) =>
  resolveRotatingOptions(filename, options, systemEnvironment().fs);

function refusal(options: unknown, filename: unknown = "app.log"): LogFileError {
  try {
    resolve(filename, options);
  } catch (error) {
    assert.ok(error instanceof LogFileError);
    assert.equal(error.code, "ERR_CLH_OPTION");
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

test("defaults are those of the documentation", () => {
  const { filename, ...defaults } = resolve("app.log");
  assert.equal(filename, join(process.cwd(), "app.log"));
  const { owner, chmod, umask, lockFileDirectory, compression, namer, rotator, ...others } = defaults;
  for (const value of [owner, chmod, umask, lockFileDirectory, compression, namer, rotator])
    assert.equal(value, undefined);
  assert.equal(others.maxBytes, 0);
  assert.equal(others.strictMaxBytes, true);
  assert.equal(others.backupCount, 0);
  assert.equal(others.mode, "a");
  assert.equal(others.encoding, "utf-8");
  assert.equal(others.unicodeErrorPolicy, "ignore");
  assert.equal(others.newline, null);
  assert.equal(others.terminator, "\n");
  assert.equal(others.keepFileOpen, undefined);
  assert.equal(others.lockTimeout, 10_000);
  assert.equal(others.retryBufferBytes, 1024 ** 2);
  assert.equal(others.maxSpillBytes, 1024 ** 3);
  assert.equal(others.sync, "none");
  assert.equal(others.debug, false);
});

test("upstream's None is null", () => {
  const nothing = {
    encoding: null,
    owner: null,
    chmod: null,
    umask: null,
    newline: null,
    lockFileDirectory: null,
    delay: null,
  };
  assert.equal(resolve("app.log", nothing).encoding, "utf-8");
});

test("units and shorthands are resolved", () => {
  const options = resolve("app.log", {
    maxBytes: "10MiB",
    lockTimeout: "2s",
    chmod: "640",
    umask: "0o027",
    useGzip: true,
  });
  assert.equal(options.maxBytes, 10 * 1024 ** 2);
  assert.equal(options.lockTimeout, 2000);
  assert.equal(options.chmod, 0o640);
  assert.equal(options.umask, 0o027);
  assert.deepEqual(options.compression, { format: "gzip" });
  assert.deepEqual(resolve("a", { compression: { format: "brotli", level: 3 } }).compression, {
    format: "brotli",
    level: 3,
  });
  assert.equal(resolve("a", { compression: false }).compression, undefined);
});

test("a filename may be in the options, or a URL", () => {
  assert.equal(resolve({ filename: "/var/log/app.log", maxBytes: 5 }).maxBytes, 5);
  assert.equal(resolve(pathToFileURL("/var/log/a b.log")).filename, "/var/log/a b.log");
});

test("owner by name and by number", () => {
  assert.deepEqual(resolve("a", { owner: "root:root" }).owner, { uid: 0, gid: 0 });
  assert.deepEqual(resolve("a", { owner: ["root", 7] }).owner, { uid: 0, gid: 7 });
});

describe("refused at construction, with option and value", () => {
  const wrong: Record<string, unknown[]> = {
    mode: ["r", "a+", 1],
    maxBytes: [-1, 1.5, "10 apples", "", null, Number.NaN, true, {}, 2 ** 60],
    strictMaxBytes: [1, "true"],
    backupCount: [-1, 1.5, "5", null, Infinity],
    encoding: ["klingon", "base64", "", 8],
    unicodeErrorPolicy: ["xmlcharrefreplace", null],
    newline: ["\n\r", "x", 0],
    terminator: [1, null, "x".repeat(65)],
    useGzip: ["yes", 1],
    compression: [
      "bzip2",
      true,
      { format: "gzip", level: 12 },
      { format: "gzip", level: 1.5 },
      { level: 3 },
      { format: "gzip", speed: 1 },
      "toString",
    ],
    owner: ["root", ["root"], "no-such-user:root", "root:no-such-group", [-1, 0], 5, {}],
    chmod: ["rw-r--r--", 0o10000, -1, "999", 1.5, 600, 640, 644, 660, 664, 755],
    umask: ["8", 0o1000, 77, 777],
    lockFileDirectory: ["", "/dev/null/x", "/proc/x", 5],
    keepFileOpen: ["false"],
    lockTimeout: ["soon", -1],
    retryBufferBytes: ["much"],
    maxSpillBytes: ["much"],
    namer: ["name"],
    rotator: [{}],
    sync: ["fsync", true, null],
    delivery: ["carrier pigeon"],
    debug: ["yes"],
    delay: ["yes"],
  };
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`${option}: ${JSON.stringify(value) ?? String(value)}`, () => {
        const error = refusal({ [option]: value });
        assert.equal(error.option, option);
        assert.equal(error.value, value);
        assert.match(error.message, new RegExp(`^Expected the option \`${option}\` to be .+, got `));
      });
    }
  }
  for (const filename of ["", "a\0b", 5, null, undefined, new URL("http://example.org/app.log")]) {
    test(`filename: ${JSON.stringify(filename) ?? String(filename)}`, () => {
      assert.throws(() => resolve(filename, {}), { code: "ERR_CLH_OPTION", option: "filename", value: filename });
    });
  }
  test("options that are no object", () => assert.equal(refusal("maxBytes=5").option, "options"));
  test("a directory as file", (t) => assert.equal(refusal({}, temporaryDirectory(t)).option, "filename"));
  test("two files", () => {
    assert.equal(refusal({ filename: "b.log" }, "a.log").option, "filename");
    assert.equal(resolve("a.log", { filename: "a.log" }).filename, join(process.cwd(), "a.log"));
  });
  test("a queue that is empty or too large", () => {
    for (const queueBytes of [0, "2GiB"])
      assert.match(refusal({ delivery: { mode: "background", queueBytes } }).message, /below 2 GiB/);
  });
  test("a device as file", () => assert.equal(refusal({}, "/dev/null").option, "filename"));
});

test("an unknown option is named with the nearest known one", () => {
  assert.match(refusal({ maxByte: 5 }).message, /^Unknown option `maxByte`\. Did you mean `maxBytes`\?$/);
  assert.match(refusal({ use_gzip: true }).message, /Did you mean `useGzip`\?$/);
  assert.match(refusal({ lock_file_directory: "x" }).message, /Did you mean `lockFileDirectory`\?$/);
  assert.match(
    refusal({ somethingElseEntirely: 1 }).message,
    /^Unknown option `somethingElseEntirely`\. The options are: filename, /,
  );
  assert.match(refusal(undefined, { file: "x" }).message, /^Unknown option `file`/);
  assert.match(refusal(undefined, { path: "x" }).message, /Did you mean `filename`\?$/);
  for (const name of ["toString", "__proto__"])
    assert.match(refusal(JSON.parse(`{ "${name}": 1 }`)).message, new RegExp(`^Unknown option \`${name}\``));
});

test("an unknown option is told with its value, also one of a delivery", () => {
  const value = { unknown: true };
  for (const options of [{ maxByte: value }, { delivery: { mode: "batched", queueByte: value } }, { toString: value }])
    assert.equal(refusal(options).value, value);
});

test("an unknown option that another logger has is named with ours, and nothing is guessed", () => {
  const meant: Record<string, string> = {
    maxSize: "maxBytes",
    maxsize: "maxBytes",
    size: "maxBytes",
    maxLogSize: "maxBytes",
    maxFiles: "backupCount",
    count: "backupCount",
    backups: "backupCount",
    max_backups: "backupCount",
    daysToKeep: "maxAge",
    compress: "compression",
    zippedArchive: "compression",
    eol: "terminator",
    max_bytes: "maxBytes",
    backupcount: "backupCount",
    maxByte: "maxBytes",
    lockTimeOut: "lockTimeout",
  };
  for (const [name, ours] of Object.entries(meant))
    assert.match(
      refusal({ [name]: 5 }).message,
      new RegExp(`^Unknown option \`${name}\`\\. Did you mean \`${ours}\`\\?$`),
    );
  for (const name of ["level", "format", "stream", "max", "sink"])
    assert.match(refusal({ [name]: 5 }).message, /The options are: filename, /, name);
});

test("options that exclude each other", () => {
  assert.equal(refusal({ useGzip: true, compression: "brotli" }).option, "compression");
  assert.equal(refusal({ useGzip: true, compression: false }).option, "compression");
  assert.equal(refusal({ useGzip: true, rotator: () => {} }).option, "rotator");
  const handler = new ConcurrentRotatingFileHandler("app.log", { compression: "gzip" });
  assert.throws(
    () => {
      handler.rotator = () => {};
    },
    { code: "ERR_CLH_OPTION", option: "rotator" },
  );
});

test("a lock directory that is missing is made", (t) => {
  const directory = join(temporaryDirectory(t), "a", "b");
  resolve("app.log", { lockFileDirectory: directory });
  assert.ok(existsSync(directory));
});

test("a lock directory that cannot be made", { skip: process.getuid?.() === 0 && "root may do anything" }, (t) => {
  const directory = temporaryDirectory(t);
  chmodSync(directory, 0o500);
  assert.equal(refusal({ lockFileDirectory: join(directory, "locks") }).option, "lockFileDirectory");
});

test("a lock directory that is a file", (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "locks"), "");
  assert.equal(refusal({ lockFileDirectory: join(directory, "locks") }).option, "lockFileDirectory");
  mkdirSync(join(directory, "more"));
});

describe("of the timed handler", () => {
  const timed = (options: unknown) => resolveTimedOptions("app.log", options, systemEnvironment().fs);
  const refusalOf = (options: unknown): LogFileError => {
    try {
      timed(options);
    } catch (error) {
      assert.ok(error instanceof LogFileError);
      assert.equal(error.code, "ERR_CLH_OPTION");
      return error;
    }
    throw new assert.AssertionError({ message: "nothing was refused" });
  };

  test("defaults are Python's", () => {
    const { schedule, backupCount, limits, rotateWhenIdle, maxBytes } = timed({});
    const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    assert.deepEqual(schedule, { when: "H", interval: 1, atTime: undefined, timeZone });
    assert.deepEqual([backupCount, rotateWhenIdle, maxBytes], [Infinity, false, 0]);
    assert.ok(Object.values(limits).every((limit) => limit === Infinity));
  });

  test("case, units and zones are resolved", () => {
    const { schedule, limits } = timed({
      when: "w3",
      atTime: "03:30",
      utc: true,
      maxAge: "14d",
      maxTotalBytes: "2GiB",
    });
    assert.deepEqual(schedule, { when: "W3", interval: 1, atTime: 12_600, timeZone: "UTC" });
    assert.deepEqual([limits.age, limits.totalBytes], [14 * 86_400, 2 * 1024 ** 3]);
  });

  const wrong: Record<string, unknown[]> = {
    when: ["yearly", "W7", "W", "", 1, null],
    interval: [0, -1, 1.5, "2", Number.NaN],
    atTime: ["24:00", "3:30", "12:60", "12:00:60", "noon", 1230, ""],
    timeZone: ["Europe/Atlantis", "", "CEST5", 1],
    utc: [1, "true", null],
    maxPeriods: [0, -1, 2.5, "7"],
    maxAge: [0, "0d", -1, "two weeks"],
    maxTotalBytes: [0, "none", -5],
    maxRecordBytes: [0, 1023, "1023b", "some", true],
    oversize: ["cut", "", null, true],
    minFreeBytes: [0, "some", -1, true],
    minFreePercent: [0, 100, -1, "all", "10 GiB", Number.NaN],
    rotateWhenIdle: [1, "yes"],
  };
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`${option}: ${JSON.stringify(value)} is refused`, () => {
        const error = refusalOf({ [option]: value });
        assert.equal(error.option, option);
        assert.ok(Object.is(error.value, value));
        assert.match(error.message, new RegExp(`^Expected the option \\\`${option}\\\` to be `));
      });
    }
  }

  test("what is allowed is in the message", () => {
    assert.match(refusalOf({ when: "yearly" }).message, /one of S, M, H, D, MIDNIGHT, W0, .* W6/);
    assert.match(refusalOf({ interval: 0 }).message, /a whole number, 1 or more, got 0/);
    assert.match(refusalOf({ timeZone: "Mars" }).message, /IANA time zone such as "Europe\/Berlin"/);
    assert.match(refusalOf({ atTimes: "03:30" }).message, /Did you mean `atTime`\?/);
  });

  test("utc and a zone together", () =>
    assert.equal(refusalOf({ utc: true, timeZone: "Asia/Tokyo" }).option, "timeZone"));

  test("of the size handler, its options are unknown", () => {
    for (const name of ["when", "interval", "atTime"])
      assert.equal(
        refusal({ [name]: "h" }).message,
        `Unknown option \`${name}\`. It is an option of ConcurrentTimedRotatingFileHandler, which rotates by time.`,
      );
    assert.match(refusal({ datePattern: "x" }).message, /Did you mean `when`\? That is an option of .*Timed/);
    assert.match(refusalOf({ frequency: "daily" }).message, /Did you mean `when`\?$/);
  });

  test("an interval that has no end in the calendar", () => {
    for (const when of ["midnight", "w0", "d", "s"] as const)
      assert.throws(() => new ConcurrentTimedRotatingFileHandler("app.log", { when, interval: 1e14 }), {
        code: "ERR_CLH_OPTION",
        option: "interval",
        value: 1e14,
      });
    new ConcurrentTimedRotatingFileHandler("app.log", { when: "midnight", interval: 100_000 }).close();
  });
});

test("with retention by age or bytes, numbered backups have no number limit of their own", () => {
  assert.equal(resolve("a", { maxAge: "1d" }).backupCount, Infinity);
  assert.equal(resolve("a", { maxTotalBytes: "1g", backupCount: 5 }).backupCount, 5);
  assert.equal(refusal({ maxAge: "1d", backupCount: 0 }).option, "maxAge");
  assert.equal(refusal({ maxTotalBytes: "1g", backupCount: 0 }).option, "maxTotalBytes");
  assert.equal(resolve("a", { minFreePercent: "10%" }).minFreePercent, 10);
  for (const option of ["minFreeBytes", "minFreePercent"]) {
    assert.equal(resolve("a", { [option]: 5 }).backupCount, Infinity);
    assert.equal(refusal({ [option]: 5, backupCount: 0 }).option, option);
  }
  assert.equal(refusal({ maxAge: "1d", namer: (name: string) => name }).option, "namer");
});

test("an error has no more than it says", () => {
  assert.deepEqual(Object.keys(new LogFileError("ERR_CLH_OPEN", "no", { path: "app.log" })).sort(), [
    "code",
    "name",
    "path",
  ]);
  assert.doesNotMatch(inspect(new LogFileError("ERR_CLH_FORMAT", "no")), /undefined/);
});

test("a reason says where a file was to go", (t) => {
  const directory = temporaryDirectory(t);
  const to = join(directory, "b");
  assert.throws(
    () => renameSync(join(directory, "a"), to),
    (error) => reason(error) === `ENOENT: no such file or directory (to ${to})`,
  );
  assert.equal(reason(systemError("EIO", "open '/a b'")), "EIO: made for the test");
});
