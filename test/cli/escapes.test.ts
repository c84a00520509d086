import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { jsonLine, printable, printableRecord } from "../../src/cli/terminal/printable.js";
import { settingsPath } from "../../src/log-files/hidden-names.js";
import { CLH, Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Whoever names a process, a file or a setting, or has a record logged, does not command the terminal of who looks. */

// Sets the title, colours, clears, goes to the start of the line, and does so in eight bits; then a line of its own.
const HOSTILE = "\x1b]0;OWNED\x07\x1b[31mred\x1b[0m\x1b[2J\rlock\x9b1m\u202e\nlock  free";
const SHOWN = String.raw`\x1b]0;OWNED\x07\x1b[31mred\x1b[0m\x1b[2J\rlock\x9b1m\u202e\nlock  free`;
const COMMANDS = /[^\P{Cc}\n]|[\u202a-\u202e]/u;

const onlyLinux = { skip: process.platform !== "linux" && "names and terminals as Linux has them" };

describe("a text of others", () => {
  test("is one line, with escapes", () => {
    assert.equal(printable(HOSTILE), SHOWN);
    assert.equal(printable("naïve 日本 👩‍💻 \\x1b"), "naïve 日本 👩‍💻 \\x1b");
    assert.equal(printable("\u2028\u0000\u007f\t"), String.raw`\u2028\x00\x7f\t`);
  });

  test("in a record may have lines, tabs and colours, and nothing else", () => {
    const shown = `${String.raw`\x1b]0;OWNED\x07`}\x1b[31mred\x1b[0m${String.raw`\x1b[2J\rlock\x9b1m\u202e`}\nlock  free\t`;
    assert.equal(printableRecord(`${HOSTILE}\t`), shown);
    assert.equal(printableRecord("\x1b[1;38:5:4mx\x1b[m \x1b[ \x1b"), "\x1b[1;38:5:4mx\x1b[m \\x1b[ \\x1b");
  });

  test("in JSON is the same text", () => {
    assert.deepEqual(JSON.parse(jsonLine({ text: HOSTILE })), { text: HOSTILE });
    assert.doesNotMatch(jsonLine({ text: HOSTILE }).trimEnd(), COMMANDS);
  });
});

/** Standard output and standard error of a command; none of them commands a terminal. */
async function run(...args: string[]): Promise<string> {
  const { stdout, stderr } = await Clh.run(args);
  assert.doesNotMatch(stdout + stderr, COMMANDS, `clh ${args.join(" ")}`);
  return stdout + stderr;
}

describe("nothing of others commands the terminal:", onlyLinux, () => {
  const setUp = (t: TestContext, name = "app.log") => {
    const log = join(temporaryDirectory(t), name);
    writeFileSync(log, "one\n");
    return log;
  };

  test("the name of a process that has the log open", async (t) => {
    const log = setUp(t);
    const fd = openSync(log, "a");
    const child = spawn("sleep", ["600"], { argv0: HOSTILE, stdio: ["ignore", "ignore", "ignore", fd] });
    t.after(() => child.kill("SIGKILL"));
    while (!readFileSync(`/proc/${child.pid}/cmdline`, "utf8").includes("OWNED")) await new Promise(setImmediate);
    const text = await run("status", log);
    assert.ok(text.includes(`${child.pid} ${SHOWN} 600`), text);
    assert.doesNotMatch(text, /^lock {2}free/m);
    const { writers } = JSON.parse(await run("status", "--json", log));
    assert.equal(writers.find(({ pid }: { pid: number }) => pid === child.pid).command, `${HOSTILE} 600`);
  });

  test("settings", async (t) => {
    const log = setUp(t);
    const writer = { pid: 1, host: HOSTILE, thread: 0 };
    writeFileSync(settingsPath(log), JSON.stringify({ writer, settings: { kind: "size", [HOSTILE]: HOSTILE } }));
    const text = await run("status", log);
    assert.equal(text.split(String.raw`\x1b]0;OWNED`).length - 1, 2);
    assert.doesNotMatch(text, /^lock {2}free/m);
  });

  test("the name of the log, in every command and in what they complain of", async (t) => {
    const log = setUp(t, `${HOSTILE.replaceAll("/", "")}.log`);
    appendFileSync(log, "half");
    writeFileSync(`${log}.3`, "zero\n");
    const missing = join(log, "..", HOSTILE, "app.log");
    for (const command of ["status", "verify", "read", "rotate", "sweep", "doctor", "write"]) {
      await run(command, command === "doctor" ? missing : log);
      await run(command, command === "write" ? join(log, "app.log") : missing);
    }
    await run("status", "--json", log);
    await run("verify", "--json", log);
    await run("rotate", "--json", "--backup-count", "5", log);
    await run("rotate", "--backup-count", "5", log);
    await run("read", log, `--${HOSTILE}`);
    await run("read", "--format", "json", log);
    const directory = join(log, "..", `directory ${HOSTILE}`);
    mkdirSync(directory);
    assert.ok((await run("doctor", directory)).includes(String.raw`\x1b]0;OWNED`));
    await run("doctor", "--json", directory);
  });

  test("records, on a terminal; into a pipe they go byte by byte", {
    skip: !hasScript() && "needs script",
  }, async (t) => {
    const log = setUp(t);
    writeFileSync(log, "\x1b]0;OWNED\x07\x1b[31mred\x1b[0m\n");
    const shown = `${String.raw`\x1b]0;OWNED\x07`}\x1b[31mred\x1b[0m\r\n`;
    const onTerminal = (...args: string[]) =>
      execFileSync("script", ["-qec", `"${process.execPath}" "${CLH}" ${args.join(" ")} "${log}"`, "/dev/null"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
    for (const args of [["read"], ["read", "--last", "1"]]) assert.ok(onTerminal(...args).includes(shown), args.join());
    for (const args of [["read"], ["read", "--last", "1"]]) {
      assert.equal((await Clh.run([...args, log])).stdout, readFileSync(log, "utf8"));
    }
  });
});

function hasScript(): boolean {
  return spawnSync("script", ["--version"]).status === 0;
}
