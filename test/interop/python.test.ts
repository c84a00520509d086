import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { alphabet } from "../../src/cli/stress-record.js";
import { check } from "../../src/cli/verdict.js";
import { systemEnvironment } from "../../src/environment.js";
import { temporaryDirectory } from "../support/temporary.js";
import type { NodeJob } from "./node-writer.js";

/* Upstream's handler in Python and ours, on one file. Needs upstream: set PYTHONPATH, or pip install it. */

const PYTHON = process.env.PYTHON ?? "python3";
const RECORDS = 5000;
const START_UP = 1.5; // seconds until the slowest writer is loaded

const missing = whyNotImportable();

for (const useGzip of [false, true]) {
  for (const encoding of ["utf-8", "latin-1"]) {
    const name = `4 Python and 4 Node writers, ${encoding}, ${useGzip ? "gzip" : "plain"}`;
    test(name, { skip: missing ?? false }, (t) => shareOneFile(t, useGzip, encoding));
  }
}

async function shareOneFile(t: TestContext, useGzip: boolean, encoding: string): Promise<void> {
  const file = join(temporaryDirectory(t), "app.log");
  const limits = { maxBytes: 64 * 1024, backupCount: 2000 };
  const common = { file, records: RECORDS, characters: alphabet(encoding), startAt: Date.now() / 1000 + START_UP };
  const python = { ...common, options: { ...limits, use_gzip: useGzip, encoding } };
  const node: Omit<NodeJob, "writer"> = { ...common, options: { ...limits, useGzip, encoding, strictMaxBytes: false } };
  const pythonWriter = fileURLToPath(new URL("../../../test/interop/upstream_writer.py", import.meta.url));
  const nodeWriter = fileURLToPath(new URL("./node-writer.js", import.meta.url));
  const ends = Array.from({ length: 4 }, (_, i) => [
    run(PYTHON, pythonWriter, JSON.stringify({ ...python, writer: `python${i}` })),
    run(process.execPath, nodeWriter, JSON.stringify({ ...node, writer: `node${i}` })),
  ]);
  assert.deepEqual(await Promise.all(ends.flat()), Array(8).fill(0));
  const writers = new Map(
    Array.from({ length: 4 }, (_, i) => [`python${i}`, `node${i}`])
      .flat()
      .map((w) => [w, RECORDS]),
  );
  const verdict = await check(systemEnvironment().fs, file, encoding, { writers, retention: false });
  assert.deepEqual(verdict.problems, []);
  assert.equal(verdict.found, 8 * RECORDS);
  assert.ok(verdict.files > 20);
}

function run(program: string, ...args: string[]): Promise<number | null> {
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
}

function whyNotImportable(): string | undefined {
  try {
    execFileSync(PYTHON, ["-c", "import concurrent_log_handler"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    const reason = stderr?.toString().trim().split("\n").at(-1) || message;
    return `${PYTHON} cannot import concurrent_log_handler (${reason}); pip install concurrent-log-handler, or set PYTHONPATH`;
  }
}
