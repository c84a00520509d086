import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { RIVALS } from "./rivals.mjs";

/*
 * One writer: writer.mjs RIVAL FILE WRITER. It says "ready", reads when to start and to end, in milliseconds since 1970,
 * and reports as JSON how many records it wrote, in how many seconds, latency in microseconds, memory in bytes, and
 * whether it crashed.
 */

const SAMPLE = 8; // of so many calls one is timed: timing a call takes as long as some calls do
const TURN = 64; // records
const PATIENCE = 20_000; // milliseconds

const [rival, file, writer] = process.argv.slice(2);
const { write, ready, end } = await RIVALS[rival].open(file);
const latencies = [];
const filler = "x".repeat(90);
let records = 0;
let start = process.hrtime.bigint();

process.on("uncaughtException", () => {
  report(true);
  process.exit(1);
});

process.stdout.write("ready\n");
const [startAt, endAt] = String(await once(process.stdin, "data"))
  .split(" ")
  .map(Number);
process.stdin.destroy();
while (Date.now() < startAt);
start = process.hrtime.bigint();
for (; records % TURN !== 0 || Date.now() < endAt; records++) {
  const text = `#${writer}:${records}# ${filler}`;
  const before = records % SAMPLE === 0 ? performance.now() : 0;
  const goOn = write(text);
  if (before > 0) latencies.push(performance.now() - before);
  if (goOn === false && ready !== undefined) await ready();
  else if (records % TURN === TURN - 1) await setImmediate(); // as a service that answers requests would
}
await Promise.race([end(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
report(false);
// Not process.exit(): some have no way to tell when all is written. But what they leave running does not count.
setTimeout(() => process.exit(), 5000).unref();

function report(crashed) {
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 1000;
  const latency = { p50: at(0.5), p99: at(0.99), "p99.9": at(0.999), max: at(1) };
  const memory = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(`${JSON.stringify({ records, seconds, latency, memory, crashed })}\n`);
}
