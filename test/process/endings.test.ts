import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ConcurrentRotatingFileHandler, type DeliveryMode, type RotatingFileHandlerOptions } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import type { End } from "../fixtures/short-life.js";
import { Fixture } from "../support/child.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";

const RECORDS = 1000;

function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => `record ${i}\n`).join("");
}

const ENDS: [End, number | string][] = [
  ["return", 0],
  ["exit", 0],
  ["exit heard", 0],
  ["throw", 1],
  ["throw heard", 3],
  ["reject", 1],
  ["reject heard", 4],
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGINT"],
  ["SIGHUP", "SIGHUP"],
  ["SIGTERM heard, and exits", 5],
  ["SIGINT heard once, and closes", 0],
  ["SIGHUP heard, and goes on", 0],
  ["SIGTERM heard once, and raised again", "SIGTERM"],
  ["SIGTERM, with signal-exit first", "SIGTERM"],
  ["SIGTERM, with signal-exit last", "SIGTERM"],
  ["return, with signal-exit last", 0],
  ["exit, with signal-exit first", 0],
  ["cluster disconnect", 0],
  ["cluster disconnected", 0],
  ["cluster kill", 0],
  ["cluster killed", 0],
];

/** `batched` would have written most of it at the end of a turn, long before the process ends. */
const DELIVERIES: Record<DeliveryMode, RotatingFileHandlerOptions["delivery"]> = {
  sync: "sync",
  batched: { mode: "batched", flushInterval: "1h" },
  background: "background",
};

for (const [mode, delivery] of Object.entries(DELIVERIES)) {
  describe(`${mode}: all records are in the file, however the process ends`, { concurrency: true }, () => {
    for (const [end, code] of ENDS) {
      const isUnheard =
        "bun" in process.versions
          ? end === "return, with signal-exit last"
          : "deno" in process.versions && end.includes("once") && mode !== "sync";
      const skip = isUnheard && "docs/concepts/platforms.md";
      test(end, { skip }, async (t) => {
        const log = join(temporaryDirectory(t), "app.log");
        const isTold = code === 1; // as if there was no handler, since nobody listens
        const what = { name: "short-life", ...(isTold && { stderr: "pipe" as const }) };
        const fixture = new Fixture(t, what, log, RECORDS, { delivery }, end);
        const stderr = isTold ? text(fixture.process.stderr!) : "";
        assert.equal(await fixture.ended, code);
        assert.equal(readFileSync(log, "utf8"), lines(RECORDS));
        if (isTold) assert.match(await stderr, /rror: (.* )?on purpose\n(.*\n)* *at .*short-life/);
      });
    }
  });
}

describe("sync: also when it", { concurrency: true }, () => {
  for (const [name, end, signal] of [
    ["is killed", "SIGKILL", "SIGKILL"],
    ["aborts", "abort", "SIGABRT"],
  ] as const) {
    test(name, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const fixture = new Fixture(t, { name: "short-life", stderr: "pipe" }, log, RECORDS, {}, end);
      assert.equal(await fixture.ended, signal);
      assert.equal(readFileSync(log, "utf8"), lines(RECORDS));
    });
  }
});

test("records that could not be written are tried once more when the process exits", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const lock = makeLock(lockFilePath(log));
  assert.ok(lock.acquire(0));
  const fixture = new Fixture(t, "short-life", log, 3, { lockTimeout: 100 }, "exit when told");
  assert.equal(await fixture.line(), "3 kept");
  lock.close();
  fixture.say("exit");
  await fixture.ended;
  assert.equal(readFileSync(log, "utf8"), lines(3));
});

test("a listener that throws while the process exits costs no other handler its records", async (t) => {
  const directory = temporaryDirectory(t);
  const fixture = new Fixture(t, "throwing-listener", directory);
  assert.deepEqual((await fixture.rest())[0], "told");
  await fixture.ended;
  assert.equal(readFileSync(join(directory, "second.log"), "utf8"), lines(1));
});

test("a process that is too short-lived to compress leaves it to the next", async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const options = { maxBytes: 1024, backupCount: 100, useGzip: true };
  await new Fixture(t, "short-life", log, RECORDS, options, "SIGKILL").ended;
  const shown = readdirSync(directory).filter((name) => name.startsWith("app.log"));
  assert.ok(shown.some((name) => name.startsWith("app.log-")));
  const contents = shown.map((name) => readFileSync(join(directory, name)));
  const text = contents.map((bytes) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString()).join("");
  assert.deepEqual(text.split("\n").sort(), lines(RECORDS).split("\n").sort(), "as `zcat -f app.log*` shows it");
  const handler = new ConcurrentRotatingFileHandler(log, options);
  handler.write(`record ${RECORDS}`);
  await handler.swept();
  handler.close();
  const names = readdirSync(directory);
  assert.deepEqual(names.filter((name) => name.startsWith(".")).sort(), [
    ".__app.lock",
    ".__app.log.settings",
    ".__app.log.sweep",
  ]);
  const backups = names.filter((name) => name.endsWith(".gz")).sort((a, b) => number(b) - number(a));
  const archived = backups.map((name) => gunzipSync(readFileSync(join(directory, name))).toString()).join("");
  assert.equal(archived + readFileSync(log, "utf8"), lines(RECORDS + 1));
});

function number(name: string): number {
  return Number(/\.(\d+)\.gz$/.exec(name)![1]);
}

test("a process stays until what it rotated is compressed, and no longer", async (t) => {
  const directory = temporaryDirectory(t);
  const options = { maxBytes: 1024, backupCount: 100, useGzip: true };
  const fixture = new Fixture(t, "short-life", join(directory, "app.log"), RECORDS, options, "return");
  assert.equal(await fixture.ended, 0);
  assert.deepEqual(
    readdirSync(directory)
      .filter((name) => name.startsWith("."))
      .sort(),
    [".__app.lock", ".__app.log.settings", ".__app.log.sweep"],
  );
});
