import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A directory of the test's own, gone when the test has ended. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "clh-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** All files of a directory with their text, hidden files for locks and settings left out. */
export function textOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => !/\.(lock|settings)$/.test(name));
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
