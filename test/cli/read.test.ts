import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import iconv from "iconv-lite";
import { Mount } from "../../src/disk/mount.js";
import { hiddenFormPath, settingsPath, spillPath } from "../../src/log-files/hidden-names.js";
import { pendingPath } from "../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { FilePath, FileStatus, O_CREAT, O_RDWR } from "../../src/platform/file-system.js";
import { Batch } from "../../src/records/batch.js";
import { Spill } from "../../src/spill/spill-file.js";
import { CLH, Clh } from "../support/clh.js";
import { hiddenPendingPath } from "../support/older-version.js";
import { temporaryDirectory } from "../support/temporary.js";

/** A log with a file of each kind, and its records. */
function setUp(t: TestContext): string {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(`${log}.2.gz`, gzipSync("2024-05-17T10:00:00Z one\n"));
  writeFileSync(`${log}.1.gz`, gzipSync("2024-05-17T11:00:00Z two\n  more of two\n"));
  writeFileSync(
    pendingPath(log, { sequence: 1, place: "0", unique: "0123abcd", extension: "" }),
    '{"time":1715950800000,"msg":"three"}\n',
  );
  writeFileSync(log, "2024-05-17 14:00:00,5Z four\n");
  return log;
}

const ALL = `2024-05-17T10:00:00Z one
2024-05-17T11:00:00Z two
  more of two
{"time":1715950800000,"msg":"three"}
2024-05-17 14:00:00,5Z four
`;

async function read(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await Clh.run(["read", ...args]);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

test("all records, oldest first", async (t) => assert.equal(await read(setUp(t)), ALL));

describe("a part of them", () => {
  const last = ALL.split("\n").slice(-3).join("\n");
  for (const [name, args, expected] of [
    ["--since", ["--since", "2024-05-17T13:00Z"], last],
    [
      "--until; lines without a time go with the one before",
      ["--until", "2024-05-17T12:00Z"],
      /one\n.*two\n {2}more of two\n$/,
    ],
    ["--grep", ["--grep", "t(wo|hree)$|three"], /two\n {2}more of two\n.*three"}\n$/],
    ["--last", ["--last", "2"], last],
    ["--last 0", ["--last", "0"], ""],
    ["--last of more than there are", ["--last", "20"], ALL],
    [
      "all at once",
      ["--since", "2024-05-17T11:00Z", "--grep", "o", "--last", "2"],
      /^2\S+ two\n {2}more of two\n.*four\n$/,
    ],
  ] as const) {
    test(name, async (t) => {
      const found = await read(setUp(t), ...args);
      if (typeof expected === "string") assert.equal(found, expected);
      else assert.match(found, expected);
    });
  }
});

test("--format json: file and offset of each record", async (t) => {
  const log = setUp(t);
  appendFileSync(log, "cut");
  const records = (await read(log, "--format", "json"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(records.length, 6);
  assert.deepEqual(records[2], { file: `${log}.1.gz`, offset: 25, text: "  more of two" });
  assert.deepEqual(records[5], { file: log, offset: 28, text: "cut", isWhole: false });
});

test("of a file that a sweep of an older version has published, one of its two forms is read", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const published = (sequence: number) => hiddenPendingPath(log, { sequence, place: "0", state: "published" });
  writeFileSync(`${log}.1.gz`, gzipSync("one\n"));
  writeFileSync(published(1), "one\n"); // it has its public name
  writeFileSync(published(2), "two\n"); // not yet
  writeFileSync(hiddenFormPath(log, { sequence: 2, extension: ".gz" }), gzipSync("two\n"));
  assert.equal(await read(log), "one\ntwo\n");
});

test("a file that waits stands behind the one that was the newest when it was rotated", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(`${log}.2.gz`, gzipSync("one\n"));
  const { fs } = systemEnvironment();
  const status = new FileStatus();
  fs.statusWithTime(new FilePath(`${log}.2.gz`), status);
  for (const [sequence, text] of [
    [1, "two\n"],
    [2, "three\n"],
  ] as const) {
    writeFileSync(pendingPath(log, { sequence, place: status.fingerprint, unique: "0123abcd", extension: "" }), text);
  }
  writeFileSync(`${log}.1.gz`, gzipSync("four, of Python\n"));
  assert.equal(await read(log), "one\ntwo\nthree\nfour, of Python\n");
});

test("records that wait for the lock come last, and once", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  const environment = systemEnvironment();
  const path = spillPath(log, process.pid, 0x0123abcd);
  const spill = Spill.create(path, new Mount(environment, path), environment.fs.open(path, O_RDWR | O_CREAT, 0o600))!;
  t.after(() => spill.close());
  const batch = new Batch();
  for (const text of ["two\n", "three\n", "four\n"]) batch.add(Buffer.from(text));
  spill.append(batch);
  assert.equal(await read(log), "one\ntwo\nthree\nfour\n");

  // Its merger dies when it has appended two of them.
  const merging = spill.next()!;
  const status = new FileStatus();
  const fd = environment.fs.open(log, O_RDWR);
  environment.fs.statusOfOpen(fd, status);
  environment.fs.close(fd);
  merging.journal!.begin(status, 4, merging.length);
  appendFileSync(log, "two\nthree\n");
  assert.equal(await read(log), "one\ntwo\nthree\nfour\n");
});

test("encoding and terminator are those of the writers", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const bytes = (text: string) => iconv.encode(text, "utf-16le", { addBOM: true });
  writeFileSync(
    settingsPath(log),
    JSON.stringify({ settings: { encoding: "utf-16le with a byte order mark", terminator: "\r\0\n\0" } }),
  );
  writeFileSync(`${log}.1`, bytes("naïve ਊ\r\n"));
  writeFileSync(log, bytes("日本\r\nx\r\n"));
  assert.equal(await read(log), "naïve ਊ\n日本\nx\n");
  assert.equal(await read(log, "--grep", "^x$"), "x\n");
});

