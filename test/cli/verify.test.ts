import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Mount } from "../../src/disk/mount.js";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../../src/index.js";
import { seesAllProcesses } from "../../src/inspection/processes.js";
import { verifyLog } from "../../src/inspection/verify.js";
import {
  hiddenFormPath,
  settingsPath,
  spillPath,
  sweepLockPath,
  unfinishedPath,
} from "../../src/log-files/hidden-names.js";
import { pendingPath } from "../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { O_CREAT, O_RDWR } from "../../src/platform/file-system.js";
import { Batch } from "../../src/records/batch.js";
import { Spill } from "../../src/spill/spill-file.js";
import { Clh } from "../support/clh.js";
import { environmentWith } from "../support/environment.js";
import { hiddenPendingPath } from "../support/older-version.js";
import { temporaryDirectory } from "../support/temporary.js";

interface Result {
  ok: boolean;
  records: number;
  bytes: number;
  files: { path: string; records: number; bytes: number }[];
  findings: { severity: string; kind: string; path: string; message: string }[];
  writers?: { writer: string; missing: number; duplicated: number; reordered: number }[];
  unmatched?: number;
}

/** A good log: three backups, of 100 records each. */
function setUp(t: TestContext): string {
  const log = join(temporaryDirectory(t), "app.log");
  let number = 0;
  const lines = () => Array.from({ length: 100 }, () => `w${number % 2} ${Math.floor(number++ / 2)}\n`).join("");
  writeFileSync(`${log}.3.gz`, gzipSync(lines()));
  writeFileSync(`${log}.2.gz`, gzipSync(lines()));
  writeFileSync(`${log}.1.gz`, gzipSync(lines()));
  writeFileSync(log, lines());
  return log;
}

async function verify(log: string, ...flags: string[]): Promise<Result & { code: unknown; problems: string[] }> {
  const { code, stdout, stderr } = await Clh.run(["verify", log, "--json", ...flags]);
  assert.equal(stderr, "");
  const result = JSON.parse(stdout) as Result;
  const problems = result.findings.filter(({ severity }) => severity === "problem");
  assert.equal(code, problems.length === 0 ? 0 : 1);
  assert.equal(result.ok, problems.length === 0);
  return {
    ...result,
    code,
    problems: problems.map(({ kind, message }) => `${kind}: ${message.replaceAll(log, "LOG")}`),
  };
}

const SEQUENCE = ["--writer-sequence", "(w\\d) (\\d+)$"];

test("a good log", async (t) => {
  const log = setUp(t);
  const { records, bytes, files, findings, writers, unmatched } = await verify(log, "--max-bytes", "1k", ...SEQUENCE);
  assert.deepEqual([records, files.length, findings, unmatched], [400, 4, [], 0]);
  assert.equal(
    bytes,
    files.reduce((sum, file) => sum + file.bytes, 0),
  );
  assert.deepEqual(
    writers,
    ["w0", "w1"].map((writer) => ({
      writer,
      records: 200,
      first: 0,
      last: 199,
      missing: 0,
      duplicated: 0,
      reordered: 0,
    })),
  );
});

test("in words", async (t) => {
  const log = setUp(t);
  const good = await Clh.run(["verify", log]);
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.match(good.stdout, /^GOOD {2}400 records, [\d.]+ KiB in 4 files\n$/);
  rmSync(`${log}.2.gz`);
  const bad = await Clh.run(["verify", log, ...SEQUENCE]);
  assert.equal(bad.code, 1);
  assert.match(
    bad.stdout,
    /^BAD {2}300 records.*\n {2}2 writers: missing 100, duplicated 0, reordered 0\n {2}! there is no backup .*app\.log\.2\n/,
  );
});

// In a container, and on other systems than Linux, nobody knows whether the process of a spill lives.
const unknown = !seesAllProcesses(systemEnvironment().fs) && "needs a /proc that tells of all processes";

interface Case {
  harm: (log: string) => void;
  flags?: string[];
  problems: (string | RegExp)[];
  skip?: string | false;
}

