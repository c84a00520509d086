import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type RotatingFileHandlerOptions,
  type TimedRotatingFileHandlerOptions,
} from "../../../src/index.js";
import { archiveClaimPath } from "../../../src/log-files/hidden-names.js";
import { hostName } from "../../../src/platform/identity.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";

const LOG = join("never-made", "app.log");

function bySize(options: RotatingFileHandlerOptions, log = LOG): string | undefined {
  return refusal(() => new ConcurrentRotatingFileHandler(log, { backupCount: 5, ...options }));
}

function byTime(options: TimedRotatingFileHandlerOptions, log = LOG): string | undefined {
  return refusal(() => new ConcurrentTimedRotatingFileHandler(log, { when: "midnight", ...options }));
}

function refusal(make: () => object): string | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    assert.equal((error as { code?: string }).code, "ERR_CLH_OPTION");
    return (error as Error).message;
  }
}

describe("refused at construction, with the reason:", () => {
  const bySizeRefused: readonly [template: string, reason: RegExp][] = [
    ["{stem}.{nn}{ext}", /not of \{nn\} \(did you mean \{n\}\?\)/],
    ["{name}.{n}{ext}", /not of \{name\} \(did you mean \{stem\}\?\)/],
    ["{stem}.{index}{ext}", /not of \{index\} \(did you mean \{n\}\?\)/],
    ["{stem}.{hots}.{n}{ext}", /not of \{hots\} \(did you mean \{host\}\?\)/],
    ["{stem}.{n}{ext}{}", /not of \{\}/],
    ["{stem.{n}{ext}", /each brace has its other/],
    ["{stem}.{n}}{ext}", /each brace has its other/],
    ["{stem}.{n}.{n}{ext}", /has \{n\} once/],
    ["{stem}.{n:3}{ext}", /\{n\} in place of \{n:3\}/],
    ["{stem}.{n}", /with \{stem\} and \{ext\}/],
    ["backup.{n}{ext}", /with \{stem\} and \{ext\}/],
    ["{stem}{n}{ext}", /in front of \{n\}/],
    ["{stem}.{n}{host}{ext}", /in front of \{host\}/],
    ["{stem}{ext}", /with \{n\}/],
    ["{stem}-{date}{ext}", /without \{date\}/],
    ["{stem}-{n}/{ext}", /without a directory/],
    ["../{stem}-{n}{ext}", /without a directory/],
    ["{stem}\\{n}{ext}", /without a directory/],
    ["{stem}\n{n}{ext}", /without control characters/],
    [".{stem}.{n}{ext}", /does not begin with "\."/],
    ["{stem}.{n}{ext}.gz", /without "\.gz"/],
    ["{stem}{ext}.1{n}", /not like those/],
    ["{stem}{ext}.rotate.12345678{n}", /not like those/],
  ];
  for (const [template, reason] of bySizeRefused)
    test(`by size, ${JSON.stringify(template)}`, () => assert.match(bySize({ backupName: template }) ?? "", reason));

  const byTimeRefused: readonly [template: string, reason: RegExp][] = [
    ["{stem}.{n}{ext}", /with \{date\}/],
    ["{stem}-{date:YYYYMM}{ext}", /a date such as/],
    ["{stem}-{date:YYYYMMHH}{ext}", /a date such as/],
    ["{stem}-{date:YYYY/MM/DD}{ext}", /a date such as/],
    ["{stem}-{date:YYYYMMDDDD}{ext}", /a date such as/],
    ["{stem}-{date:}{ext}", /a date such as/],
    ["{stem}-{date:YYYYMMDD_HH}{ext}", /exactly YYYY, MM, DD/],
    ["{stem}{ext}.{date}.{n}", /not like those/],
  ];
  for (const [template, reason] of byTimeRefused)
    test(`by time, ${JSON.stringify(template)}`, () => assert.match(byTime({ backupName: template }) ?? "", reason));

  test("a date that does not tell one hour from the next", () => {
    const options = { when: "h", backupName: "{stem}-{date:YYYYMMDD}{ext}" };
    assert.match(byTime(options) ?? "", /exactly YYYY, MM, DD, HH/);
  });

  test("what says the same, or something else, in another way", () => {
    const backupName = "{stem}.{n}{ext}";
    assert.match(
      bySize({ backupName, keepExtension: true }) ?? "",
      /`keepExtension` to be left out, since `backupName`/,
    );
    assert.match(bySize({ backupName, namer: String }) ?? "", /`namer` to be left out, since `backupName`/);
    assert.match(bySize({ archiveDirectory: "old", namer: String }) ?? "", /left out, since `archiveDirectory`/);
    assert.ok(!existsSync("never-made"), "what is refused makes no directory");
    const handler = new ConcurrentRotatingFileHandler(LOG, { backupCount: 5, backupName });
    assert.throws(() => {
      handler.namer = String;
    }, /`namer` to be left out/);
  });

  test("an option by the name that others have for it", () => {
    assert.match(bySize({ keepFileExt: true } as object) ?? "", /Did you mean `keepExtension`/);
    assert.match(bySize({ archiveDir: "old" } as object) ?? "", /Did you mean `archiveDirectory`/);
  });

  test("a name that is too long with a number behind it", (t) => {
    const log = join(temporaryDirectory(t), `${"x".repeat(220)}.log`);
    assert.equal(bySize({}, log), undefined);
    assert.match(
      bySize({ backupName: "{stem}.put-into-the-archive.{n}{ext}" }, log) ?? "",
      /`filename` to be a path that ends/,
    );
  });

  test("a template by which another log would be a backup", (t) => {
    const directory = temporaryDirectory(t);
    const other = new ConcurrentRotatingFileHandler(join(directory, "app.1.log"));
    other.write("a log of its own");
    other.close();
    const log = join(directory, "app.log");
    assert.match(bySize({ keepExtension: true }, log) ?? "", /app\.1\.log is a log of its own/);
    assert.equal(bySize({ backupName: "{stem}-{n}{ext}" }, log), undefined);
  });

  test("a directory that is none, or on another file system, as the number of its device says, or the rename", (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, "file"), "");
    const log = join(directory, "app.log");
    assert.match(bySize({ archiveDirectory: "file" }, log) ?? "", /`archiveDirectory` to be a directory that is there/);
    if (process.platform === "linux")
      assert.match(bySize({ archiveDirectory: "/proc" }, log) ?? "", /on the file system of/);
    const mounted = environmentWith({
      rename() {
        throw systemError("EXDEV", "rename");
      },
    });
    const make = () => new ConcurrentRotatingFileHandler(log, { archiveDirectory: "old", backupCount: 1 }, mounted);
    assert.match(refusal(make) ?? "", /on the file system of .* a file can be renamed to no other/);
    assert.deepEqual(readdirSync(directory).sort(), ["file", "old"]);
  });
});

