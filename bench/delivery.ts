import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeliveryMode } from "../src/index.js";
import type { DeliveryJob, DeliveryReport } from "./delivery-writer.js";
import { outputOf } from "./output.js";

/*
 * What does each delivery bring? 120-byte records as of a server (like-a-server.ts), rotating at 10 MiB: records per second from one process and from
 * eight, beside pino-roll and winston-daily-rotate-file from one; what a call takes; how much memory a burst takes; and how long
 * the event loop stands still while another process holds the lock for a second, and when nothing is logged. Medians of
 * interleaved rounds of one run; the best as well, and processor time, since a host may take the processor away.
 */

const ROUNDS = Number(process.argv[2] ?? 3);
const RECORDS = 1_000_000;
const BURST = 5_000_000;
const START_UP = 1500; // milliseconds until the slowest of the writers is loaded

const writer = fileURLToPath(new URL("./delivery-writer.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
const MODES: DeliveryMode[] = ["sync", "batched", "background"];
let files = 0;

interface Case {
  readonly name: string;
  readonly processes: number;
  readonly job: Omit<DeliveryJob, "file" | "startAt">;
  readonly rounds: DeliveryReport[][];
}

const [stolenBefore, ticksBefore] = [stolen(), ticks()];
const cases: Case[] = [];
const add = (name: string, processes: number, job: Case["job"]) => cases.push({ name, processes, job, rounds: [] });
for (const mode of MODES) add(mode, 1, { kind: mode, records: mode === "sync" ? RECORDS / 2 : RECORDS * 3 });
const areThere = existsSync(fileURLToPath(new URL("../../bench/rivals/node_modules", import.meta.url)));
if (!areThere) print("without rivals: npm ci --ignore-scripts --prefix bench/rivals brings them");
for (const kind of areThere ? (["pino-roll", "winston-daily-rotate-file"] as const) : [])
  add(kind, 1, { kind, records: RECORDS / 4 });
for (const mode of MODES) add(mode, 8, { kind: mode, records: RECORDS / (mode === "sync" ? 8 : 1) });
const latency: Case = {
  name: "background",
  processes: 1,
  job: { kind: "background", records: 200_000, latency: true },
  rounds: [],
};
const burst: Case = {
  name: "background",
  processes: 1,
  job: { kind: "background", records: BURST, burst: true },
  rounds: [],
};
const held: Case = {
  name: "background",
  processes: 1,
  job: { kind: "background", records: 2000, held: true },
  rounds: [],
};
const idle: Case = { ...held, name: "nothing", job: { ...held.job, kind: "nothing" }, rounds: [] };

try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of [...cases, latency, burst, held, idle]) one.rounds.push(await run(one));
  }
  for (const { name, processes, rounds } of cases) {
    const rates = rounds.map((reports) => reports.length * rate1(reports));
    const [middle, best] = [median(rates), Math.max(...rates)].map((rate) =>
      Math.round(rate).toLocaleString("en").padStart(10),
    );
    const cost = median(rounds.flat().map((report) => report.cost!)).toFixed(2);
    print(
      `${name.padEnd(26)} ${processes} process${processes > 1 ? "es" : "  "} ${middle} records/s, best ${best}, processor ${cost} µs`,
    );
  }
  const calls = latency.rounds.map(([report]) => report!);
  print(`background: a call takes p50 ${of(calls, "p50")} µs, p99.9 ${of(calls, "p999")} µs`);
  const bursts = burst.rounds.map(([report]) => report!);
  print(`background: a burst of ${BURST.toLocaleString("en")} records grows memory by ${of(bursts, "grownMiB")} MiB`);
  const [delays, without] = [held, idle].map(({ rounds }) => rounds.map(([report]) => report!));
  print(
    `background: while the lock is held for 1 s, event loop delay p99.9 ${of(delays!, "delayMs")} ms; ` +
      `${of(without!, "delayMs")} ms when nothing is logged`,
  );
  print(`the host took ${((100 * (stolen() - stolenBefore)) / (ticks() - ticksBefore)).toFixed(0)} % of the processor`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function run({ processes, job }: Case): Promise<DeliveryReport[]> {
  const file = join(directory, `${files++}`, "app.log");
  const startAt = Date.now() + START_UP;
  const started = Array.from({ length: processes }, () => start({ ...job, file, startAt }));
  await Promise.allSettled(started);
  const reports = await Promise.all(started);
  rmSync(join(file, ".."), { recursive: true, force: true });
  return reports;
}

async function start(job: DeliveryJob): Promise<DeliveryReport> {
  return JSON.parse(await outputOf(process.execPath, [writer, JSON.stringify(job)])) as DeliveryReport;
}

/** Of one of the processes, when the slowest has ended. */
function rate1(reports: DeliveryReport[]): number {
  return Math.min(...reports.map(({ perSecond }) => perSecond));
}

function of(reports: DeliveryReport[], what: keyof DeliveryReport): string {
  return median(reports.map((report) => report[what] ?? Number.NaN)).toFixed(2);
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

/** Ticks of the processor, of all kinds, since the machine started; the host may have given them to others. */
function ticks(): number {
  return processorTicks().reduce((sum, count) => sum + count, 0);
}

function stolen(): number {
  return processorTicks()[7] ?? 0;
}

function processorTicks(): number[] {
  if (!existsSync("/proc/stat")) return [];
  const [all] = readFileSync("/proc/stat", "latin1").split("\n");
  return all!.split(/ +/).slice(1, 9).map(Number);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
