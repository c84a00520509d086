import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ConcurrentRotatingFileHandler, readLog } from "../../../src/index.js";
import { sweepLockPath } from "../../../src/log-files/hidden-names.js";
import { pendingPath } from "../../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { DatedBackups, DatedPublisher } from "../../../src/rotation/dated-backups.js";
import { Boundaries } from "../../../src/rotation/schedule.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* What has one of our names and is no file is nobody's backup: it stays, and all goes on around it. */

const STRANGERS: Readonly<Record<string, (path: string) => void>> = {
  "a directory": (path) => mkdirSync(path),
  // Windows has no pipes among its files, and links only for some users.
  ...(process.platform !== "win32" && {
    "a link to nothing": (path) => symlinkSync(`${path}.nowhere`, path),
    "a link to itself": (path) => symlinkSync(path, path),
    "a pipe": (path) => execFileSync("mkfifo", [path]),
  }),
};

const HIDDEN = [
  ".__app.log.0000000001.0.pending",
  ".__app.log.0000000001.0.published",
  ".__app.log.0000000001.gz",
  ".__app.log.0000000001.0123abcd.unfinished",
  ".__app.log.123.0123abcd.spill",
  "app.log.rotate.12345678",
  "app.log.rotate.12345678.gz",
];

const RECORDS = ["a", "b", "c", "d", "e", "f"];

/** Writes records, one to a file. */
async function write(log: string, options: { backupCount: number; useGzip: boolean }) {
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 2, ...options });
  const messages: string[] = [];
  handler.on("error", ({ message }) => messages.push(message));
  for (const record of RECORDS) assert.ok(handler.write(record));
  handler.close();
  await handler.swept();
  return messages;
}

/** What is in the numbered backups, by number. */
function backups(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => /^app\.log\.\d+(\.gz)?$/.test(name));
  return names.sort().flatMap((name) => {
    const path = join(directory, name);
    if (!lstatSync(path).isFile()) return [];
    const bytes = readFileSync(path);
    return `${name.split(".")[2]} ${(name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trim()}`;
  });
}

for (const [kind, make] of Object.entries(STRANGERS)) {
  describe(kind, () => {
    for (const useGzip of [false, true]) {
      const extension = useGzip ? ".gz" : "";
      for (const name of HIDDEN) {
        test(`called ${name} is in nobody's way${useGzip ? ", with gzip" : ""}`, async (t) => {
          const directory = temporaryDirectory(t);
          make(join(directory, name));
          assert.deepEqual(await write(join(directory, "app.log"), { backupCount: 3, useGzip }), []);
          assert.deepEqual(backups(directory), ["1 e", "2 d", "3 c"]);
          assert.ok(!lstatSync(join(directory, name)).isFile());
        });
      }
      for (const [n, expected] of [
        [1, ["2 e", "3 d"]],
        [2, ["1 e", "3 d"]],
        [3, ["1 e", "2 d"]],
        [4, ["1 e", "2 d", "3 c"]],
      ] as const) {
        test(`called app.log.${n}${extension} has its number, and the others go round it`, async (t) => {
          const directory = temporaryDirectory(t);
          const path = join(directory, `app.log.${n}${extension}`);
          make(path);
          assert.deepEqual(await write(join(directory, "app.log"), { backupCount: 3, useGzip }), []);
          assert.deepEqual(backups(directory), expected);
          assert.ok(!lstatSync(path).isFile());
        });
      }
      test(`with the only number there is: no record is lost${useGzip ? ", with gzip" : ""}`, async (t) => {
        const directory = temporaryDirectory(t);
        make(join(directory, `app.log.1${extension}`));
        const [message] = await write(join(directory, "app.log"), { backupCount: 1, useGzip });
        assert.match(message!, /no file, and not ours/);
        const kept = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
        const texts = kept
          .map(({ name }) => readFileSync(join(directory, name)))
          .map((bytes) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString());
        const lines = texts.flatMap((text) => text.split("\n"));
        for (const record of useGzip ? ["e", "f"] : RECORDS) assert.ok(lines.includes(record), record);
      });
    }

    test("with the name of a period: the next counter is given, and by who moves files up as well", (t) => {
      const directory = temporaryDirectory(t);
      const log = join(directory, "app.log");
      const { fs } = systemEnvironment();
      const boundaries = new Boundaries({ when: "D", interval: 1, atTime: undefined, timeZone: "UTC" });
      const stamp = "2024-05-17";
      const period = () => stamp;
      const now = () => 0;
      const dated = new DatedBackups({ fs, log, boundaries, period, namer: () => undefined, hasLimits: false, now });
      make(`${log}.${stamp}`);
      assert.equal(dated.place(""), `${stamp}@1`);
      make(`${log}.${stamp}.2.gz`);
      writeFileSync(`${log}.${stamp}.1.gz`, "theirs");
      writeFileSync(`${log}.new`, "ours");
      new DatedPublisher(fs, log, undefined).publish([{ path: `${log}.new`, place: `${stamp}@1` }], ".gz");
      assert.equal(readFileSync(`${log}.${stamp}.1.gz`, "utf8"), "ours");
      assert.equal(readFileSync(`${log}.${stamp}.3.gz`, "utf8"), "theirs");
      assert.deepEqual(
        dated.list(0).map(({ path }) => path),
        [`${log}.${stamp}.1.gz`, `${log}.${stamp}.3.gz`],
      );
    });
  });
}

for (const state of ["pending", "published"]) {
  test(`a name with the largest number (${state}) hides no record that is rotated after it`, async (t) => {
    const directory = temporaryDirectory(t);
    const log = join(directory, "app.log");
    writeFileSync(join(directory, `.__app.log.9999999999.0.${state}`), "");
    assert.deepEqual(await write(log, { backupCount: 9, useGzip: true }), []);
    const texts: string[] = [];
    for await (const { text } of readLog(log)) texts.push(text);
    assert.deepEqual(texts, RECORDS);
  });
}

test("a backup whose number no integer holds is nobody's, and stays", async (t) => {
  const directory = temporaryDirectory(t);
  const name = "app.log.99999999999999999999";
  writeFileSync(join(directory, name), "theirs");
  assert.deepEqual(await write(join(directory, "app.log"), { backupCount: 2, useGzip: false }), []);
  assert.equal(readFileSync(join(directory, name), "utf8"), "theirs");
});

for (const sequence of [8_000_000_000_000, 9_999_999_999_999]) {
  test(`a file that waits with the number ${sequence} keeps none back that is rotated after it, nor hides it`, async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    writeFileSync(pendingPath(log, { sequence, place: "0", unique: "0123abcd", extension: "" }), "");
    const first = makeLock(sweepLockPath(log)); // else it would be compressed meanwhile
    assert.ok(first.tryAcquire());
    assert.deepEqual(await write(log, { backupCount: 9, useGzip: true }), []);
    first.close();
    const texts: string[] = [];
    for await (const { text } of readLog(log)) texts.push(text);
    assert.deepEqual(texts.sort(), RECORDS);
  });
}