describe("two logs of one name", () => {
  const naming = { archiveDirectory: "../old", backupName: "{stem}.{n}{ext}" };

  test("do not share a directory for backups, as long as both are there", (t) => {
    const directory = temporaryDirectory(t);
    const [one, two] = [join(directory, "one", "app.log"), join(directory, "two", "app.log")];
    assert.equal(bySize(naming, one), undefined);
    assert.equal(bySize(naming, two), undefined, "the first has never written");
    using handler = new ConcurrentRotatingFileHandler(two, naming);
    handler.write("now it has");
    assert.match(bySize(naming, one) ?? "", /another directory: .*two.app\.log has its backups there/);
    assert.equal(bySize(naming, two), undefined);
    assert.equal(bySize(naming, join(directory, "two", "other.log")), undefined);
    rmSync(join(directory, "two"), { recursive: true });
    assert.equal(bySize(naming, one), undefined);
  });

  test("are one where they are reached by two ways, or were moved together", {
    skip: process.platform === "win32",
  }, (t) => {
    const directory = temporaryDirectory(t);
    const log = (name: string) => join(directory, name, "log", "app.log");
    using handler = new ConcurrentRotatingFileHandler(log("here"), naming);
    handler.write("a record");
    symlinkSync(join(directory, "here"), join(directory, "link"));
    const archiveDirectory = join(directory, "here", "old");
    assert.equal(bySize({ ...naming, archiveDirectory }, log("link")), undefined);
    renameSync(join(directory, "here"), join(directory, "there"));
    assert.equal(bySize(naming, log("there")), undefined);
  });

  test("share one where names say the host, and that is another", (t) => {
    const directory = temporaryDirectory(t);
    const options = { archiveDirectory: "../old", backupName: "{stem}.{host}.{n}{ext}" };
    using handler = new ConcurrentRotatingFileHandler(join(directory, "one", "app.log"), options);
    handler.write("a record");
    const claim = archiveClaimPath(join(directory, "old", "app.log"), hostName());
    assert.equal(readFileSync(claim, "utf8").trim(), join("..", "one", "app.log"));
    assert.match(bySize(options, join(directory, "two", "app.log")) ?? "", /another directory/);
    renameSync(claim, archiveClaimPath(join(directory, "old", "app.log"), "elsewhere"));
    assert.equal(bySize(options, join(directory, "two", "app.log")), undefined);
  });
});

