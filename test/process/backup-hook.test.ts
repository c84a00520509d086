import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { sweepLog } from "../../src/index.js";
import { Fixture } from "../support/child.js";
import { recordOf } from "../support/log-oracle.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Eight processes with a hook write one log, and others are killed while their hook runs. */

const WRITERS = 8;
const RECORDS = 2000;
const VICTIMS = 3;

/** Writes until its hook is called, and is killed then; resolves with the number of its records that are in the file. */
async function killInHook(victim: Fixture): Promise<number> {
  let written = 0;
  for (let line = await victim.line(); line !== "calling"; line = await victim.line()) written = Number(line) + 1;
  victim.process.kill("SIGKILL");
  for (const line of await victim.rest()) if (line !== "calling") written = Number(line) + 1;
  assert.equal(await victim.ended, "SIGKILL");
  return written;
}

async function run(t: TestContext, compression: false | "gzip") {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const received = join(directory, "received");
  const options = { maxBytes: "64KiB", backupCount: 100_000, compression };
  const start = (name: string, records: number) =>
    new Fixture(t, "hooked-writer", name, records, log, options, received);
  const writers = Array.from({ length: WRITERS }, (_, i) => start(`w${i}`, RECORDS));
  const expected = new Map(writers.map((_, i) => [`w${i}`, RECORDS]));
  for (let v = 0; v < VICTIMS; v++) expected.set(`v${v}`, await killInHook(start(`v${v}`, 0)));
  for (const writer of writers) {
    await writer.rest();
    assert.equal(await writer.ended, 0);
  }
  const { failures } = await sweepLog(log, {
    async onArchived(backup) {
      appendFileSync(received, `${await backup.sha256()}\n`);
    },
  });
  assert.deepEqual(failures, []);
  const backups = readdirSync(directory).filter((name) => name.startsWith("app.log."));
  const read = (name: string) => readFileSync(join(directory, name));
  const digests = backups.map((name) => createHash("sha256").update(read(name)).digest("hex"));
  const texts = ["app.log", ...backups].map((name) => (name.endsWith(".gz") ? gunzipSync(read(name)) : read(name)));
  const times = new Map<string, number>();
  for (const line of texts.join("").split("\n")) times.set(line, (times.get(line) ?? 0) + 1);
  return { expected, digests, calls: read("received").toString().trimEnd().split("\n"), times };
}

/** Backups without a hook. */
const missedBy = (digests: readonly string[], calls: readonly string[]) =>
  digests.filter((digest) => !calls.includes(digest));

for (const compression of [false, "gzip"] as const) {
  test(`each backup has its hook, and each record is there once (${compression || "plain"})`, async (t) => {
    const { expected, digests, calls, times } = await run(t, compression);
    assert.ok(digests.length > 10, `${digests.length} backups`);
    assert.deepEqual(missedBy(digests, calls), []);
    assert.equal(new Set(calls).size, digests.length, "and nothing else had one");
    assert.ok(calls.length <= digests.length + VICTIMS, `${calls.length} calls: a kill costs one more at most`);
    const wrong: string[] = [];
    for (const [writer, count] of expected)
      for (let n = 0; n < count; n++) {
        const found = times.get(recordOf(writer, n)) ?? 0;
        if (found !== 1) wrong.push(`record ${n} of ${writer}: ${found} times`);
      }
    assert.deepEqual(wrong, []);
    t.diagnostic(`${digests.length} backups, ${calls.length} calls`);
    // A book that forgot one, or a hook that was cut off and not repeated, would be found out.
    assert.deepEqual(
      missedBy(
        digests,
        calls.filter((digest) => digest !== digests[0]),
      ),
      [digests[0]],
    );
  });
}
