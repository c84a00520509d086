import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { CLH_IN_SHELL, Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

const LONGEST_WAIT = 60_000;
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
const inTmux = { skip: !hasTmux && "there is no tmux" };

/** A terminal with a shell that runs the command, driven by keys. */
class Terminal {
  readonly #socket: string;

  constructor(t: TestContext, command: string, { columns = 80, rows = 8, env = "" } = {}) {
    // Before the directory with its socket is deleted.
    t.after(() => spawnSync("tmux", ["-S", this.#socket, "kill-server"]));
    this.#socket = join(temporaryDirectory(t), "socket");
    const shell = `echo before; ${env} TZ=UTC ${CLH_IN_SHELL} ${command}; echo "ended with $?"; exec cat`;
    this.#tmux("-f", "/dev/null", "new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, shell);
  }

  keys(...keys: string[]): void {
    for (const key of keys) this.#tmux("send-keys", key);
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  get rows(): string[] {
    return this.#tmux("capture-pane", "-p").trimEnd().split("\n");
  }

  get program(): number {
    return Number(
      execFileSync("pgrep", ["-P", this.#tmux("display-message", "-p", "#{pane_pid}").trim()], { encoding: "utf8" }),
    );
  }

  /** Waits until the screen is so. */
  async shows(...wanted: RegExp[]): Promise<string[]> {
    const end = performance.now() + LONGEST_WAIT;
    for (;;) {
      const { rows } = this;
      const text = rows.join("\n");
      if (wanted.every((pattern) => pattern.test(text))) return rows;
      assert.ok(performance.now() < end, `${wanted} in\n${text}`);
      await setTimeout(50);
    }
  }

  #tmux(...args: string[]): string {
    return execFileSync("tmux", ["-S", this.#socket, ...args], { encoding: "utf8" });
  }
}

/** Two compressed backups, a plain one and the active file, with a record for each second. */
function makeLog(t: TestContext): string {
  const log = join(temporaryDirectory(t), "app.log");
  let time = Date.UTC(2024, 4, 17, 10);
  for (const [n, name] of [".3.gz", ".2.gz", ".1", ""].entries()) {
    let text = "";
    for (let i = 0; i < 1000; i++, time += 1000)
      text += `${JSON.stringify({ time: new Date(time), level: i % 10 === 0 ? "error" : "info", n: n * 1000 + i })}\n`;
    writeFileSync(log + name, name.endsWith(".gz") ? gzipSync(text) : text);
    utimesSync(log + name, time / 1000, time / 1000);
  }
  return log;
}

test(
  "a log is one page from its oldest backup to its newest record, moved and searched by the keys of less",
  inTmux,
  async (t) => {
    const terminal = new Terminal(t, `view "${makeLog(t)}"`);
    await terminal.shows(/"n":3993\}\n/, /"n":3999\}\napp\.log {2}2024-05-17 11:06:33 {2}END/);
    terminal.keys("g");
    await terminal.shows(/^\{.*"n":0\}\n/, /app\.log\.3\.gz.* 0%/);
    terminal.keys("/", '"n":2500', "Enter");
    await terminal.shows(/^\{.*"n":2500\}\n/, /app\.log\.1 /);
    terminal.keys("?", "9\\}", "Enter");
    await terminal.shows(/^\{.*"n":2499\}\n/);
    terminal.keys("n");
    await terminal.shows(/^\{.*"n":2489\}\n/);
    terminal.keys("N");
    await terminal.shows(/^\{.*"n":2499\}\n/);
    terminal.keys("t", "10:20", "Enter");
    await terminal.shows(/^\{.*"n":1200\}\n/, /app\.log\.2\.gz/);
    terminal.keys("Space");
    await terminal.shows(/^\{.*"n":1207\}\n/);
    terminal.keys("b", "k", "k");
    await terminal.shows(/^\{.*"n":1198\}\n/);
    terminal.keys("h");
    await terminal.shows(/KEYS OF clh view/);
    terminal.keys("q", "l", "error", "Enter");
    await terminal.shows(/^\{.*"n":1200\}\n.*"n":1210\}\n/, /only error/);
    terminal.keys("w", "n >= 3000", "Enter", "g");
    await terminal.shows(/^\{.*"n":3000\}\n.*"n":3010\}\n/, /only error, n >= 3000/);
    terminal.keys("w", "n >", "Enter");
    await terminal.shows(/where/);
    terminal.keys("q");
    const rows = await terminal.shows(/ended with 0/);
    assert.deepEqual(rows, ["before", "ended with 0"], "what was there before is there again");
  },
);

test("what is written is followed across a rotation", inTmux, async (t) => {
  const log = makeLog(t);
  const terminal = new Terminal(t, `view "${log}"`);
  await terminal.shows(/END/);
  terminal.keys("F");
  await terminal.shows(/following/);
  appendFileSync(log, "appended\n");
  await terminal.shows(/^appended$/m);
  for (const n of [3, 2]) renameSync(`${log}.${n}.gz`, `${log}.${n + 1}.gz`);
  renameSync(`${log}.1`, `${log}.2`);
  renameSync(log, `${log}.1`);
  writeFileSync(log, "in a new file\n");
  await terminal.shows(/^appended\nin a new file$/m);
  terminal.keys("k");
  await terminal.shows(/^appended$/m);
});

test(
  "escapes are shown as such, wide characters count by their width, and a narrow terminal folds",
  inTmux,
  async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    writeFileSync(log, `one\x1b[31m two\x1b]0;title\x07\n${"漢".repeat(12)}\na\tb\n`);
    const terminal = new Terminal(t, `view "${log}"`, { columns: 20, rows: 10 });
    const rows = await terminal.shows(/END|h help/);
    assert.deepEqual(rows.slice(0, 5), [
      "one\\x1b[31m two\\x1b]",
      "0;title\\x07",
      "漢".repeat(10),
      "漢漢",
      "a       b",
    ]);
    terminal.resize(40, 10);
    await terminal.shows(/^one\\x1b\[31m two\\x1b\]0;title\\x07\n漢{12}\n/);
  },
);

test("the terminal is given back when a signal or a fault ends the command", inTmux, async (t) => {
  const log = makeLog(t);
  const killed = new Terminal(t, `view "${log}"`);
  await killed.shows(/END/);
  process.kill(killed.program, "SIGTERM");
  assert.equal((await killed.shows(/ended with 143/))[0], "before");
  const thrower = 'NODE_OPTIONS="--import=data:text/javascript,setTimeout(function(){throw(Error(1234))},3000)"';
  const crashed = new Terminal(t, `view "${log}"`, { env: thrower, rows: 24 });
  assert.equal((await crashed.shows(/1234/, /ended with [17]/))[0], "before");
});

test("without a terminal it says what to do", async (t) => {
  const { code, stderr } = await Clh.run(["view", makeLog(t)]);
  assert.equal(code, 2);
  assert.match(stderr, /^clh: clh view needs a terminal: use clh read/);
});