describe("accepted:", () => {
  test("what is as by default, which JSON then does not have", (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const json = (options: RotatingFileHandlerOptions) => {
      const { backupName, archiveDirectory } = new ConcurrentRotatingFileHandler(log, options).toJSON();
      return [backupName, archiveDirectory];
    };
    assert.deepEqual(json({ backupName: "{stem}{ext}.{n}", archiveDirectory: "." }), [undefined, undefined]);
    assert.deepEqual(json({ keepExtension: false, archiveDirectory: null }), [undefined, undefined]);
    const nameless = new ConcurrentRotatingFileHandler(join(temporaryDirectory(t), "app"), { keepExtension: true });
    assert.equal(nameless.toJSON().backupName, undefined);
  });

  test("a directory, which is made, and is in JSON as it is seen from the log", (t) => {
    const directory = temporaryDirectory(t);
    const log = join(directory, "log", "app.log");
    const json = (archiveDirectory: string) =>
      new ConcurrentRotatingFileHandler(log, { keepExtension: true, archiveDirectory }).toJSON();
    assert.equal(json("old").archiveDirectory, "old");
    assert.equal(json(join(directory, "log", "old")).archiveDirectory, "old");
    assert.equal(json(join(directory, "else", "old")).archiveDirectory, join("..", "else", "old"));
    assert.equal(json("old").backupName, "{stem}.{n}{ext}");
    assert.deepEqual(readdirSync(join(directory, "else")), ["old"]);
    mkdirSync(join(directory, "there"));
    assert.equal(json("../there").archiveDirectory, join("..", "there"));
  });

  test("a template, which JSON gives to another handler", (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const options = { backupName: "{stem}.{host}-{n}{ext}", archiveDirectory: "old", backupCount: 3 };
    const json = JSON.stringify(new ConcurrentRotatingFileHandler(log, options));
    const { backupName, archiveDirectory } = ConcurrentRotatingFileHandler.fromJSON(json).toJSON();
    assert.deepEqual(
      { backupName, archiveDirectory },
      { backupName: "{stem}.{host}-{n}{ext}", archiveDirectory: "old" },
    );
    const timed = new ConcurrentTimedRotatingFileHandler(log, { when: "midnight", keepExtension: true });
    assert.equal(
      ConcurrentTimedRotatingFileHandler.fromJSON(JSON.stringify(timed)).toJSON().backupName,
      "{stem}-{date}{ext}",
    );
  });
});
