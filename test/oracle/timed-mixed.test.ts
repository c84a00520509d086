import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { ConcurrentTimedRotatingFileHandler, type TimedRotatingFileHandlerOptions } from "../../src/index.js";
import { environmentWith, ManualClock } from "../support/environment.js";
import { oracle } from "../support/oracles.js";
import { temporaryDirectory } from "../support/temporary.js";

/*
 * The timed handler beside upstream's, operation by operation under a stepped clock: the text of every file, and the
 * lock file. Where we differ on purpose:
 * - upstream's rotation by size puts off the next one by time (S, M, H, D): from there on, the files are ours alone;
 * - garbage in the lock file makes upstream rotate at once, into a file of 1969;
 * - in an hour after a clock change, upstream names the file after another hour than the one in which it began (the
 *   same as `suspect` in timed_rollover): there the texts are compared without their names;
 * - with gzip, upstream renames the file over a plain backup of that name, which it loses;
 * - rows with `suspect`: its retention deletes nothing, or the newest.
 */

type Op = ["log" | "log2" | "delete" | "writelock", string] | ["tick", number] | ["reopen"];

interface Step {
  readonly t: number;
  readonly ls: Record<string, string | Record<string, string>>;
  readonly lock: string;
  readonly rollovers: number;
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly tz: string;
  readonly kwargs: Record<string, unknown>;
  readonly pre: Record<string, { text?: string; gz?: string }>;
  readonly start: number;
  readonly ops: Op[];
  readonly suspect: unknown[];
  readonly steps: Step[];
}

const GARBAGE = new Set([56, 57, 59, 60]);
const CLOCK_CHANGE = new Set([75, 76, 80]);
const OVERWRITES = new Map([[51, { "app.log.2024-05-17_10": "other form\n" }]]);
const LOCK = ".__app.lock";

describe("as upstream", () => {
  for (const row of oracle<Row>("timed_mixed")) test(`${row.id} ${row.name}`, (t) => replay(t, row));
});

async function replay(t: TestContext, row: Row): Promise<void> {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  for (const [name, { text, gz }] of Object.entries(row.pre)) {
    writeFileSync(join(directory, name), text ?? gzipSync(gz!));
  }
  const clock = new ManualClock();
  clock.time = row.start * 1000;
  const errors: unknown[] = [];
  const begin = () => {
    const handler = new ConcurrentTimedRotatingFileHandler(log, optionsOf(row), environmentWith({}, clock));
    handler.on("error", (error) => errors.push(error));
    return handler;
  };
  let handler = begin();
  const second = begin();
  handler.open(); // upstream's constructor does
  t.after(() => {
    handler.close();
    second.close();
  });
  const { comparable, textOnly } = howFar(row);
  const written: string[] = Object.values(row.pre).flatMap(({ text, gz }) =>
    text?.includes("\n") ? text : (gz ?? []),
  );
  let step = 0;
  const compare = () => {
    const { ls, lock } = row.steps[step]!;
    const files = listing(directory);
    const expected = { ...ls, ...OVERWRITES.get(row.id) };
    if (CLOCK_CHANGE.has(row.id)) assert.deepEqual(Object.values(files).sort(), Object.values(ls).sort());
    else if (step < comparable) assert.deepEqual({ files, lock: lockText(directory) }, { files: expected, lock });
    else if (step === textOnly) assert.deepEqual(files, expected);
    step++;
  };
  compare();
  for (const [op, value] of row.ops) {
    if (op === "tick") {
      clock.time += value * 1000;
      continue;
    }
    if (op === "reopen") {
      handler.close();
      handler = begin();
    } else if (op === "delete") {
      written.splice(0, written.length, ...written.filter((text) => text !== read(join(directory, value))));
      rmSync(join(directory, value), { force: true });
    } else if (op === "writelock") writeFileSync(join(directory, LOCK), value);
    else {
      const one = op === "log" ? handler : second;
      assert.ok(one.write(value));
      await one.swept();
      written.push(`${value}\n`);
    }
    compare();
  }
  assert.deepEqual(errors, []);
  assert.equal(step, row.steps.length);
  keepsTheNewest(directory, row, written);
}

function optionsOf({ kwargs, tz }: Row): TimedRotatingFileHandlerOptions {
  const { use_gzip, utc, ...others } = kwargs as { use_gzip?: boolean; utc?: boolean };
  return {
    ...others,
    strictMaxBytes: false,
    ...(use_gzip && { useGzip: true }),
    ...(utc ? { utc } : { timeZone: tz }),
  };
}

/** How many steps must be upstream's wholly, and which one after them in its files if not in its lock file. */
function howFar(row: Row): { comparable: number; textOnly: number } {
  if (row.suspect.length > 0) return { comparable: 0, textOnly: -1 };
  if (GARBAGE.has(row.id)) {
    const first = row.steps.findIndex(({ lock }) => Number(lock) !== Number(row.steps[0]!.lock));
    return { comparable: first, textOnly: first };
  }
  const pushed = row.steps.findIndex(({ rollovers, lock, t }, i) => {
    const before = row.steps[i - 1];
    return before !== undefined && rollovers > before.rollovers && Number(before.lock) > t && lock !== before.lock;
  });
  return pushed === -1 ? { comparable: row.steps.length, textOnly: -1 } : { comparable: pushed, textOnly: pushed };
}

/** Whatever the names: nothing is lost but what retention has removed, and that is the oldest. */
function keepsTheNewest(directory: string, row: Row, written: string[]): void {
  const { backupCount = 0 } = row.kwargs as { backupCount?: number };
  const files = listing(directory);
  const backups = Object.keys(files).filter((name) => name !== "app.log");
  if (backupCount > 0) assert.ok(backups.length <= backupCount, backups.join());
  if (row.ops.some(([op]) => op === "delete")) return;
  const found = Object.values(files).join("").split("\n").sort();
  const expected = written
    .join("")
    .split("\n")
    .filter((line) => backupCount === 0 || line === "" || found.includes(line));
  assert.deepEqual(found.filter(Boolean), expected.filter(Boolean).sort());
  const kept = written.map((line) => found.includes(line.trimEnd()));
  assert.ok(kept.lastIndexOf(false) < kept.indexOf(true), "an older one is kept, a newer one is gone");
}

function listing(directory: string): Record<string, string> {
  const names = readdirSync(directory)
    .filter((name) => name !== LOCK && !/\.(settings|sweep)$/.test(name))
    .sort();
  return Object.fromEntries(names.map((name) => [name, read(join(directory, name))]));
}

function read(path: string): string {
  if (!existsSync(path)) return "";
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

function lockText(directory: string): string {
  return readFileSync(join(directory, LOCK), "utf8");
}
