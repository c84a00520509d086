import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { CLH_IN_SHELL, Clh } from "../support/clh.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory, textOf } from "../support/temporary.js";

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(5);
}

test("appends standard input line by line, the last line too", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const { code, stdout, stderr } = await Clh.run(["write", log], "one\n\ntwo\r\nthree");
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  assert.equal(readFileSync(log, "utf8"), "one\n\ntwo\r\nthree\n");
});

test("bytes that are not UTF-8 are kept", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const bytes = Buffer.from([0xff, 0, 0xc3, 0x0a, 0x80, 0x0a]);
  await Clh.run(["write", log], bytes);
  assert.deepEqual(readFileSync(log), bytes);
});

test("text is encoded", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  await Clh.run(["write", log, "--encoding", "latin-1"], "naïve\n");
  assert.equal(readFileSync(log, "latin1"), "naïve\n");
});

test("rotates and compresses", async (t) => {
  const directory = temporaryDirectory(t);
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join("");
  const flags = ["--max-bytes", "200", "--backup-count", "50", "--gzip", "--chmod", "640"];
  const { code } = await Clh.run(["write", join(directory, "app.log"), ...flags], lines);
  assert.equal(code, 0);
  const names = readdirSync(directory).filter((name) => name.endsWith(".gz"));
  names.sort((a, b) => Number.parseInt(b.slice(8), 10) - Number.parseInt(a.slice(8), 10));
  const archived = names.map((name) => gunzipSync(readFileSync(join(directory, name))).toString()).join("");
  assert.equal(archived + readFileSync(join(directory, "app.log"), "utf8"), lines);
});

test("many at once share one log", async (t) => {
  const directory = temporaryDirectory(t);
  const writers = ["a", "b", "c", "d"];
  const input = (writer: string) => Array.from({ length: 500 }, (_, i) => `${writer} ${i}\n`).join("");
  const flags = ["--max-bytes", "2KiB", "--backup-count", "100"];
  const run = (writer: string) => Clh.run(["write", join(directory, "app.log"), ...flags], input(writer));
  await Promise.all(writers.map(run));
  const lines = Object.values(textOf(directory)).join("").trim().split("\n");
  const expected = writers.map(input).join("").trim().split("\n");
  assert.deepEqual(lines.sort(), expected.sort());
});

test("--tee copies the input", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const { stdout } = await Clh.run(["write", log, "--tee"], "one\ntwo");
  assert.equal(stdout, "one\ntwo");
});

describe("ends cleanly, with all that it was given in the log", () => {
  const isPosix = process.platform !== "win32";
  for (const signal of ["SIGINT", "SIGTERM", ...(isPosix ? (["SIGHUP", "SIGQUIT"] as const) : [])] as const) {
    test(`on ${signal}, what is in the pipe by then too`, { skip: !isPosix }, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const clh = new Clh("write", log);
      clh.process.stdin.write("one\n");
      await until(() => existsSync(log) && readFileSync(log, "utf8").length > 0);
      const pid = clh.process.pid!; // what was told to stop by its object is dead to Deno
      process.kill(pid, "SIGSTOP");
      await new Promise((resolve) => clh.process.stdin.write("two\nthree\n", resolve));
      process.kill(pid, signal);
      process.kill(pid, "SIGCONT");
      assert.equal(await clh.ended, 0);
      assert.equal(readFileSync(log, "utf8"), "one\ntwo\nthree\n");
      assert.equal(clh.stderr, "");
    });

    test(`on ${signal}`, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const clh = new Clh("write", log);
      clh.process.stdin.write("one\ntwo\nno line feed");
      await until(() => existsSync(log) && readFileSync(log, "utf8").length > 4);
      process.kill(clh.process.pid!, signal); // told of the end, not of the signal, in Deno too
      assert.equal(await clh.ended, 0);
      assert.equal(readFileSync(log, "utf8"), "one\ntwo\nno line feed\n");
    });
  }

  test("and not on SIGPIPE, which Node ignores", { skip: !isPosix }, async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const clh = new Clh("write", log);
    clh.process.stdin.write("one\n");
    await until(() => existsSync(log) && readFileSync(log, "utf8").length > 0);
    process.kill(clh.process.pid!, "SIGPIPE");
    clh.process.stdin.end("two\n");
    assert.equal(await clh.ended, 0);
    assert.equal(readFileSync(log, "utf8"), "one\ntwo\n");
  });

  test("on a signal, though the sender does not stop", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const clh = new Clh("write", log);
    const sender = setInterval(() => clh.process.stdin.write("again\n"), 5);
    t.after(() => clearInterval(sender));
    await until(() => existsSync(log) && readFileSync(log, "utf8").length > 0);
    process.kill(clh.process.pid!, "SIGTERM");
    assert.equal(await clh.ended, 0);
  });

  test("when nobody reads what it tees", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const clh = new Clh("write", log, "--tee");
    clh.process.stdin.write("one\n");
    await until(() => clh.stdout !== "");
    clh.process.stdout.destroy();
    await setTimeout(20);
    clh.process.stdin.write("two\n");
    await until(() => readFileSync(log, "utf8").includes("two"));
    clh.process.stdin.write("three\n");
    assert.equal(await clh.ended, 0);
    assert.match(readFileSync(log, "utf8"), /^one\ntwo\n/);
    assert.equal(clh.stderr, "");
  });
});

