import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../src/index.js";

/* What does rotation by time cost a record? Both handlers in turn, in one process, since machines are noisy. */

const ROUNDS = 60;
const WARM_UP = 4;
const RECORDS = 20_000;
const record = "x".repeat(119);

const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
const handlers = [
  new ConcurrentRotatingFileHandler(join(directory, "size.log")),
  new ConcurrentTimedRotatingFileHandler(join(directory, "timed.log"), { when: "midnight" }),
];
const times: number[][] = handlers.map(() => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
    const start = performance.now();
    for (let n = 0; n < RECORDS; n++) handlers[i]!.write(record);
    if (round >= WARM_UP) times[i]!.push(((performance.now() - start) * 1000) / RECORDS);
  }
}
for (const handler of handlers) handler.close();
rmSync(directory, { recursive: true });

const [size, timed] = times.map((all) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!) as [number, number];
process.stdout.write(
  `one record: by size ${size.toFixed(2)} µs, by time ${timed.toFixed(2)} µs (medians), ratio ${(size / timed).toFixed(3)}\n`,
);
