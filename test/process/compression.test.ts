import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { hasCode } from "../../src/base/system-errors.js";
import { Fixture } from "../support/child.js";
import { problemsOf } from "../support/log-oracle.js";
import { temporaryDirectory } from "../support/temporary.js";

const notNode = ("deno" in process.versions || "bun" in process.versions) && "the flags are Node's";
const RECORDS = 30_000;
const BACKUPS = 3;
// So many that some are deleted while they are compressed.
const ROTATIONS_AT_ONCE = 20;

test("two processes that rotate faster than they compress: an archive is whole when it has its name, and stays so", async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const options = {
    maxBytes: 128 * 1024,
    backupCount: BACKUPS,
    compression: { format: "gzip", level: 9 },
  } as const;
  const names = ["a", "b"];
  const writers = names.map(
    (name) => new Fixture(t, "bursting-writer", name, RECORDS, ROTATIONS_AT_ONCE, log, options),
  );
  let living = writers.length;
  const ends = writers.map(async ({ ended }) => {
    assert.equal(await ended, 0);
    living--;
  });
  const archives = new Archives(t, directory);
  while (living > 0) {
    archives.look();
    await new Promise(setImmediate);
  }
  await Promise.all(ends);
  archives.look();
  assert.deepEqual(archives.problems(), []);
  assert.ok(archives.count > BACKUPS, `only ${archives.count} archives`);
  const acknowledged = new Map(names.map((name) => [name, RECORDS]));
  const { maxBytes } = options;
  assert.deepEqual(problemsOf(log, { acknowledged, keeps: 1, backupCount: BACKUPS, maxBytes }), []);
  const shown = readdirSync(directory).filter((name) => name.startsWith("app.log"));
  assert.deepEqual(shown.sort(), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
});

for (const delivery of ["sync", "batched", "background"] as const) {
  test(`a job that writes and ends by itself leaves its rotated files compressed: ${delivery}`, async (t) => {
    const directory = temporaryDirectory(t);
    const options = { delivery, maxBytes: 1000, backupCount: 50, useGzip: true };
    const job = new Fixture(t, "short-life", join(directory, "app.log"), 600, options, "return");
    await job.rest();
    assert.equal(await job.ended, 0);
    const names = readdirSync(directory).filter((name) => !/\.(lock|settings|sweep)$/.test(name));
    const plain = names.filter((name) => !name.endsWith(".gz"));
    assert.deepEqual([plain, names.length > 5], [["app.log"], true]);
  });
}

test("a thread that cannot be started is told of, and the process ends", { skip: notNode }, async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const options = { maxBytes: 1000, backupCount: 50, useGzip: true };
  const execArgv = ["--no-warnings", permissionFlag(), "--allow-addons", "--allow-fs-read=*", "--allow-fs-write=*"];
  const writer = new Fixture(t, { name: "short-life", execArgv }, log, 600, options, "return");
  await writer.rest();
  assert.equal(await writer.ended, 0);
  const waiting = readdirSync(directory).filter((name) => name.includes("pending") || name.startsWith("app.log"));
  assert.ok(waiting.length > 5);
});

function permissionFlag(): string {
  return process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission";
}

/** Archives as they were when they were first seen. Left open, so that no other file gets the inode of one. */
class Archives {
  readonly #directory: string;
  readonly #seen = new Map<bigint, { fd: number; bytes: Buffer }>();
  readonly #problems: string[] = [];

  constructor(t: TestContext, directory: string) {
    this.#directory = directory;
    t.after(() => {
      for (const { fd } of this.#seen.values()) closeSync(fd);
    });
  }

  get count(): number {
    return this.#seen.size;
  }

  look(): void {
    for (const name of readdirSync(this.#directory)) {
      if (/^app\.log\.\d\.gz$/.test(name)) this.#lookAt(name);
    }
  }

  /** To be called when nobody is at them any more. */
  problems(): string[] {
    const changed = [...this.#seen.values()].filter(({ fd, bytes }) => !readFrom(fd).equals(bytes));
    return [...this.#problems, ...changed.map(({ bytes }) => `one of ${bytes.length} bytes has changed`)];
  }

  #lookAt(name: string): void {
    let fd: number;
    try {
      fd = openSync(join(this.#directory, name), "r");
    } catch (error) {
      if (hasCode(error, "ENOENT")) return; // renamed since
      throw error;
    }
    const { ino } = fstatSync(fd, { bigint: true });
    if (this.#seen.has(ino)) {
      closeSync(fd);
      return;
    }
    const bytes = readFrom(fd);
    this.#seen.set(ino, { fd, bytes });
    try {
      gunzipSync(bytes);
    } catch (error) {
      this.#problems.push(`${name} is broken: ${(error as Error).message}`); // whatever the code: it cannot be read
    }
  }
}

function readFrom(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes;
}
