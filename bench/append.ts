import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { HandlerOptions } from "../src/handler/create-handler.js";
import { outputOf } from "./output.js";
import type { Job, Report } from "./writer.js";

/*
 * How fast do records get into one file, from one process and from several, with and without rotation? Beside C loops
 * of the same four system calls, for each record and once in a lease, a bare append, and upstream. The handlers and the bare append do as a server (like-a-server.ts).
 * Ratios are of medians of interleaved rounds of this run.
 */

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    records: { type: "string", default: "400000" },
    /** Only cases whose names contain this. */
    only: { type: "string", default: "" },
  },
});
const ROUNDS = Number(flags.rounds);
const RECORDS = Number(flags.records);
const BYTES = 120;
const LEASE = 1_000_000; // nanoseconds
const START_UP = 1500; // milliseconds until the slowest of the writers is loaded

const source = fileURLToPath(new URL("../../bench/", import.meta.url));
const writer = fileURLToPath(new URL("./writer.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
const PLAIN = {};
const ROTATING = { maxBytes: "1MiB", backupCount: 5 } as const;

interface Case {
  readonly name: string;
  readonly processes: number;
  /** One of the processes, which writes `records` records. */
  readonly run: (file: string, startAt: number, records: number) => Promise<Report>;
  /** Records per second of all processes together, one figure a round. */
  readonly rates: number[];
  last?: Report[];
}

const cases: Case[] = [];
const add = (name: string, processes: number, run: Case["run"]) => {
  if (name.includes(flags.only)) cases.push({ name, processes, run, rates: [] });
};
const handler =
  (options: HandlerOptions, latency = false): Case["run"] =>
  (file, startAt, records) =>
    node({ kind: "handler", file, records, bytes: BYTES, startAt, latency, options });

const program = compileC();
if (program !== undefined) {
  for (const [name, lease] of [
    ["C: flock, stat, write, unlock", 0],
    ["C: the same with leases of 1 ms", LEASE],
  ] as const)
    for (const processes of [1, 8])
      add(name, processes, async (file, startAt, records) => {
        const args = [file, `${file}.lock`, records, BYTES, BigInt(startAt) * 1_000_000n, lease];
        return { nanoseconds: Number(await outputOf(program, args)), rotations: 0 };
      });
}
add("fs.writeSync, no lock", 1, (file, startAt, records) =>
  node({ kind: "writeSync", file, records, bytes: BYTES, startAt, latency: false, options: PLAIN }),
);
for (const processes of [1, 2, 4, 8]) add("sync", processes, handler(PLAIN));
for (const processes of [1, 2, 4, 8]) add("sync, rotating at 1 MiB", processes, handler(ROTATING));
if (hasUpstream()) {
  add("upstream (Python)", 1, async (file, startAt, records) => {
    const args = [join(source, "upstream.py"), file, records, BYTES, BigInt(startAt) * 1_000_000n];
    return { nanoseconds: Number(await outputOf("python3", args)), rotations: 0 };
  });
}

try {
  for (let round = 1; round <= ROUNDS; round++) {
    process.stderr.write(`round ${round} of ${ROUNDS}\n`);
    for (const one of cases) one.rates.push(await measure(one));
  }
  printRates();
  await printLatencies();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure({ processes, run }: Case): Promise<number> {
  const file = join(mkdtempSync(join(directory, "case-")), "bench.log");
  const startAt = Date.now() + START_UP;
  const reports = await Promise.all(Array.from({ length: processes }, () => run(file, startAt, RECORDS / processes)));
  rmSync(join(file, ".."), { recursive: true });
  // All begin at one instant, so the last one to end has the time of all.
  return (RECORDS * 1e9) / Math.max(...reports.map(({ nanoseconds }) => nanoseconds));
}

function printRates(): void {
  const limit = cases.find(({ name, processes }) => name.startsWith("C:") && processes === 1);
  const alone = cases.find(({ name, processes }) => name === "sync" && processes === 1)!;
  print(
    `${RECORDS.toLocaleString("en")} records of ${BYTES} bytes in all, medians of ${ROUNDS} rounds, ${cpus().length} processors, Node ${process.version}`,
  );
  print("");
  print(`${"".padEnd(32)}processes   records/s     lowest    highest   of C   of one process`);
  for (const one of cases) {
    const rate = median(one.rates);
    const ofC = limit === undefined ? "-" : (rate / median(limit.rates)).toFixed(2);
    const figures = [rate, Math.min(...one.rates), Math.max(...one.rates)].map((figure) =>
      Math.round(figure).toLocaleString("en").padStart(11),
    );
    print(
      `${one.name.padEnd(32)}${String(one.processes).padStart(9)}${figures.join("")}${ofC.padStart(7)}${(rate / median(alone.rates)).toFixed(2).padStart(17)}`,
    );
  }
}

async function printLatencies(): Promise<void> {
  print("");
  print(`${"one write, microseconds".padEnd(32)}processes      p50      p99    p99.9      max   (worst writer)`);
  for (const [name, options] of [
    ["sync", PLAIN],
    ["sync, rotating at 1 MiB", ROTATING],
  ] as const) {
    if (!name.includes(flags.only)) continue;
    for (const processes of [1, 2, 4, 8]) {
      const file = join(mkdtempSync(join(directory, "case-")), "bench.log");
      const startAt = Date.now() + START_UP;
      const run = handler(options, true);
      const reports = await Promise.all(
        Array.from({ length: processes }, () => run(file, startAt, RECORDS / processes)),
      );
      const worst = (["p50", "p99", "p99.9", "max"] as const).map((q) =>
        Math.max(...reports.map(({ latency }) => latency![q]))
          .toFixed(1)
          .padStart(9),
      );
      print(`${name.padEnd(32)}${String(processes).padStart(9)}${worst.join("")}`);
      rmSync(join(file, ".."), { recursive: true });
    }
  }
}

async function node(job: Job): Promise<Report> {
  return JSON.parse(await outputOf(process.execPath, [writer, JSON.stringify(job)])) as Report;
}

function compileC(): string | undefined {
  const program = join(directory, "append");
  try {
    execFileSync("cc", ["-O2", "-o", program, join(source, "append.c")], { stdio: "inherit" });
    return program;
  } catch {
    process.stderr.write("no C compiler (cc): the C loop is left out\n");
    return undefined;
  }
}

function hasUpstream(): boolean {
  try {
    execFileSync("python3", ["-c", "import concurrent_log_handler"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("python3 cannot import concurrent_log_handler: upstream is left out (set PYTHONPATH)\n");
    return false;
  }
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
