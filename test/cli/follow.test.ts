import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { CLH_IN_SHELL, Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

async function follow(t: TestContext, log: string, flags: string[], expected: string): Promise<Clh> {
  const clh = new Clh("follow", log, ...flags);
  t.after(() => clh.process.kill("SIGKILL"));
  await until(clh, expected);
  return clh;
}

async function until(clh: Clh, expected: string): Promise<void> {
  while (clh.stdout.length < expected.length) {
    assert.equal(clh.process.exitCode, null, clh.stderr);
    await setTimeout(5);
  }
  assert.equal(clh.stdout, expected);
}

test("prints the last ten records, and what comes, across a rotation", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, Array.from({ length: 20 }, (_, i) => `${i}\n`).join(""));
  const ten = Array.from({ length: 10 }, (_, i) => `${i + 10}\n`).join("");
  const clh = await follow(t, log, [], ten);
  renameSync(log, `${log}.1`);
  writeFileSync(log, "20\n");
  await until(clh, `${ten}20\n`);
  assert.equal(clh.stderr, "");
});

test("--from-start, --grep and --format json", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(`${log}.1`, "a1\nb1\n");
  writeFileSync(log, "a2\n");
  const line = (file: string, text: string) => `${JSON.stringify({ file, offset: 0, text })}\n`;
  const first = line(`${log}.1`, "a1") + line(log, "a2");
  const clh = await follow(t, log, ["--from-start", "--grep", "^a", "--format", "json"], first);
  appendFileSync(log, "b3\na4\n");
  await until(clh, `${first}${JSON.stringify({ file: log, offset: 6, text: "a4" })}\n`);
});

test("ends when nobody reads it any more", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  const clh = await follow(t, log, [], "one\n");
  clh.process.stdout.destroy();
  const sender = setInterval(() => appendFileSync(log, "more\n"), 5);
  t.after(() => clearInterval(sender));
  assert.equal(await clh.ended, 0);
  assert.equal(clh.stderr, "");
});

test("also of a log to which nothing is written", { skip: process.platform === "win32" }, async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\ntwo\nthree\nfour\n");
  const output = execFileSync("sh", ["-c", `${CLH_IN_SHELL} follow "${log}" | head -n 3`], { encoding: "utf8" });
  assert.equal(output, "one\ntwo\nthree\n");
});

test("a FIFO or a directory: one clear line and exit code 2", async (t) => {
  const directory = temporaryDirectory(t);
  execFileSync("mkfifo", [join(directory, "fifo")]);
  for (const path of [directory, join(directory, "fifo")]) {
    const { code, stdout, stderr } = await Clh.run(["follow", path]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^clh: Cannot read .*: it is not a regular file\. .*\n$/);
  }
});
