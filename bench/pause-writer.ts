import { setTimeout } from "node:timers/promises";
import { type HandlerOptions, makeHandler } from "../src/handler/create-handler.js";

/* One writer of bench/pause, in a process of its own: writes for some seconds, a few records at a time. */

export interface PauseJob {
  readonly file: string;
  readonly options: HandlerOptions;
  readonly milliseconds: number;
  /** Milliseconds since 1970 at which all writers begin. */
  readonly startAt: number;
}

export interface PauseReport {
  /** Milliseconds of each write. */
  readonly times: number[];
  readonly rotations: number;
  readonly bytes: number;
}

const AT_A_TIME = 40;
const PAUSE = 2;
const WARM_UP = 500;
const BYTES = 1000;

const { file, options, milliseconds, startAt } = JSON.parse(process.argv[2]!) as PauseJob;
const handler = makeHandler(file, options);
// As hard to compress as logs are: numbers that differ, in words that do not.
const records = Array.from({ length: WARM_UP }, () => {
  let text = `${process.pid} INFO`;
  while (text.length < BYTES) text += ` request ${Math.random().toString(36).slice(2, 8)} took ${Math.random()} ms,`;
  return text.slice(0, BYTES - 1);
});
for (const record of records) handler.write(record);
await setTimeout(startAt - Date.now());

const before = handler.stats();
const times: number[] = [];
for (const end = performance.now() + milliseconds; performance.now() < end; ) {
  for (let i = 0; i < AT_A_TIME; i++) {
    const record = records[times.length % records.length]!;
    const start = performance.now();
    handler.write(record);
    times.push(performance.now() - start);
  }
  await setTimeout(PAUSE);
}
const { rotations, bytes } = handler.stats();
process.stdout.write(
  JSON.stringify({ times, rotations, bytes: bytes - before.bytes } satisfies PauseReport),
  () => process.exit(), // what is not compressed yet is not our question
);
