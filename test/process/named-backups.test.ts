import assert from "node:assert/strict";
import { chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import {
  ConcurrentRotatingFileHandler,
  type FileHandlerOptions,
  followLog,
  pruneLogs,
  readLog,
  sweepLog,
  type TimedRotatingFileHandlerOptions,
  verifyLog,
} from "../../src/index.js";
import { settingsPath } from "../../src/log-files/hidden-names.js";
import { dictConfig, fileConfig, getLogger, shutdown } from "../../src/logging.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import type { FileSystem } from "../../src/platform/file-system.js";
import { Fixture } from "../support/child.js";
import { Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";
import { needsRoot, OTHER_USER } from "../support/users.js";
import { startWriters } from "../support/writers.js";

/* Backups by names of the user's choice, in a directory of their own: by real processes, and for all that read them. */

const DELIVERIES = ["sync", "batched", "background"];
const WRITERS = DELIVERIES.length;
const RECORDS = 400;

/** A naming, and what the files in the directory of the log and in that of the backups are called. */
interface Naming {
  readonly options: TimedRotatingFileHandlerOptions;
  readonly backup: RegExp;
}

const BY_SIZE: Record<string, Naming> = {
  "the extension at the end": { options: { keepExtension: true }, backup: /^app\.\d+\.log$/ },
  "gzip, an archive": {
    options: { keepExtension: true, archiveDirectory: "old", useGzip: true },
    backup: /^old\/app\.\d+\.log\.gz$/,
  },
  "an archive, default names": { options: { archiveDirectory: "../old" }, backup: /^\.\.\/old\/app\.log\.\d+$/ },
  "a template, brotli": {
    options: { backupName: "old-{n}-{stem}{ext}", compression: "brotli" },
    backup: /^old-\d+-app\.log\.br$/,
  },
};

const BY_TIME: Record<string, Naming> = {
  "the extension at the end": {
    options: { keepExtension: true },
    backup: /^app-\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(\.\d+)?\.log$/,
  },
  "a date of its own, gzip, an archive": {
    options: { backupName: "{date:YYYYMMDDTHHmmss}.{n}.{stem}{ext}", archiveDirectory: "old", useGzip: true },
    backup: /^old\/\d{8}T\d{6}\.\d+\.app\.log\.gz$/,
  },
};

/** What is wrong with a log that these writers have written, and with the names of its files. */
async function faults(log: string, { backup }: Naming): Promise<string[]> {
  const found: string[] = [];
  const times = new Map<string, number>();
  const files = new Set<string>();
  for await (const { text, file } of readLog(log)) {
    const record = parseStressRecord(text);
    if (record === undefined) found.push(`${file}: ${text}`);
    const key = `${record?.writer} ${record?.number}`;
    times.set(key, (times.get(key) ?? 0) + 1);
    files.add(file);
  }
  for (let w = 0; w < WRITERS; w++)
    for (let n = 0; n < RECORDS; n++)
      if (times.get(`w${w} ${n}`) !== 1) found.push(`record ${n} of w${w}: ${times.get(`w${w} ${n}`)}`);
  const { findings } = await verifyLog(log);
  found.push(...findings.map(({ message }) => message));
  const onDisk = ["", "old", "../old"].flatMap((directory) => {
    const path = join(dirname(log), directory);
    return namesIn(path).map((name) => join(path, name));
  });
  const ours = onDisk.filter((path) => basename(path).includes("app"));
  for (const path of ours) if (!files.has(path)) found.push(`${path} was not read`);
  const relative = (path: string) => path.replaceAll("\\", "/").slice(dirname(log).length + 1);
  for (const path of ours.filter((other) => other !== log)) {
    const name = path.startsWith(dirname(log)) ? relative(path) : `../old/${basename(path)}`;
    if (!backup.test(name)) found.push(`${name} is no name of a backup`);
  }
  return found;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith(".__"));
  } catch {
    return []; // there is none of these
  }
}

function newLog(t: TestContext): string {
  const directory = join(temporaryDirectory(t), "log");
  mkdirSync(directory);
  return join(directory, "app.log");
}

describe("three processes, each with another delivery: each record once, all files by the names that were asked for:", () => {
  for (const [name, naming] of Object.entries(BY_SIZE)) {
    test(`by size, ${name}`, async (t) => {
      const log = newLog(t);
      const options = { maxBytes: 4096, backupCount: 1000, ...naming.options };
      const start = (delivery: string, i: number) =>
        new Fixture(t, "writer", `w${i}`, RECORDS, log, { ...options, delivery }, "real");
      await Promise.all(DELIVERIES.map(start).map(({ ended }) => ended));
      assert.deepEqual(await faults(log, naming), []);
    });
  }

  for (const [name, naming] of Object.entries(BY_TIME)) {
    test(`by time, ${name}`, async (t) => {
      const log = newLog(t);
      const options = { when: "s", maxBytes: 4096, ...naming.options };
      const start = (delivery: string, i: number) =>
        new Fixture(t, "timed-writer", `w${i}`, RECORDS, 2, log, { ...options, delivery });
      await Promise.all(DELIVERIES.map(start).map(({ ended }) => ended));
      assert.deepEqual(await faults(log, naming), []);
    });
  }
});

