import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ROOT } from "../support/package.js";

export const EXAMPLES = join(ROOT, "examples");

/** Runs a program of an example in a folder where it finds its packages; it must log at least `records` records. */
export function runExample(folder: string, program: string, records: number): void {
  const { status, stderr } = spawnSync(process.execPath, [program], { cwd: folder, encoding: "utf8" });
  assert.equal(stderr.replace(/^.*ExperimentalWarning.*\n.*\n/gm, ""), "");
  assert.equal(status, 0);
  const logs = readdirSync(folder).filter((name) => name.startsWith("app.log"));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n"));
  assert.ok(lines.length >= records, `${lines.length} lines in ${logs}`);
}

/** A copy of an example, below a folder with packages. */
export function copyExample(t: TestContext, name: string, home: string): string {
  const folder = join(home, `example-${name}-${t.name.replaceAll(/\W/g, "-")}`);
  cpSync(join(EXAMPLES, name), folder, { recursive: true });
  return folder;
}