describe("finds", () => {
  const cases: Record<string, Case> = {
    "a record that was cut off": {
      harm: (log) => appendFileSync(log, "w0 20"),
      problems: ["torn: LOG ends within a record"],
    },
    "NUL bytes": {
      harm: (log) => appendFileSync(log, "\0\0\0\n"),
      problems: [/^bytes: LOG has a NUL byte at \d+,/],
    },
    "an archive that was cut off": {
      harm: (log) => writeFileSync(`${log}.2.gz`, readFileSync(`${log}.2.gz`).subarray(0, -8)),
      problems: [/^unreadable: Cannot read LOG\.2\.gz: unexpected end of file/],
    },
    "an archive with a bad checksum": {
      harm: (log) => {
        const bytes = readFileSync(`${log}.2.gz`);
        bytes[bytes.length - 6]! ^= 1;
        writeFileSync(`${log}.2.gz`, bytes);
      },
      problems: [/^unreadable: Cannot read LOG\.2\.gz: incorrect data check/],
    },
    "an archive with something behind its end": {
      harm: (log) => appendFileSync(`${log}.2.gz`, Buffer.alloc(100)),
      problems: [/^unreadable: Cannot read LOG\.2\.gz: 100 bytes behind its end/],
    },
    "a gap in the numbers": {
      harm: (log) => rmSync(`${log}.2.gz`),
      problems: ["numbering: there is no backup LOG.2"],
    },
    "no gap, where what is not ours has the name of a backup": {
      harm: (log) => {
        rmSync(`${log}.2.gz`);
        symlinkSync("nowhere", `${log}.2.gz`);
      },
      problems: [],
    },
    "a gap in the counters of a period": {
      harm: (log) => {
        for (const name of ["2024-05-16.2", "2024-05-16.3", "2024-05-17", "2024-05-17.2"])
          writeFileSync(`${log}.${name}`, "x\n");
      },
      problems: ["numbering: there is no backup LOG.2024-05-17.1"],
    },
    "no gap, where retention deletes the oldest by time, which is not so by name": {
      harm: (log) => {
        for (const [name, time] of [
          ["2024-05-17_10.1", 1_000_000_000],
          ["2024-05-17_03", 1_000_000_100],
        ] as const) {
          writeFileSync(`${log}.${name}`, "x\n");
          utimesSync(`${log}.${name}`, time, time);
        }
      },
      problems: [],
    },
    "no limit that is passed, where the newest backup alone is larger": {
      harm: (log) => {
        for (const n of [2, 3]) rmSync(`${log}.${n}.gz`);
      },
      flags: ["--max-total-bytes", "10"],
      problems: [],
    },
    "files larger than allowed": {
      harm: () => {},
      flags: ["--max-bytes", "500"],
      problems: ["limit: LOG.3.gz has 580 bytes, and maxBytes is 500", /LOG\.2\.gz/, /LOG\.1\.gz/, /limit: LOG has/],
    },
    "more backups than allowed, as the writers have left it": {
      harm: (log) =>
        writeFileSync(settingsPath(log), JSON.stringify({ settings: { backupCount: 2, maxTotalBytes: 10 } })),
      problems: [
        "limit: there are 3 backups, and backupCount is 2",
        /^limit: backups have \d+ bytes, and maxTotalBytes is 10/,
      ],
    },
    "backups of more periods than allowed, one of them yet to be compressed": {
      harm: (log) => {
        for (const name of ["2024-05-16", "2024-05-17", "2024-05-17.1"]) writeFileSync(`${log}.${name}`, "x\n");
        writeFileSync(
          pendingPath(log, { sequence: 1, place: "2024-05-18@0", unique: "0123abcd", extension: "" }),
          "x\n",
        );
        writeFileSync(settingsPath(log), JSON.stringify({ settings: { maxPeriods: 2 } }));
      },
      problems: ["limit: there are backups of 3 periods, and maxPeriods is 2"],
    },
    "any backup, where none may be": {
      harm: () => {},
      flags: ["--backup-count", "0"],
      problems: ["limit: there are 3 backups, and backupCount is 0"],
    },
    "records that wait in a spill of a process that has ended": {
      harm: (log) => writeFileSync(spillPath(log, 1, 0x0123abcd), "CLHSPIL1"),
      problems: [/^leftover: .*\.spill has records that wait for the lock$/],
      skip: unknown,
    },
    "what was left half-way": {
      harm: (log) => {
        const waiting = { sequence: 1, place: "0", unique: "0123abcd" } as const;
        for (const path of [
          hiddenPendingPath(log, { sequence: 1, place: "0", state: "pending" }),
          hiddenFormPath(log, { sequence: 1, extension: ".gz" }),
          pendingPath(log, { ...waiting, extension: "" }),
          pendingPath(log, { ...waiting, extension: ".gz" }),
          unfinishedPath(log, 1, "0123abcd"),
          `${log}.rotate.0123456789`,
        ]) {
          writeFileSync(path, path.endsWith(".gz") ? gzipSync("w0 0\n") : "w0 0\n");
          utimesSync(path, 1_000_000_000, 1_000_000_000);
        }
      },
      problems: [
        /compressed but not published since/,
        /half compressed since/,
        /waits to be compressed since/,
        /compressed but not published since/,
        /of a killed rotation since/,
      ],
    },
    "missing, duplicated and reordered records": {
      harm: (log) =>
        writeFileSync(
          `${log}.2.gz`,
          gzipSync(readFileSync(log, "latin1").replace("w0 150\nw1 150\nw0 151\n", "w1 150\nw0 151\nw0 150\n")),
        ),
      flags: SEQUENCE,
      problems: [
        "sequence: writer w0: 50 records missing, 50 duplicated, 51 reordered",
        "sequence: writer w1: 50 records missing, 50 duplicated, 50 reordered",
      ],
    },
    "a pattern that finds nothing": {
      harm: () => {},
      flags: ["--writer-sequence", "x(\\d+)"],
      problems: ["sequence: no record has a number that the pattern finds"],
    },
  };
  for (const [name, { harm, flags = [], problems, skip = false }] of Object.entries(cases)) {
    test(name, { skip }, async (t) => {
      const log = setUp(t);
      harm(log);
      const found = (await verify(log, ...flags)).problems;
      assert.equal(found.length, problems.length, JSON.stringify(found, null, 1));
      for (const problem of problems) {
        assert.ok(
          found.some((one) => (typeof problem === "string" ? one === problem : problem.test(one))),
          `${problem} is not among ${JSON.stringify(found, null, 1)}`,
        );
      }
    });
  }
});

