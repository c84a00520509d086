import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const leftForTheEnd: string[] = [];

/** A directory of the test's own, gone when the test has ended. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "clh-test-"));
  // Windows deletes nothing that is open, and what closes it comes after this.
  if (process.platform === "win32") leftForTheEnd.push(directory);
  else t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  return directory;
}

process.once("exit", () => {
  for (const directory of leftForTheEnd) {
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    } catch {
      // whatever the code: it is left to who cleans the directory for temporary files
    }
  }
});

/** All files of a directory with their text, hidden files for locks and settings left out. */
export function textOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => !/\.(lock|settings|sweep)$/.test(name));
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
