import { openSync, writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type HandlerOptions, makeHandler } from "../src/handler/create-handler.js";
import { endOfTurn, freshTexts } from "./like-a-server.js";
import { type Quantiles, quantiles } from "./quantiles.js";

/* One writer of a benchmark, in a process of its own: node writer.js '<job as JSON>'. */

export interface Job {
  readonly kind: "handler" | "writeSync";
  readonly file: string;
  readonly records: number;
  /** Of one record, with its terminator. */
  readonly bytes: number;
  /** Milliseconds since 1970 at which all writers begin. */
  readonly startAt: number;
  /** Time every single write, which makes the whole slower. */
  readonly latency: boolean;
  readonly options: HandlerOptions;
}

export interface Report {
  /** From the first record to the last. */
  readonly nanoseconds: number;
  /** Microseconds of one write; undefined when they were not timed. */
  readonly latency?: Quantiles;
  readonly rotations: number;
}

// Enough to compile the code, not enough to fill the file.
const WARM_UP = 20_000;

const job = JSON.parse(process.argv[2]!) as Job;
const textOf = freshTexts(job.bytes);
const handler = makeHandler(job.file, job.options);
const fd = openSync(job.file, "a");
const write =
  job.kind === "handler" ? (i: number) => handler.write(textOf(i)) : (i: number) => writeSync(fd, `${textOf(i)}\n`);

for (let i = 0; i < WARM_UP; i++) {
  write(i);
  const turn = endOfTurn(i);
  if (turn !== undefined) await turn;
}
await setTimeout(job.startAt - Date.now() - 5);
while (Date.now() < job.startAt);

const latencies = job.latency ? new Float64Array(job.records) : new Float64Array(0);
const start = process.hrtime.bigint();
for (let i = 0; i < job.records; i++) {
  const before = job.latency ? performance.now() : 0;
  write(i);
  if (job.latency) latencies[i] = performance.now() - before;
  const turn = endOfTurn(i);
  if (turn !== undefined) await turn;
}
const nanoseconds = Number(process.hrtime.bigint() - start);
const report: Report = {
  nanoseconds,
  ...(job.latency && { latency: quantiles(latencies) }),
  rotations: handler.stats().rotations,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
