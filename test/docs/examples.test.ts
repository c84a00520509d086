import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { temporaryDirectory } from "../support/temporary.js";
import { PYTHON, whyNoUpstream } from "../support/upstream.js";

/* The programs of examples/, as a reader runs them. */

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));

const logsIn = (directory: string) => readdirSync(directory).filter((name) => !name.startsWith("."));

/** The lines of all log files of a directory. */
function linesIn(directory: string): string[] {
  return logsIn(directory).flatMap((name) => {
    const bytes = readFileSync(join(directory, name));
    return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trimEnd().split("\n");
  });
}

/** Runs one of examples/logging in a directory of its own. */
function run(t: TestContext, name: string): { logs: string[]; lines: string[] } {
  const directory = temporaryDirectory(t);
  const program = join(examples, "logging", name);
  const { status, stderr } = spawnSync(process.execPath, [program], { cwd: directory, encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return { logs: logsIn(directory), lines: linesIn(directory) };
}

/** What the loops of the examples log. */
const messages = (rounds: number) =>
  Array.from({ length: rounds }, (_, i) => [
    `${i} > A debug message.`,
    ...(i % 2 === 0 ? [`${i} > An info message.`] : []),
  ]).flat();

const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`;
const BRACKETS = new RegExp(String.raw`^\[${TIME}\]\[(?:DEBUG|INFO)\]\[([a-z-]+\.js:\d+)\]\[\d+\]\[(.*)\]$`);

describe("logging", () => {
  test("basic", (t) => {
    const { logs, lines } = run(t, "basic.js");
    assert.deepEqual(logs, ["basic.log"]);
    assert.deepEqual(
      lines.map((line) => BRACKETS.exec(line)?.[2]),
      messages(20),
    );
    assert.equal(new Set(lines.map((line) => BRACKETS.exec(line)![1])).size, 2); // two log calls, each with its line
  });

  test("asynchronous", (t) => {
    const { lines } = run(t, "asynchronous.js");
    const form = new RegExp(`^${TIME} (?:DEBUG|INFO) MyExample (.*)$`);
    assert.deepEqual(
      lines.map((line) => form.exec(line)?.[1]),
      [...messages(20), "Done."],
    );
  });

  test("namer", (t) => {
    const { logs, lines } = run(t, "namer.js");
    assert.match(logs.join(), /^namer_test\.log,namer_test_\d{4}_\d\d_\d\d_\(1\)\.log,namer_test_[\d_]+_\(2\)\.log$/);
    assert.ok(lines.includes(messages(50).at(-1)!));
  });

  test("dictConfig", (t) => {
    const { logs, lines } = run(t, "dict-config.js");
    assert.ok(logs.length >= 10 && logs.includes("example.log"), `${logs}`);
    assert.deepEqual(lines.map((line) => BRACKETS.exec(line)?.[2]).sort(), messages(20).sort());
  });

  test("fileConfig", (t) => {
    const { logs, lines } = run(t, "file-config.js");
    assert.deepEqual(logs, ["rotating_size.log", "rotating_timed.log"]);
    assert.equal(lines.length, 40);
    assert.match(lines[0]!, new RegExp(`^${TIME} - MyExample - INFO - 0 > An info message\\.$`));
  });
});

test("Python and Node start from one logging.ini and fill one file", { skip: whyNoUpstream() }, async (t) => {
  const directory = temporaryDirectory(t);
  const start = (command: string, program: string) => {
    const child = spawn(command, [join(examples, "python-and-node", program)], { cwd: directory, stdio: "inherit" });
    return new Promise((resolve) => child.on("exit", resolve));
  };
  const ends = [
    start(PYTHON, "program.py"),
    start(process.execPath, "program.js"),
    start(process.execPath, "program.js"),
  ];
  assert.deepEqual(await Promise.all(ends), [0, 0, 0]);
  const form = new RegExp(`^${TIME} INFO {5}\\d+ (node|python) record (\\d+) of (?:Node|Python)$`);
  const found = linesIn(directory).map((line) => form.exec(line)?.slice(1).join(" "));
  const expected = ["node", "node", "python"].flatMap((name) => Array.from({ length: 2000 }, (_, i) => `${name} ${i}`));
  assert.deepEqual(found.sort(), expected.sort());
  assert.ok(logsIn(directory).length > 5, `${logsIn(directory)}`);
});
