import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { HandlerOptions } from "../src/handler/create-handler.js";
import { outputOf } from "./output.js";
import type { PauseJob, PauseReport } from "./pause-writer.js";

/*
 * Does a writer wait because files are compressed? Four writers, files of 100 MB, gzip of level 9, beside the same without
 * compression, and without compression but with another program that keeps a processor as busy as the compressor does.
 * Rounds are interleaved; figures are of all writes of all rounds.
 */

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "10" },
    writers: { type: "string", default: "4" },
  },
});
const START_UP = 2500; // milliseconds until the slowest of the writers is loaded

const writer = fileURLToPath(new URL("./pause-writer.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
const PLAIN = { maxBytes: "100MiB", backupCount: 2 } as const;
const GZIP = { ...PLAIN, compression: { format: "gzip", level: 9 } } as const;
const MEBIBYTE = 1024 ** 2;
const TEXT = randomBytes(MEBIBYTE)
  .toString("base64")
  .slice(0, MEBIBYTE - 1)
  .concat("\n");
const FULL_AT_START = 99;
const BURNER = `const { randomBytes } = require("node:crypto"); const { gzipSync } = require("node:zlib");
const text = Buffer.from(randomBytes(1 << 20).toString("base64")); for (;;) gzipSync(text, { level: 9 });`;

interface Case {
  readonly name: string;
  readonly options: HandlerOptions;
  readonly burns: boolean;
  readonly times: number[];
  rotations: number;
  megabytes: number;
}

const make = (name: string, options: HandlerOptions, burns = false): Case => {
  return { name, options, burns, times: [], rotations: 0, megabytes: 0 };
};
const cases = [
  make("no compression", PLAIN),
  make("gzip, level 9", GZIP),
  make("no compression, a processor busy", PLAIN, true),
];

try {
  for (let round = 1; round <= Number(flags.rounds); round++) {
    process.stderr.write(`round ${round} of ${flags.rounds}\n`);
    for (const one of cases) await measure(one);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
print(
  `one write, milliseconds; ${flags.writers} writers, files of 100 MiB, ${cpus().length} processors, Node ${process.version}`,
);
print(`${"".padEnd(34)}      p50      p99    p99.9   p99.99      max   over 5 ms   writes  MB/s  rotations`);
for (const { name, times, rotations, megabytes } of cases) {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  const figures = [0.5, 0.99, 0.999, 0.9999, 1].map((share) => at(share).toFixed(3).padStart(9));
  const slow = sorted.filter((time) => time > 5).length.toString();
  const rate = Math.round(megabytes / (Number(flags.rounds) * Number(flags.seconds))).toString();
  print(
    `${name.padEnd(34)}${figures.join("")}${slow.padStart(12)}${String(sorted.length).padStart(9)}${rate.padStart(6)}${String(rotations).padStart(11)}`,
  );
}

async function measure(one: Case): Promise<void> {
  const file = join(mkdtempSync(join(directory, "case-")), "bench.log");
  for (let i = 0; i < FULL_AT_START; i++) appendFileSync(file, TEXT); // so that there is something to compress at once
  const burner = one.burns ? spawn(process.execPath, ["-e", BURNER], { stdio: "ignore" }) : undefined;
  const job: PauseJob = {
    file,
    options: one.options,
    milliseconds: Number(flags.seconds) * 1000,
    startAt: Date.now() + START_UP,
  };
  const reports = await Promise.all(Array.from({ length: Number(flags.writers) }, () => run(job)));
  await end(burner);
  rmSync(join(file, ".."), { recursive: true });
  for (const { times, rotations, bytes } of reports) {
    for (const time of times) one.times.push(time);
    one.rotations += rotations;
    one.megabytes += bytes / 1e6;
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined) return;
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill();
  await ended;
}

async function run(job: PauseJob): Promise<PauseReport> {
  return JSON.parse(await outputOf(process.execPath, [writer, JSON.stringify(job)])) as PauseReport;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
