import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { counted, endOf, fillBar, sizeText, wrap } from "../../src/cli/terminal/layout.js";
import { CLH_IN_SHELL } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

const onlyLinux = { skip: process.platform !== "linux" && "script(1) of util-linux makes the terminal" };

/** What the command prints on a terminal of so many columns. */
function onTerminal(columns: number, args: string): string[] {
  const command = `stty rows 50 cols ${columns}; NO_COLOR=1 exec ${CLH_IN_SHELL} ${args}`;
  const text = execFileSync("script", ["-qec", command, "/dev/null"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return text.trimEnd().split(/\r?\n/);
}

/** Lines that the terminal breaks though they have a place for that; usages and examples are literal. */
function broken(lines: readonly string[], columns: number): string[] {
  const end = lines.indexOf("Examples:");
  const prose = end === -1 ? lines : lines.slice(0, end);
  return prose.filter((line) => line.length > columns && line.trim().includes(" ") && !line.startsWith("Usage:"));
}

test("help breaks no word, on a terminal of any width", onlyLinux, () => {
  const words = (lines: readonly string[]) => lines.join(" ").split(/\s+/).join(" ");
  for (const command of ["", "write", "status"]) {
    const wide = onTerminal(200, `${command} --help`);
    for (const columns of [40, 60, 80]) {
      const lines = onTerminal(columns, `${command} --help`);
      assert.deepEqual(broken(lines, columns), [], `${command} at ${columns} columns`);
      assert.equal(words(lines), words(wide));
    }
  }
  assert.deepEqual(broken(["a line that is longer than ten"], 10).length, 1, "and one that does is found out");
});

test("the flags of what writes are in groups", onlyLinux, () => {
  const headings = onTerminal(80, "write --help").filter((line) => /^\S.*:$/.test(line));
  for (const heading of ["Rotation:", "What is kept:", "Compression:", "Files and their lock:"])
    assert.ok(headings.includes(heading), heading);
});

test("status breaks no word, and has sizes that one can read", onlyLinux, (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "x".repeat(1500));
  writeFileSync(`${log}.1`, "x".repeat(13_002_342));
  for (const columns of [40, 60, 80, 200]) {
    const lines = onTerminal(columns, `status "${log}"`);
    assert.deepEqual(broken(lines, columns), [], `at ${columns} columns`);
    const text = lines.join(" ").replace(/\s+/g, " ");
    assert.match(text, /size 1\.5 KiB, changed/);
    assert.match(text, /backups 1, 12\.4 MiB app\.log\.1 12\.4 MiB/);
  }
});

test("sizes, counts and bars", () => {
  const sizes = [0, 1, 1023, 1024, 1536, 1024 ** 2 - 1, 13_002_342, 20 * 1024 ** 3].map(sizeText);
  assert.deepEqual(sizes, ["0 bytes", "1 byte", "1,023 bytes", "1 KiB", "1.5 KiB", "1 MiB", "12.4 MiB", "20 GiB"]);
  assert.deepEqual(
    [0, 1, 1234].map((n) => counted(n, "file")),
    ["0 files", "1 file", "1,234 files"],
  );
  assert.deepEqual(
    [0, 99, 100, 200].map((n) => fillBar(n, 100, 5)),
    ["[     ] 0%", "[==== ] 99%", "[=====] 100%", "[=====] 100%"],
  );
  assert.deepEqual(wrap("one two three-and-more", 7), ["one two", "three-and-more"]);
  assert.deepEqual(
    ["app.log", "/long/path/app.log"].map((text) => endOf(text, 8)),
    ["app.log", "…app.log"],
  );
});