test("a bad file in the middle: what can be read of it, a line that says so, and the rest", async (t) => {
  const log = setUp(t);
  const text = Array.from({ length: 9000 }, (_, i) => `record ${i} ${Math.random()}\n`).join("");
  writeFileSync(`${log}.1.gz`, gzipSync(text).subarray(0, -20_000));
  writeFileSync(`${log}.3.gz`, "not gzip");
  writeFileSync(`${log}.4.gz`, "");
  writeFileSync(`${log}.5.br`, brotliCompressSync("zero\n").subarray(0, 4));
  const { code, stdout, stderr } = await Clh.run(["read", log]);
  assert.equal(code, 1);
  const lines = stdout.split("\n");
  assert.ok(lines.length > 1000);
  const whole = lines.filter((line) => line.startsWith("record")).slice(0, -1); // the last one is cut
  assert.deepEqual(whole, text.split("\n").slice(0, whole.length));
  assert.equal(lines.at(-2), "2024-05-17 14:00:00,5Z four");
  assert.deepEqual(
    stderr
      .trim()
      .split("\n")
      .map((line) => /^clh: Cannot read \S*(app\.log\.\d\.\w+): /.exec(line)?.[1])
      .sort(),
    ["app.log.1.gz", "app.log.3.gz", "app.log.4.gz", "app.log.5.br"],
  );
});

for (const [format, compress, soundPart] of [
  ["gz", gzipSync, (bytes: Buffer) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })],
  [
    "br",
    brotliCompressSync,
    (bytes: Buffer) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  ],
] as const) {
  test(`a damaged .${format}: all that it has before the damage`, async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const text = Array.from({ length: 100_000 }, (_, i) => `record ${i} ${(i * 7919) % 1_000_003}\n`).join("");
    const bytes = compress(text);
    const sound = bytes.subarray(0, Math.floor(bytes.length / 2));
    writeFileSync(`${log}.1.${format}`, Buffer.concat([sound, Buffer.alloc(100_000, 0xff)]));
    const { code, stdout } = await Clh.run(["read", log]);
    assert.equal(code, 1);
    const length = soundPart(sound).length - 500;
    assert.ok(stdout.length >= length, `${stdout.length} of ${length}`);
    assert.ok(stdout.slice(0, length) === text.slice(0, length));
  });
}

test("an archive with a bad checksum has all its records", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const text = Array.from({ length: 20_000 }, (_, i) => `record ${i}\n`).join("");
  const bytes = gzipSync(text);
  bytes[bytes.length - 6]! ^= 1;
  writeFileSync(`${log}.1.gz`, bytes);
  const { code, stdout } = await Clh.run(["read", log]);
  assert.equal(code, 1);
  assert.ok(text.startsWith(stdout.slice(0, -1)));
  assert.ok(stdout.length > text.length - 500, `${stdout.length} of ${text.length}`);
});

test("binary bytes and lines of 40 MiB go through as they are, in little memory", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const long = Buffer.alloc(40 * 1024 ** 2, "0123456789abcdef\0\xff\r", "latin1");
  writeFileSync(log, Buffer.concat([Buffer.from("a\n"), long, Buffer.from("\nz\n")]));
  const clh = new Clh("read", log);
  const chunks: Buffer[] = [];
  clh.process.stdout.on("data", (chunk) => chunks.push(chunk));
  assert.equal(await clh.ended, 0);
  assert.ok(Buffer.concat(chunks).equals(Buffer.concat([Buffer.from("a\n"), long, Buffer.from("\nz\n")])));
});

