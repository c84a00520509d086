import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Permission bits of all files after every record, as upstream leaves them. Rows of the size handler. */

interface Row {
  id: number;
  kind: "size" | "timed";
  kwargs: {
    maxBytes: number;
    backupCount: number;
    use_gzip?: boolean;
    keep_file_open?: boolean;
    chmod?: number;
    umask?: number;
  };
  processUmask: number;
  records: number;
  steps: Record<string, string>[];
}

const rows = readFileSync(new URL("../../../test/fixtures/oracles/modes.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Row)
  .filter(({ kind }) => kind === "size");

for (const { id, kwargs, processUmask, records, steps } of rows) {
  test(`permissions like upstream's, row ${id}: ${JSON.stringify(kwargs)}, umask ${processUmask.toString(8)}`, async (t) => {
    const directory = temporaryDirectory(t);
    const before = process.umask(processUmask);
    t.after(() => process.umask(before));
    chmodSync(directory, 0o755);
    const { use_gzip: useGzip = false, keep_file_open: keepFileOpen = true, ...same } = kwargs;
    const handler = new ConcurrentRotatingFileHandler(join(directory, "app.log"), {
      ...same,
      useGzip,
      keepFileOpen,
      strictMaxBytes: false,
    });
    for (let i = 0; i < records; i++) {
      handler.write(`record ${i} ${"x".repeat(20)}`);
      await handler.swept();
      assert.deepEqual(modes(directory), expected(steps[i]!, kwargs), `after record ${i}`);
    }
    handler.close();
  });
}

/**
 * Known faults of upstream: whoever may read its lock file can hold it, and stop all writers; ours is for those who may
 * write it. And the option `umask` does not reach its .gz files, which are readable for more users than the log was; ours
 * take the mode of the file that they compress.
 */
function expected(step: Row["steps"][number], { chmod, umask }: Row["kwargs"]): Record<string, string> {
  const bitsOf = (name: string, bits: string) => {
    if (name.endsWith(".lock")) return octal(((Number.parseInt(bits, 8) & 0o222) * 3) & 0o666);
    return name.endsWith(".gz") && chmod === undefined && umask !== undefined ? octal(0o666 & ~umask) : bits;
  };
  return Object.fromEntries(Object.entries(step).map(([name, bits]) => [name, bitsOf(name, bits)]));
}

function modes(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => !/\.(settings|sweep)$/.test(name)); // upstream has neither
  return Object.fromEntries(names.map((name) => [name, octal(statSync(join(directory, name)).mode & 0o7777)]));
}

function octal(bits: number): string {
  return `0${bits.toString(8)}`.padStart(4, "0");
}