describe("what a process is at is no problem", { skip: unknown }, () => {
  const cases: Record<string, { locks: (log: string) => string; found: (log: string) => string }> = {
    "a spill": { locks: (log) => spillPath(log, 1, 0x0123abcd), found: (log) => spillPath(log, 1, 0x0123abcd) },
    "what is being compressed": { locks: sweepLockPath, found: (log) => unfinishedPath(log, 1, "0123abcd") },
  };
  for (const [name, { locks, found }] of Object.entries(cases)) {
    test(name, async (t) => {
      const log = setUp(t);
      writeFileSync(found(log), "CLHSPIL1");
      utimesSync(found(log), 1_000_000_000, 1_000_000_000);
      assert.equal((await verify(log)).ok, false);
      const holder = spawn("flock", [locks(log), "-c", "echo locked; exec sleep 100"], {
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
      });
      t.after(() => process.kill(-holder.pid!, "SIGKILL"));
      await new Promise((resolve) => holder.stdout.once("data", resolve));
      const { ok, findings } = await verify(log);
      assert.ok(ok);
      assert.match(findings[0]!.message, /process \d+ is at it$/);
    });
  }
});

test("one record of more than maxBytes, alone in its file, is all right", async (t) => {
  const log = setUp(t);
  writeFileSync(`${log}.2.gz`, gzipSync(`${"x".repeat(5000)}\n`));
  assert.ok((await verify(log, "--max-bytes", "1k")).ok);
});

test("what --strict-max-bytes false leaves behind is all right", async (t) => {
  const log = setUp(t);
  writeFileSync(settingsPath(log), JSON.stringify({ settings: { maxBytes: 595, strictMaxBytes: false } }));
  writeFileSync(`${log}.2.gz`, gzipSync(`${"x".repeat(590)}\n${"y".repeat(50)}\n`));
  assert.deepEqual(
    (await verify(log)).problems.filter((problem) => problem.includes("LOG.2.gz")),
    [],
  );
});

test("files that are renamed before they are opened are told apart", async (t) => {
  const log = setUp(t);
  writeFileSync(`${log}.3.gz`, gzipSync("torn"));
  let isRotated = false;
  const environment = environmentWith({
    open(path, flags, mode) {
      if (path === `${log}.2.gz` && !isRotated) {
        isRotated = true;
        for (const n of [3, 2, 1]) renameSync(`${log}.${n}.gz`, `${log}.${n + 1}.gz`);
      }
      return systemEnvironment().fs.open(path, flags, mode);
    },
  });
  const { files, findings } = await verifyLog(log, {}, { environment });
  assert.deepEqual(
    files.map(({ path, records }) => [path, records]),
    [
      [`${log}.3.gz`, 1],
      [`${log}.3.gz`, 100],
      [`${log}.2.gz`, 100],
      [log, 100],
    ],
  );
  assert.deepEqual(
    findings.map(({ kind, path }) => [kind, path]),
    [
      ["torn", `${log}.3.gz`],
      ["numbering", log],
    ],
  );
});