test("plain files of the lowest numbers are the newest, whatever their times", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  for (const [name, text] of [
    [".4.gz", "one\n"],
    [".3.br", "two\n"],
    [".2", "three\n"],
    [".1", "four\n"],
  ] as const) {
    const bytes = name.endsWith("gz") ? gzipSync(text) : name.endsWith("br") ? brotliCompressSync(text) : text;
    writeFileSync(log + name, bytes);
    utimesSync(log + name, 1_700_000_000 - text.length, 1_700_000_000 - text.length);
  }
  utimesSync(`${log}.4.gz`, 1_600_000_000, 1_600_000_000);
  utimesSync(`${log}.1`, 1_500_000_000, 1_500_000_000);
  writeFileSync(log, "five\n");
  assert.equal(await read(log), "one\ntwo\nthree\nfour\nfive\n");
});

test("--since finds records in the time of another zone, though their file seems older", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(`${log}.1`, "2024-05-17 20:00:00 one\n");
  const written = new Date(2024, 4, 17, 6).getTime() / 1000; // by the zone of this process
  utimesSync(`${log}.1`, written, written);
  writeFileSync(log, "");
  assert.equal(await read(log, "--since", "2024-05-17 19:00"), "2024-05-17 20:00:00 one\n");
});

test("the time of a JSON record, wherever it stands", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const record = (time: string) => `${JSON.stringify({ msg: "x".repeat(5000), time })}\n`;
  writeFileSync(log, record("2024-05-17T10:00:00Z") + record("2024-05-18T10:00:00Z"));
  assert.equal(await read(log, "--since", "2024-05-18"), record("2024-05-18T10:00:00Z"));
});

test("a compressed file that is named itself", async (t) => {
  const log = setUp(t);
  assert.equal(await read(`${log}.2.gz`), "2024-05-17T10:00:00Z one\n");
});

describe("one clear line and exit code 2", () => {
  const cases: [name: string, args: (directory: string) => string[], message: RegExp][] = [
    ["no log", (directory) => [join(directory, "no.log")], /there is no such log, nor a backup of one/],
    ["a directory", (directory) => [directory], /it is not a regular file/],
    ["a FIFO", (directory) => [join(directory, "fifo")], /it is not a regular file/],
    ["a directory that is not there", (directory) => [join(directory, "x", "app.log")], /ENOENT/],
    ["a bad time", (directory) => [join(directory, "a.log"), "--since", "yesterday"], /--since.*such as "2h"/],
    ["a day that is not", (directory) => [join(directory, "a.log"), "--since", "2024-02-30"], /--since.*such as/],
    ["a time that is not", (directory) => [join(directory, "a.log"), "--until", "2024-02-03 10:61"], /--until/],
    ["a bad pattern", (directory) => [join(directory, "a.log"), "--grep", "("], /--grep.*Unterminated group/],
    ["a bad number", (directory) => [join(directory, "a.log"), "--last", "-1"], /--last.*0 or more/],
    ["a bad encoding", (directory) => [join(directory, "a.log"), "--encoding", "klingon"], /--encoding.*klingon/],
  ];
  for (const [name, args, message] of cases) {
    test(name, async (t) => {
      const directory = temporaryDirectory(t);
      mkdirSync(join(directory, "d"));
      execFileSync("mkfifo", [join(directory, "fifo")]);
      writeFileSync(join(directory, "a.log"), "");
      const { code, stdout, stderr } = await Clh.run(["read", ...args(directory)]);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2]);
    });
  }
});

test("a backup that is a FIFO, or that this user may not read, is told and does not stop it", async (t) => {
  const log = setUp(t);
  execFileSync("mkfifo", [`${log}.3`]);
  writeFileSync(`${log}.4`, "secret\n");
  chmodSync(`${log}.4`, 0);
  const { code, stdout, stderr } = await Clh.run(["read", log]);
  assert.equal(code, 1);
  assert.match(stderr, /app\.log\.3: it is not a regular file/);
  assert.equal(stdout.replace("secret\n", ""), ALL);
  if (process.getuid?.() !== 0) assert.match(stderr, /app\.log\.4: EACCES/);
});

test("what is no file and has a name of ours is not of the log", async (t) => {
  const log = setUp(t);
  symlinkSync(`${log}.3`, `${log}.3`);
  symlinkSync("nowhere", `${log}.4.gz`);
  mkdirSync(pendingPath(log, { sequence: 7, place: "0", unique: "0123abcd", extension: "" }));
  mkdirSync(spillPath(log, 1, 0x0123abcd));
  assert.equal(await read(log), ALL);
  const { stdout } = await Clh.run(["status", "--json", log]);
  const { backlog, onTheWay } = JSON.parse(stdout);
  assert.deepEqual([backlog.files, onTheWay.length], [1, 1]);
});

test("who reads it may go away", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "record\n".repeat(500_000));
  const output = execFileSync("sh", ["-c", `"${process.execPath}" "${CLH}" read "${log}" | head -n 2`]);
  assert.equal(output.toString(), "record\nrecord\n");
});
