import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FairnessJob, FairnessReport } from "./fairness-writer.js";
import { outputOf } from "./output.js";

/*
 * How is the lock shared by writers without pause? The share of the slowest writer, of the fastest, and how long one
 * write takes, alone and beside as many busy loops as there are writers. node build/bench/fairness.js [seconds]
 */

const SECONDS = Number(process.argv[2] ?? 3);
const START_UP = 700; // milliseconds for each process, until the slowest is loaded
const WRITERS = [2, 8, 16];
const OPTIONS = { maxBytes: "1MiB", backupCount: 5 } as const;

const writer = fileURLToPath(new URL("./fairness-writer.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "clh-fairness-"));
const columns = ["records/s", "slowest/fastest", "p50 µs", "p99 µs", "p99.9 µs", "longest ms", "late"];

try {
  print(["writers, busy loops", ...columns]);
  for (const writers of WRITERS) for (const loops of [0, writers]) await measure(writers, loops);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure(writers: number, loops: number): Promise<void> {
  const place = mkdtempSync(join(directory, "run-"));
  const startAt = Date.now() + START_UP * (writers + loops);
  const job: FairnessJob = {
    file: join(place, "app.log"),
    startAt,
    endAt: startAt + SECONDS * 1000,
    options: OPTIONS,
  };
  const busy = Array.from({ length: loops }, () =>
    outputOf(process.execPath, [writer, "busy", job.endAt - Date.now()]),
  );
  const texts = await Promise.all(
    Array.from({ length: writers }, () => outputOf(process.execPath, [writer, JSON.stringify(job)])),
  );
  await Promise.all(busy);
  const reports = texts.map((text) => JSON.parse(text) as FairnessReport);
  const records = reports.map((report) => report.records);
  const worst = (of: (report: FairnessReport) => number) => Math.max(...reports.map(of));
  print([
    `${writers}, ${loops}`,
    Math.round(records.reduce((sum, count) => sum + count, 0) / SECONDS).toLocaleString("en"),
    (Math.min(...records) / Math.max(...records)).toFixed(2),
    worst(({ latency }) => latency.p50).toFixed(1),
    worst(({ latency }) => latency.p99).toFixed(0),
    worst(({ latency }) => latency["p99.9"]).toFixed(0),
    (worst(({ latency }) => latency.max) / 1000).toFixed(0),
    String(worst(({ late }) => late)),
  ]);
  rmSync(place, { recursive: true });
}

function print(cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(16))).join("")}\n`);
}