test("files that the writers leave alone, since they are of other settings or of nobody, are no problem", async (t) => {
  const records = (handler: ConcurrentRotatingFileHandler | ConcurrentTimedRotatingFileHandler) => {
    for (let i = 0; i < 6; i++) handler.write(`record ${i}`.padEnd(15));
    handler.close();
  };
  for (const [kind, strangers] of Object.entries({
    timed: ["2024-05-17_10", "2024-13-45", "1"],
    size: ["500", "2024-05-17"],
  })) {
    for (const stranger of strangers) {
      const log = join(temporaryDirectory(t), "app.log");
      const limits = { maxBytes: 20, backupCount: 2 };
      if (kind === "timed") records(new ConcurrentTimedRotatingFileHandler(log, { when: "midnight", ...limits }));
      else records(new ConcurrentRotatingFileHandler(log, limits));
      writeFileSync(`${log}.${stranger}`, "a stranger\n");
      utimesSync(`${log}.${stranger}`, 1_700_000_000, 1_700_000_000);
      const { problems } = await verify(log);
      assert.deepEqual(problems, [], `${kind}, ${stranger}`);
      const { stdout } = await Clh.run(["status", log, "--json"]);
      assert.deepEqual((JSON.parse(stdout) as Result).findings, [], `${kind}, ${stranger}`);
    }
  }
});

test("a spill may be larger than a file: it is merged into several", async (t) => {
  const log = setUp(t);
  const environment = systemEnvironment();
  const path = spillPath(log, process.pid, 0x0123abcd);
  const spill = Spill.create(path, new Mount(environment, path), environment.fs.open(path, O_RDWR | O_CREAT, 0o600))!;
  t.after(() => spill.close());
  const batch = new Batch();
  for (let i = 0; i < 100; i++) batch.add(Buffer.from(`${"x".repeat(20)}\n`));
  spill.append(batch);
  const { ok, files, problems } = await verify(log, "--max-bytes", "1k");
  assert.deepEqual([ok, problems], [true, []]);
  assert.deepEqual({ ...files.at(-1) }, { path, kind: "spill", storedBytes: 2100, bytes: 2100, records: 100 });
});

test("tells how far it is within a file too, by its size on disk", async (t) => {
  const log = setUp(t);
  const text = Array.from({ length: 40_000 }, () => `${Math.random()}\n`).join("");
  writeFileSync(`${log}.1.gz`, gzipSync(text));
  writeFileSync(log, text);
  const read = new Map<string, number[]>();
  let path = "";
  const reading = {
    onFile: (file: { path: string }) => {
      path = file.path;
      read.set(path, []);
    },
    onRead: (bytes: number) => void read.get(path)!.push(bytes),
  };
  await verifyLog(log, {}, reading);
  assert.deepEqual([...read.keys()], [`${log}.3.gz`, `${log}.2.gz`, `${log}.1.gz`, log]);
  for (const [file, steps] of read) assert.equal(steps.at(-1), statSync(file).size);
  for (const file of [`${log}.1.gz`, log]) assert.ok(read.get(file)!.length > 2);
});

test("limits that are none are refused: one clear line and exit code 2", async (t) => {
  const log = setUp(t);
  for (const [flag, ...values] of [
    ["--max-bytes", "abc", "10XB", "-1", "1.5", ""],
    ["--backup-count", "foo", "1.5", "-1"],
    ["--max-age", "foo", "-1d"],
    ["--max-total-bytes", "1 parsec"],
  ] as const) {
    for (const value of values) {
      const { code, stdout, stderr } = await Clh.run(["verify", log, flag, value]);
      assert.deepEqual([code, stdout], [2, ""], `${flag} ${value}`);
      assert.match(stderr, new RegExp(`^clh: .*${flag}.*'${value}' is invalid\\. It must be .*\n$`));
    }
  }
});

test("no log: one clear line and exit code 2", async (t) => {
  const { code, stdout, stderr } = await Clh.run(["verify", join(temporaryDirectory(t), "app.log")]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^clh: Cannot read .* there is no such log.*\n$/);
});