test("who follows the log misses no record and gets none twice", async (t) => {
  const log = newLog(t);
  const options = { maxBytes: 4096, backupCount: 1000, keepExtension: true, archiveDirectory: "old", useGzip: true };
  const writers = startWriters(t, WRITERS, RECORDS, log, options);
  const seen = new Set<string>();
  for await (const { text } of followLog(log, { fromStart: true, ...given(options) })) {
    assert.ok(!seen.has(text), `twice: ${text}`);
    seen.add(text);
    if (seen.size === WRITERS * RECORDS) break;
  }
  await Promise.all(writers.map(({ ended }) => ended));
});

/** Before the first writer has left its settings, nobody else can say where backups are. */
function given({ archiveDirectory }: { archiveDirectory: string }) {
  return { archiveDirectory, backupName: "{stem}.{n}{ext}" };
}

describe("retention deletes the oldest of them, never the newest:", () => {
  /** Numbers of the records that are left when one handler has written so many. */
  async function left(t: TestContext, options: FileHandlerOptions, fs: Partial<FileSystem> = {}): Promise<number[]> {
    const log = newLog(t);
    const system = systemEnvironment();
    const environment = { ...system, fs: { ...system.fs, ...fs } };
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 200, ...options }, environment);
    for (let i = 0; i < 100; i++) {
      handler.write(`record ${i}`);
      if (i % 30 === 0) await handler.swept();
    }
    await handler.swept();
    handler.close();
    const numbers: number[] = [];
    for await (const { text } of readLog(log)) numbers.push(Number(text.slice("record ".length)));
    return numbers;
  }

  const isNewest = (numbers: number[]) =>
    numbers.length < 100 && numbers.every((n, i) => n === 100 - numbers.length + i);
  const naming = { keepExtension: true, archiveDirectory: "old" };

  test("by number", async (t) => assert.ok(isNewest(await left(t, { ...naming, backupCount: 2 }))));
  test("by size", async (t) => assert.ok(isNewest(await left(t, { ...naming, maxTotalBytes: 500 }))));
  test("by size, gzip", async (t) =>
    assert.ok(isNewest(await left(t, { ...naming, maxTotalBytes: 200, useGzip: true }))));

  test("one that deletes the newest is found out", async (t) => {
    const { fs } = systemEnvironment();
    const unlink = (path: string) => {
      const isBackup = path.includes(`old`) && path.endsWith(".log");
      fs.unlink(isBackup ? join(dirname(path), "app.1.log") : path);
    };
    assert.ok(!isNewest(await left(t, { ...naming, maxTotalBytes: 500 }, { unlink })));
  });

  test("one that does not see compressed backups is found out", async (t) => {
    const { fs } = systemEnvironment();
    const readdir = (path: string) => fs.readdir(path).filter((name) => !name.endsWith(".gz"));
    assert.ok(!isNewest(await left(t, { ...naming, maxTotalBytes: 200, useGzip: true }, { readdir })));
  });
});

test("every command that meets the log knows them, by what the writer has left beside it", async (t) => {
  const log = newLog(t);
  const archive = join(dirname(log), "old");
  const records = Array.from({ length: 60 }, (_, i) => `record ${i}\n`).join("");
  const run = async (args: string[], input = "") => {
    const { code, stdout, stderr } = await Clh.run(args, input);
    assert.equal(`${code} ${stderr}`, "0 ", args.join(" "));
    return stdout;
  };
  const naming = ["--keep-extension", "--archive-directory", "old", "--gzip"];
  await run(["write", log, "--max-bytes", "200", "--backup-count", "9", ...naming], records);
  assert.deepEqual(namesIn(archive).sort(), ["app.1.log.gz", "app.2.log.gz", "app.3.log.gz"]);
  assert.equal(await run(["read", log]), records);
  assert.match(await run(["verify", log]), /^GOOD {2}60 records/);
  const backups = JSON.parse(await run(["status", log, "--json"])).backups.map(({ path }: { path: string }) => path);
  assert.deepEqual(
    backups,
    [3, 2, 1].map((n) => join(archive, `app.${n}.log.gz`)),
  );
  const would = await run(["rotate", log, "--dry-run"]);
  assert.match(would, /would be compressed .*app\.1\.log\.gz/);
  assert.equal(namesIn(archive).length, 3);
  assert.match(await run(["rotate", log]), /compressed .*app\.1\.log\.gz/);
  assert.equal(namesIn(archive).length, 4);
  assert.equal(
    await run(["sweep", log, "--backup-count", "3", "--max-total-bytes", "1KiB"]),
    `removed ${join(archive, "app.4.log.gz")}\n`,
  );
  const pruned = await run(["prune", dirname(log), "--max-total", "150"]);
  assert.match(pruned, /removed .*app\.3\.log\.gz/);
  assert.ok(namesIn(archive).includes("app.1.log.gz"));

  // A directory that was copied without its hidden files.
  const before = await run(["read", log]);
  rmSync(settingsPath(log));
  assert.equal(await run(["read", log]), "");
  const said = ["--backup-name", "{stem}.{n}{ext}", "--archive-directory", "old"];
  assert.equal(await run(["read", log, ...said]), before);
  assert.match(await run(["verify", log, ...said]), /^GOOD/);
  assert.equal(JSON.parse(await run(["status", log, "--json", ...said])).backups.length, namesIn(archive).length);
});

