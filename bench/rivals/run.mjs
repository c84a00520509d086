import { spawn } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { draw } from "./draw.mjs";
import { hasDelivery, otherPrograms, RIVALS } from "./rivals.mjs";

/*
 * Speed, latency, memory, and records lost, of this handler and its rivals, from 1 to 8 processes that write one log.
 * Rounds are interleaved, and figures are their medians.
 */

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    records: { type: "string", default: "40000" },
    processes: { type: "string", default: "1,2,4,8" },
    /** Only rivals whose names contain this. */
    only: { type: "string", default: "" },
    out: { type: "string", default: fileURLToPath(new URL("../../docs/bench/", import.meta.url)) },
  },
});
const rounds = Number(flags.rounds);
const records = Number(flags.records);
const processCounts = flags.processes.split(",").map(Number);
const START_UP = 2500; // milliseconds until the slowest of eight writers is loaded
const directory = mkdtempSync(join(tmpdir(), "clh-rivals-"));
const writer = fileURLToPath(new URL("./writer.mjs", import.meta.url));

const contestants = [];
for (const [name, { isOurs = false, isLimit = false, isSlow = false, delivery }] of Object.entries(RIVALS)) {
  if (delivery !== undefined && !(await hasDelivery(delivery))) continue;
  const own = isSlow ? records / 10 : records;
  contestants.push({ name, isOurs, isLimit, records: own, command: [process.execPath, writer] });
}
for (const [name, { isLimit = false, command }] of Object.entries(otherPrograms(directory))) {
  contestants.push({ name, isOurs: false, isLimit, records, command });
}
const cases = contestants
  .filter(({ name }) => name.includes(flags.only))
  .flatMap((contestant) => processCounts.map((processes) => ({ ...contestant, processes, runs: [] })));

try {
  for (let round = 1; round <= rounds; round++) {
    for (const [i, one] of cases.entries()) {
      process.stderr.write(`round ${round} of ${rounds}: ${i + 1} of ${cases.length}, ${one.name}, ${one.processes}\n`);
      one.runs.push(await measure(one));
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const results = cases.map(({ name, isOurs, isLimit, processes, records, runs }) => ({
  name,
  records,
  isOurs,
  isLimit,
  processes,
  rate: median(runs.map((run) => run.rate)),
  memory: median(runs.map((run) => run.memory)),
  lost: median(runs.map((run) => run.lost)),
  doubled: median(runs.map((run) => run.doubled)),
  failed: median(runs.map((run) => run.failed)),
  latency: Object.fromEntries(
    ["p50", "p99", "p99.9", "max"].map((key) => [key, median(runs.map((run) => run.latency[key]))]),
  ),
}));
const facts = {
  rounds,
  records,
  processors: cpus().length,
  processor: cpus()[0].model,
  node: process.version,
  system: `${process.platform} ${process.arch}`,
  date: new Date().toISOString().slice(0, 10),
};
mkdirSync(flags.out, { recursive: true });
writeFileSync(join(flags.out, "rivals.json"), `${JSON.stringify({ facts, results })}\n`);
draw(flags.out);
print(results);

async function measure({ name, processes, records, command }) {
  const place = mkdtempSync(join(directory, "case-"));
  const file = join(place, "app.log");
  const startAt = Date.now() + START_UP;
  const each = Math.floor(records / processes);
  const reports = await Promise.all(
    Array.from({ length: processes }, (_, i) => run(command, [name, file, `w${i}`, each, startAt])),
  );
  const done = reports.filter((report) => report !== undefined);
  const { unique, all } = await count(place);
  rmSync(place, { recursive: true });
  const worst = (of) => Math.max(0, ...done.map(of));
  return {
    rate: (each * done.length) / worst(({ seconds }) => seconds) || 0,
    memory: worst(({ memory }) => memory),
    lost: each * processes - unique,
    doubled: all - unique,
    failed: processes - done.length,
    latency: Object.fromEntries(
      ["p50", "p99", "p99.9", "max"].map((key) => [key, worst(({ latency }) => latency[key])]),
    ),
  };
}

/** Undefined when the writer has failed: some rivals crash when another process has rotated. */
function run([command, ...first], args) {
  const child = spawn(command, [...first, ...args.map(String)], { stdio: ["ignore", "pipe", "ignore"] });
  const killer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  return new Promise((resolve) => {
    child.on("close", () => {
      clearTimeout(killer);
      const report = text.trim().split("\n").at(-1);
      resolve(report?.startsWith("{") ? JSON.parse(report) : undefined);
    });
  });
}

/** Records in all files of a directory, however they are called; a torn one does not count. */
async function count(place) {
  const seen = new Set();
  let all = 0;
  for (const name of readdirSync(place)) {
    for await (const line of createInterface({ input: createReadStream(join(place, name)) })) {
      for (const [record] of line.matchAll(/#w\d+:\d+# x{90}(?!x)/g)) {
        all++;
        seen.add(record);
      }
    }
  }
  return { unique: seen.size, all };
}

function median(figures) {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)];
}

function print(rows) {
  const line = (cells) =>
    process.stdout.write(
      `${cells[0].padEnd(36)}${cells
        .slice(1)
        .map((cell) => String(cell).padStart(11))
        .join("")}\n`,
    );
  line(["", "processes", "records/s", "lost", "doubled", "crashed", "p99 µs", "MB"]);
  for (const { name, processes, rate, lost, doubled, failed, latency, memory } of rows) {
    line([
      name,
      processes,
      Math.round(rate).toLocaleString("en"),
      lost,
      doubled,
      failed,
      latency.p99.toFixed(1),
      Math.round(memory / 1e6),
    ]);
  }
}