describe("exit code 1, and a line that says so, when a record was lost", () => {
  test("since the lock was not free, with --on-lock-timeout throw, after the first record", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const clh = new Clh("write", log, "--on-lock-timeout", "throw", "--lock-timeout", "50");
    clh.process.stdin.write("one\n");
    await until(() => existsSync(log) && readFileSync(log, "utf8").length > 0);
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(1000));
    t.after(() => holder.close());
    clh.process.stdin.write("two\n");
    assert.equal(await clh.ended, 1);
    assert.match(clh.stderr, /^clh: Could not lock .* was not written, and is not kept\.\n$/);
    assert.equal(readFileSync(log, "utf8"), "one\n");
  });

  test("and 2 when it was not free from the beginning: nothing was done", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const holder = makeLock(lockFilePath(log));
    assert.ok(holder.acquire(1000));
    t.after(() => holder.close());
    const flags = ["--on-lock-timeout", "throw", "--lock-timeout", "50"];
    const { code, stderr } = await Clh.run(["write", log, ...flags], "one\n");
    assert.equal(code, 2);
    assert.match(stderr, /^clh: Could not lock .*\n$/);
  });

  test("since it was ended while it could not write", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    const clh = new Clh("write", log, "--on-lock-timeout", "wait", "--lock-timeout", "20");
    clh.process.stdin.write("one\n");
    await until(() => existsSync(log) && readFileSync(log, "utf8").length > 0);
    renameSync(dirname(log), `${dirname(log)}.moved`);
    writeFileSync(dirname(log), "in the way");
    t.after(() => rmSync(`${dirname(log)}.moved`, { recursive: true }));
    clh.process.stdin.write("two\nthree\n");
    await until(() => clh.stderr !== "");
    process.kill(clh.process.pid!, "SIGTERM");
    assert.equal(await clh.ended, 1);
    assert.match(clh.stderr, /\nclh: The process ends, and 1 records for .* are lost: they could not be written\.\n$/);
  });
});

test("a size limit without a number of files is told once: records are deleted", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const input = Array.from({ length: 100 }, (_, i) => `${i}\n`).join("");
  const { code, stderr } = await Clh.run(["write", log, "--max-bytes", "100"], input);
  assert.equal(code, 0);
  assert.match(stderr, /^clh: --max-bytes without --backup-count deletes the records of .*\n$/);
  const { stdout } = await Clh.run(["verify", log]);
  assert.match(
    stdout,
    /^GOOD.*\n {2}- its writers keep no rotated file \(backupCount is 0\): every 100 bytes, all records are deleted\n$/,
  );
  for (const said of [
    ["--backup-count", "0"],
    ["--backup-count", "2"],
    ["--max-age", "1d"],
  ])
    assert.equal((await Clh.run(["write", log, "--max-bytes", "100", ...said], input)).stderr, "");
});

describe("one clear line and exit code 2", () => {
  const cases: [name: string, args: string[], message: RegExp][] = [
    [
      "an unknown flag",
      ["app.log", "--max-byte", "5"],
      /^clh: unknown option '--max-byte' \(Did you mean --max-bytes\?\)\n$/,
    ],
    [
      "a bad size",
      ["app.log", "--max-bytes", "10apples"],
      /^clh: Expected the option --max-bytes to be .*, got '10apples'\.\n$/,
    ],
    ["a bad count", ["app.log", "--backup-count", "-1"], /^clh: .*--backup-count.*\n$/],
    ["a bad truth", ["app.log", "--keep-file-open", "maybe"], /^clh: .*--keep-file-open.* true or false.*\n$/],
    ["a bad encoding", ["app.log", "--encoding", "klingon"], /^clh: .*--encoding.*'klingon'\.\n$/],
    ["no file", [], /^clh: missing required argument 'file'\n$/],
    ["a directory", ["."], /^clh: Expected <file> to be a file: .*\n$/],
  ];
  for (const [name, args, message] of cases) {
    test(name, async () => {
      const { code, stdout, stderr } = await Clh.run(["write", ...args]);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, ""]);
    });
  }

  test("a directory that cannot be written", async (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, "file"), "");
    mkdirSync(join(directory, "other"));
    const { code, stderr } = await Clh.run(["write", join(directory, "file", "app.log")]);
    assert.equal(code, 2);
    assert.match(stderr, /^clh: Cannot .*ENOTDIR.*\n$/);
  });

  test("an unknown command", async () => {
    const { code, stderr } = await Clh.run(["wriet"]);
    assert.equal(code, 2);
    assert.match(stderr, /^clh: unknown command 'wriet' \(Did you mean write\?\)\n$/);
  });
});

test("--help and --version", async () => {
  const help = await Clh.run(["write", "--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--max-bytes <size>[\s\S]*Examples:/);
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  assert.equal((await Clh.run(["--version"])).stdout, `${version}\n`);
});

test("a real pipe of a shell", { skip: process.platform === "win32" }, (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  execFileSync("sh", ["-c", `seq 20000 | ${CLH_IN_SHELL} write "${log}" --max-bytes 64k --backup-count 99`]);
  assert.match(readFileSync(log, "utf8"), /\n20000\n$/);
});