test("writers that do not agree are told", async (t) => {
  const log = newLog(t);
  const told: string[] = [];
  using first = new ConcurrentRotatingFileHandler(log, { backupCount: 3, keepExtension: true });
  first.write("a record");
  const options = { backupCount: 3, backupName: "{stem}-{n}{ext}", archiveDirectory: "old" };
  using second = new ConcurrentRotatingFileHandler(log, options);
  second.on("warning", ({ code, message }) => told.push(`${code} ${message}`));
  second.write("another one");
  assert.equal(told.length, 1);
  assert.match(
    told[0]!,
    /^ERR_CLH_SETTINGS .*backupName is "\{stem\}-\{n\}\{ext\}" here and "\{stem\}\.\{n\}\{ext\}" in another/,
  );
  assert.match(told[0]!, /archiveDirectory is "old" here and null in another writer/);
});

test("nobody has root look for backups, and delete them, where he may not himself", needsRoot, async (t) => {
  const log = newLog(t);
  const theirs = join(dirname(log), "..", "theirs");
  mkdirSync(theirs);
  for (const n of [1, 2]) writeFileSync(join(theirs, `app.log.${n}`), "of somebody else\n");
  writeFileSync(log, "a record\n");
  const settings = { kind: "size", backupCount: 1, archiveDirectory: "../theirs" };
  writeFileSync(settingsPath(log), JSON.stringify({ settings }));
  for (const path of [dirname(log), log, settingsPath(log)]) chownSync(path, OTHER_USER, OTHER_USER);
  await assert.rejects(sweepLog(log), { code: "ERR_CLH_READ", message: /their directory belongs to another user/ });
  const { removed, failures } = await pruneLogs(dirname(log), { maxTotalBytes: 0 });
  assert.deepEqual([removed.length, failures.length], [0, 1]);
  const problems: string[] = [];
  const texts: string[] = [];
  for await (const { text } of readLog(log, { onProblem: ({ message }) => problems.push(message) })) texts.push(text);
  assert.deepEqual(texts, ["a record"]);
  assert.match(problems.join(), /Say it with `archiveDirectory`/);
  chownSync(theirs, OTHER_USER, OTHER_USER);
  assert.equal((await verifyLog(log)).records, 3);
});

describe("a configuration of the logging layer", () => {
  const written = async (log: string) => {
    for (let i = 0; i < 30; i++) getLogger().info("record %d", i);
    await shutdown();
    return namesIn(join(dirname(log), "old")).sort();
  };

  test("as an object", async (t) => {
    const log = newLog(t);
    const file = { class: "ConcurrentRotatingFileHandler", filename: log, maxBytes: 100, backupCount: 2 };
    const naming = { backupName: "{stem}.{n}{ext}", archiveDirectory: "old" };
    dictConfig({ version: 1, handlers: { file: { ...file, ...naming } }, root: { level: "INFO", handlers: ["file"] } });
    assert.deepEqual(await written(log), ["app.1.log", "app.2.log"]);
  });

  test("as a file", async (t) => {
    const log = newLog(t);
    const path = join(dirname(log), "logging.ini");
    const kwargs = "{'maxBytes': 100, 'backupCount': 2, 'keepExtension': True, 'archiveDirectory': 'old'}";
    writeFileSync(
      path,
      `[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\nhandlers=file\n[handler_file]\nclass=ConcurrentRotatingFileHandler\nargs=('${log.replaceAll("\\", "/")}',)\nkwargs=${kwargs}\n`,
    );
    fileConfig(path);
    assert.deepEqual(await written(log), ["app.1.log", "app.2.log"]);
  });
});
