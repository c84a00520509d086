import { setImmediate } from "node:timers/promises";
import { RIVALS } from "./rivals.mjs";

/* One writer: writer.mjs RIVAL FILE WRITER RECORDS START_MS -> JSON: seconds, latency in microseconds, memory in bytes. */

const [rival, file, writer, records, startAt] = process.argv.slice(2);
const count = Number(records);
const { write, end } = await RIVALS[rival].open(file);
const latencies = new Float64Array(count);
const filler = "x".repeat(90);
let memory = 0;

while (Date.now() < Number(startAt));
const start = process.hrtime.bigint();
for (let number = 0; number < count; number++) {
  const text = `#${writer}:${number}# ${filler}`;
  const before = performance.now();
  write(text);
  latencies[number] = performance.now() - before;
  if (number % 64 === 63) {
    await setImmediate(); // as a service that answers requests would
    memory = Math.max(memory, process.memoryUsage.rss());
  }
}
await Promise.race([end(), new Promise((resolve) => setTimeout(resolve, 20_000))]);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
latencies.sort();
const at = (share) => latencies[Math.min(count - 1, Math.floor(count * share))] * 1000;
const latency = { p50: at(0.5), p99: at(0.99), "p99.9": at(0.999), max: at(1) };
process.stdout.write(`${JSON.stringify({ seconds, latency, memory })}\n`);
// Not process.exit(): some have no way to tell when all is written. But what they leave running does not count.
setTimeout(() => process.exit(), 5000).unref();
