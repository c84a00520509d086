import { spawn } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
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
    seconds: { type: "string", default: "1.5" },
    processes: { type: "string", default: "1,2,4,8" },
    /** Only rivals whose names contain this. */
    only: { type: "string", default: "" },
    out: { type: "string", default: fileURLToPath(new URL("../../docs/bench/", import.meta.url)) },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const processCounts = flags.processes.split(",").map(Number);
const directory = mkdtempSync(join(tmpdir(), "clh-rivals-"));
const writer = fileURLToPath(new URL("./writer.mjs", import.meta.url));

const contestants = [];
for (const [name, { isOurs = false, isLimit = false, delivery }] of Object.entries(RIVALS)) {
  if (delivery !== undefined && !(await hasDelivery(delivery))) continue;
  contestants.push({ name, isOurs, isLimit, command: [process.execPath, writer] });
}
for (const [name, { isLimit = false, command }] of Object.entries(otherPrograms(directory))) {
  contestants.push({ name, isOurs: false, isLimit, command });
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
const results = cases.map(({ name, isOurs, isLimit, processes, runs }) => ({
  name,
  isOurs,
  isLimit,
  processes,
  rate: median(runs.map((run) => run.rate)),
  memory: median(runs.map((run) => run.memory)),
  records: median(runs.map((run) => run.records)),
  /** Of all records. */
  lost: median(runs.map((run) => run.lost)),
  doubled: median(runs.map((run) => run.doubled)),
  /** Bytes of the largest file: all are told to keep to 1 MiB. */
  largest: median(runs.map((run) => run.largest)),
  failed: median(runs.map((run) => run.failed)),
  latency: Object.fromEntries(
    ["p50", "p99", "p99.9", "max"].map((key) => [key, median(runs.map((run) => run.latency[key]))]),
  ),
}));
const facts = {
  rounds,
  seconds,
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

async function measure({ name, processes, command }) {
  const place = mkdtempSync(join(directory, "case-"));
  const file = join(place, "app.log");
  const writers = Array.from({ length: processes }, (_, i) => start(command, [name, file, `w${i}`]));
  await Promise.all(writers.map(({ ready }) => ready));
  const startAt = Date.now() + 10;
  for (const { go } of writers) go(startAt, startAt + seconds * 1000);
  const reports = await Promise.all(writers.map(({ report }) => report));
  const found = await count(place, processes);
  rmSync(place, { recursive: true });
  const done = reports.filter((report) => report !== undefined);
  const worst = (of) => Math.max(0, ...done.map(of));
  // Of who was killed, what it has written at least is known.
  const records = sum(reports.map((report, i) => report?.records ?? found.length[i]));
  return {
    rate: sum(done.map((report) => report.records)) / worst((report) => report.seconds) || 0,
    records,
    memory: worst(({ memory }) => memory),
    lost: records === 0 ? 0 : (records - found.unique) / records,
    doubled: found.all - found.unique,
    largest: found.largest,
    failed: processes - done.filter(({ crashed }) => !crashed).length,
    latency: Object.fromEntries(
      ["p50", "p99", "p99.9", "max"].map((key) => [key, worst(({ latency }) => latency[key])]),
    ),
  };
}

/** The report is undefined when the writer has said nothing in two minutes. */
function start([command, ...first], args) {
  const child = spawn(command, [...first, ...args], { stdio: ["pipe", "pipe", "ignore"] });
  const killer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  let text = "";
  const ready = new Promise((resolve) => {
    child.stdout.on("data", (chunk) => {
      text += chunk;
      resolve();
    });
    child.on("close", resolve);
  });
  const report = new Promise((resolve) => {
    child.on("close", () => {
      clearTimeout(killer);
      const last = text.trim().split("\n").at(-1);
      resolve(last.startsWith("{") ? JSON.parse(last) : undefined);
    });
  });
  child.stdin.on("error", () => {}); // it has crashed before it began, which its report says
  const go = (...span) => child.stdin.end(`${span.join(" ")}\n`);
  return { ready, go, report };
}

/** Records in all files of a directory, however they are called; a torn one does not count. */
async function count(place, processes) {
  const seen = Array.from({ length: processes }, () => []);
  let all = 0;
  let largest = 0;
  for (const name of readdirSync(place)) {
    largest = Math.max(largest, statSync(join(place, name)).size);
    for await (const line of createInterface({ input: createReadStream(join(place, name)) })) {
      for (const [, writer, number] of line.matchAll(/#w(\d+):(\d+)# x{90}(?!x)/g)) {
        all++;
        seen[writer][number] = true;
      }
    }
  }
  return {
    all,
    largest,
    unique: sum(seen.map((numbers) => numbers.reduce((found) => found + 1, 0))),
    length: seen.map(({ length }) => length),
  };
}

function sum(figures) {
  return figures.reduce((total, figure) => total + figure, 0);
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
  line(["", "processes", "records/s", "lost %", "doubled", "file MB", "crashed", "p99 µs", "MB"]);
  for (const { name, processes, rate, lost, doubled, largest, failed, latency, memory } of rows) {
    line([
      name,
      processes,
      Math.round(rate).toLocaleString("en"),
      (100 * lost).toFixed(1),
      doubled,
      (largest / 1e6).toFixed(1),
      failed,
      latency.p99.toFixed(1),
      Math.round(memory / 1e6),
    ]);
  }
}
