import { setTimeout } from "node:timers/promises";
import { type HandlerOptions, makeHandler } from "../src/handler/create-handler.js";
import { endOfTurn, freshTexts } from "./like-a-server.js";
import { type Quantiles, quantiles } from "./quantiles.js";

/* One writer of bench/fairness: node fairness-writer.js '<job as JSON>', or `busy MILLISECONDS` for a busy loop. */

export interface FairnessJob {
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly startAt: number;
  readonly endAt: number;
  readonly options: HandlerOptions;
}

export interface FairnessReport {
  readonly records: number;
  readonly latency: Quantiles;
  /** Records that did not get the lock in time. */
  readonly late: number;
}

const textOf = freshTexts(120);
const [given, milliseconds] = process.argv.slice(2);
if (given === "busy") {
  for (const end = Date.now() + Number(milliseconds); Date.now() < end; );
} else {
  const { file, startAt, endAt, options } = JSON.parse(given!) as FairnessJob;
  const handler = makeHandler(file, options);
  handler.on("error", () => {});
  const latencies: number[] = [];
  let late = 0;
  await setTimeout(startAt - Date.now());
  for (let i = 0; Date.now() < endAt; i++) {
    const before = performance.now();
    if (!handler.write(textOf(i))) late++;
    latencies.push(performance.now() - before);
    const turn = endOfTurn(i);
    if (turn !== undefined) await turn;
  }
  handler.close();
  const report: FairnessReport = { records: latencies.length, latency: quantiles(Float64Array.from(latencies)), late };
  process.stdout.write(JSON.stringify(report));
}
