import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CLH_IN_SHELL, Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

const SMALL = ["--num-processes", "2", "--log-calls", "200", "--sleep-min", "0", "--sleep-max", "0"];

test("prints what it does and a verdict", async () => {
  const { code, stdout } = await Clh.run(["stress", ...SMALL]);
  assert.equal(code, 0);
  assert.match(stdout, /^2 writers \(process\) x 200 records, maxBytes 10240, backupCount 2000, compression none\n/);
  assert.match(stdout, /\nPASS {2}400 of 400 records found\n {2}missing 0, duplicated 0, torn 0, out of order 0\n/);
  assert.match(stdout, /\n {2}\d+ rotations, \d+ files, [\d,]+ records\/s, slowest write [\d.]+ ms\n$/);
});

test("--fail is found out: exit code 1, and where the log is", async () => {
  const { code, stdout } = await Clh.run(["stress", ...SMALL, "--fail"]);
  assert.equal(code, 1);
  assert.match(stdout, /\nFAIL {2}[\s\S]*\n {2}! .*\n[\s\S]* {2}the log is .*stress_test\.log\n$/);
});

test("--json prints nothing but the verdict", async () => {
  const { stdout, stderr } = await Clh.run(["stress", ...SMALL, "--json"]);
  assert.equal(stderr, "");
  assert.equal(JSON.parse(stdout).ok, true);
});

test("a second run in the same directory replaces the first", async (t) => {
  const directory = temporaryDirectory(t);
  const args = ["stress", ...SMALL, "--log-dir", directory, "--filename", "x.log", "--encoding", "utf-16", "--gzip"];
  assert.equal((await Clh.run(args)).code, 0);
  assert.ok(existsSync(join(directory, "x.log")));
  assert.equal((await Clh.run(args)).code, 0);
});

for (const name of ["app.log", "app.log.gz"]) {
  test(`a log that is not from a stress test is not touched: ${name}`, async (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, name), "precious\n");
    const { code, stderr } = await Clh.run(["stress", ...SMALL, "--log-dir", directory, "--filename", name]);
    assert.equal(code, 2);
    assert.ok(stderr.endsWith(`${name} is there and not from a stress test: choose another --filename\n`), stderr);
    assert.deepEqual(readdirSync(directory), [name]);
  });
}

test("tells its progress, a line now and then when there is no terminal", async () => {
  const { stderr } = await Clh.run(["stress", "--num-processes", "2", "--log-calls", "400"]);
  for (const line of stderr.trim().split("\n").filter(Boolean))
    assert.match(line, /^[\d,]+ of 800 records {2}\d+ rotations/);
});

test("shows a live bar on a terminal", { skip: !hasScript() && "script(1) is not installed" }, () => {
  const command = `${CLH_IN_SHELL} stress --num-processes 2 --log-calls 200`;
  const screen = execFileSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.match(screen, /\[=* *\] \d+%/);
  assert.match(screen, /PASS/);
});

describe("one clear line and exit code 2", () => {
  for (const [name, args, message] of [
    ["no writers", ["--num-processes", "0"], /--num-processes.*It must be a whole number, 1 or more/],
    ["half a record", ["--log-calls", "1.5"], /--log-calls/],
    ["no number", ["--sleep-max", "long"], /--sleep-max.*number of seconds/],
    [
      "a pause that ends before it begins",
      ["--sleep-min", "2", "--sleep-max", "1"],
      /--sleep-max is less than --sleep-min/,
    ],
    ["an unknown kind of writer", ["--writers", "monkey"], /--writers.*process, thread, cluster, mix/],
    ["a bad size", ["--max-bytes", "big"], /--max-bytes/],
    ["a directory that cannot be made", ["--log-dir", "/dev/null/x"], /[/\\]dev[/\\]null/],
  ] as const) {
    test(name, async () => {
      const { code, stdout, stderr } = await Clh.run(["stress", ...args]);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2]);
    });
  }
});

function hasScript(): boolean {
  try {
    execFileSync("script", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
