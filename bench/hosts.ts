import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * What a record costs through each host: into nothing, into the file, and into the file without a host; microseconds of
 * the processor, medians of interleaved rounds of one run. And how long pino's thread takes, beside pino-roll.
 */

const ROUNDS = Number(process.argv[2] ?? 5);
const writer = fileURLToPath(new URL("./host-writer.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));

type Sink = "nothing" | "file" | "pino-roll";

const cases: { host: string; sink: Sink; costs: number[] }[] = [
  { host: "none", sink: "file", costs: [] },
  ...["pino", "winston", "log4js", "logtape", "stream"].flatMap((host) => [
    { host, sink: "nothing" as const, costs: [] },
    { host, sink: "file" as const, costs: [] },
  ]),
  { host: "pino transport", sink: "file", costs: [] },
  { host: "pino transport", sink: "pino-roll", costs: [] },
];

try {
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [i, one] of cases.entries()) {
      const args = [writer, one.host, one.sink, join(directory, `${round}-${i}.log`)];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      one.costs.push(Number(stdout));
    }
  }
  const cost = (host: string, sink: Sink) => median(cases.find((one) => one.host === host && one.sink === sink)!.costs);
  const bare = cost("none", "file");
  print(`the handler alone: ${bare.toFixed(2)} µs a record`);
  for (const host of ["pino", "winston", "log4js", "logtape", "stream"]) {
    const [nothing, file] = [cost(host, "nothing"), cost(host, "file")];
    const added = file - nothing - bare;
    print(
      `${host.padEnd(8)} into nothing ${nothing.toFixed(2).padStart(6)}   into the file ${file.toFixed(2).padStart(6)}` +
        `   the adapter adds ${added.toFixed(2).padStart(6)}`,
    );
  }
  const [ours, roll] = [cost("pino transport", "file"), cost("pino transport", "pino-roll")];
  print(
    `pino's thread ${ours.toFixed(2)}   with pino-roll ${roll.toFixed(2)}   speed ${(roll / ours).toFixed(2)} of it`,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
