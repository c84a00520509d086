import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { CLH_IN_SHELL } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Standard output that nobody reads any more, or that has no room. */

function shell(script: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  return { status, stderr: stderr.replace(/^\d+ of \d+ checks {2}.*\n/gm, "") }; // for which a slow machine has time
}

function setUp(t: TestContext): { directory: string; log: string } {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  writeFileSync(log, "one\n");
  return { directory, log };
}

const COMMANDS = (directory: string, log: string) => [
  "--help",
  "read --help",
  "completion bash",
  `read "${log}"`,
  `verify "${log}"`,
  `status "${log}"`,
  `doctor "${directory}"`,
  `rotate --backup-count 3 "${log}"`,
];

describe("output", { skip: process.platform === "win32" && "needs a shell" }, () => {
  test("that nobody reads: not a word, and what was begun is done", (t) => {
    const { directory, log } = setUp(t);
    for (const command of [...COMMANDS(directory, log), `status --watch "${log}"`, `follow "${log}"`]) {
      // What it writes comes after the other end is closed.
      const { stderr } = shell(`(sleep 0.3; exec ${CLH_IN_SHELL} ${command}) | true`);
      assert.equal(stderr, "", command);
      if (command.startsWith("rotate")) writeFileSync(log, "one\n");
    }
    assert.equal(readFileSync(`${log}.1`, "utf8"), "one\n");
  });

  test("that has no room: one clear line and exit code 1", { skip: process.platform !== "linux" }, (t) => {
    const { directory, log } = setUp(t);
    const commands = [...COMMANDS(directory, log), `follow "${log}"`, `status --watch "${log}"`];
    for (const command of commands) {
      const { status, stderr } = shell(`exec ${CLH_IN_SHELL} ${command} > /dev/full`);
      assert.match(stderr, /^clh: Cannot write to standard output: .*ENOSPC.*\n$/, command);
      assert.equal(status, 1, command);
      if (command.startsWith("rotate")) appendFileSync(log, "two\n");
    }
  });

  test("tee has no room: the log has all the same", { skip: process.platform !== "linux" }, (t) => {
    const { log } = setUp(t);
    const { status, stderr } = shell(`seq 1 1000 | ${CLH_IN_SHELL} write --tee "${log}" > /dev/full`);
    assert.match(stderr, /^clh: Cannot write to standard output: .*ENOSPC.*\n$/);
    assert.equal(status, 1);
    assert.equal(readFileSync(log, "utf8").split("\n").length, 1002);
  });

  test("errors that nobody reads change nothing", { skip: process.platform !== "linux" }, (t) => {
    const { log } = setUp(t);
    assert.equal(shell(`${CLH_IN_SHELL} read "${log}.none" 2> /dev/full`).status, 2);
  });
});
