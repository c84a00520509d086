import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { CLH } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The commands of docs/how-to/backup-hook.md, with programs of their names that write down what they are given. */

const page = readFileSync(fileURLToPath(new URL("../../../docs/how-to/backup-hook.md", import.meta.url)), "utf8");
const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) => block!.trim().split("\n"));
const skip = process.platform === "win32" ? "they are programs of a shell" : false;

/** A directory with a log that has one backup, and with programs that write into `given`. */
function scene(t: TestContext) {
  const directory = temporaryDirectory(t);
  const programs = join(directory, "programs");
  mkdirSync(programs);
  for (const name of ["aws", "rclone", "mail", "clh"]) {
    const body = name === "clh" ? `exec "${process.execPath}" "${CLH}" "$@"` : `{ printf '%s\\n' "$@"; cat; } >> given`;
    writeFileSync(join(programs, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  const log = join(directory, "app.log");
  using handler = new ConcurrentRotatingFileHandler(log, { backupCount: 5 });
  handler.write("one\nrecord");
  handler.write("another");
  handler.rotate();
  const run = (command: string) =>
    spawnSync("sh", ["-c", command], {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH}` },
    });
  return { log, run, given: () => readFileSync(join(directory, "given"), "utf8") };
}

const CONTENT = "one\nrecord\nanother\n";
const DIGEST = createHash("sha256").update(CONTENT).digest("hex");

test("the page has commands", () => assert.equal(commands.length, 3));

for (const command of commands) {
  test(command, { skip }, (t) => {
    const { run, given, log } = scene(t);
    const { status, stdout, stderr } = run(command);
    assert.equal(stderr, "");
    assert.equal(stdout, `archived ${log}.1\n`);
    assert.equal(status, 0);
    const expected = {
      aws: ["s3", "cp", "-", `s3://bucket/app/${DIGEST}.log`, CONTENT],
      rclone: ["copyto", `${log}.1`, `storage:bucket/app/${DIGEST}.log`, ""],
      mail: ["-s", "app.log.1: 3 records", "admin@example.com", CONTENT],
    };
    const [, program] = /--post-rotate "(\w+)/.exec(command)! as unknown as [string, keyof typeof expected];
    assert.equal(given(), expected[program].join("\n"));
    assert.equal(run(command).stdout, "nothing to do\n");
  });
}

test("a command that fails is told, and is run again", { skip }, (t) => {
  const { run, log } = scene(t);
  const failed = run("clh sweep app.log --post-rotate 'sh -c \"echo no bucket; exit 3\"'");
  assert.equal(failed.status, 1);
  assert.match(
    failed.stderr,
    /^no bucket\nclh: The hook onArchived failed for .*app\.log\.1: sh ended with exit code 3\./,
  );
  assert.equal(failed.stdout, "nothing to do\n");
  const missing = run("clh sweep app.log --post-rotate no-such-program");
  assert.match(missing.stderr, /ENOENT/);
  assert.equal(missing.status, 1);
  const slow = run("clh sweep app.log --post-rotate 'sleep 1000' --hook-timeout 50ms");
  assert.match(slow.stderr, /did not end within 50 ms/);
  assert.equal(slow.status, 1);
  // What it does not read of its input is no failure, and what it prints is no output of ours.
  const { stdout, stderr, status } = run("clh sweep app.log --json --post-rotate 'echo hello'");
  assert.deepEqual(JSON.parse(stdout).done, [{ what: "archived", path: `${log}.1` }]);
  assert.equal(stderr, "hello\n");
  assert.equal(status, 0);
});

test("clh write runs it as well, with nothing for a shell to read", { skip }, (t) => {
  const { run, given } = scene(t);
  const command = "clh write app.log --backup-count 5 --max-bytes 10 --post-rotate \"mail '$(id)' ';' {name}\"";
  const { status, stderr } = run(`printf 'first line\\nsecond line\\n' | ${command.replaceAll("$", "\\$")}`);
  assert.equal(stderr, "");
  assert.equal(status, 0);
  assert.deepEqual(given().split("\n").slice(0, 3), ["$(id)", ";", "app.log.2"]);
});

test("commands that cannot be meant are refused", { skip }, (t) => {
  const { run } = scene(t);
  for (const [text, why] of [
    ["", 'a command, such as "sha256sum {path}"'],
    ["'' {path}", "a command, such as"],
    ["upload 'one", "whose quotes are closed"],
    ["upload {paht}", "none but {path}, {name}, {bytes}, {period}, {sha256}, {records} in braces, not {paht}"],
  ] as const) {
    const { status, stderr } = run(`clh sweep app.log --post-rotate "${text}"`);
    assert.equal(status, 2);
    assert.match(stderr, /^clh: Expected the option --post-rotate to be /);
    assert.ok(stderr.includes(why), stderr);
  }
});
