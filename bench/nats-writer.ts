import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsHandler, type NatsHandlerOptions } from "../src/nats.js";

/* nats-writer job: writers of bench/nats.ts. It says "ready", waits for a line, writes, and says how it went. */

export interface NatsJob {
  readonly options: NatsHandlerOptions;
  /** Handlers in this process, each with a connection of its own. */
  readonly handlers: number;
  /** Records of each; 0: until it is killed. */
  readonly records: number;
  /** Records per second; undefined: as fast as it can. */
  readonly rate?: number;
}

/** What a writer says at its end, or again and again where it has none. */
export interface NatsWriterResult {
  /** Milliseconds since 1970. */
  readonly begin: number;
  /** Microseconds of the processor. */
  readonly cpu: number;
  /** Bytes that the process had before it wrote, and has had at most. */
  readonly rss: readonly [before: number, peak: number];
  readonly written: number;
}

const RECORD_BYTES = 120;
const SAMPLE_MS = 50;

const { options, handlers, records, rate } = JSON.parse(process.argv[2]!) as NatsJob;
const all = Array.from({ length: handlers }, () => new NatsHandler(options));
for (const handler of all) {
  handler.on("error", () => {}); // servers are killed
  await handler.open();
}
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
say("ready");
await once(process.stdin, "data");

const before = process.memoryUsage.rss();
let peak = before;
let written = 0;
const cpu = process.cpuUsage();
const begin = Date.now();
const result = (): NatsWriterResult => {
  const { user, system } = process.cpuUsage(cpu);
  return { begin, cpu: user + system, rss: [before, peak], written };
};
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
  if (records === 0) say(result());
}, SAMPLE_MS);

await Promise.all(all.map(rate === undefined ? writeFast : (handler) => writeAt(handler, rate)));
await Promise.all(all.map((handler) => handler.flush()));
clearInterval(sampling);
say(result());
process.exit();

async function writeFast(handler: NatsHandler, index: number): Promise<void> {
  const start = `${process.pid}.${index} `;
  for (let i = 0; i < records || records === 0; i++) {
    const hasRoom = handler.write((start + i).padEnd(RECORD_BYTES - 1, "x"));
    written++;
    // Not by `once` of node:events, which rejects when an error is told meanwhile.
    if (!hasRoom && handler.writableNeedDrain) await new Promise<void>((resolve) => handler.once("drain", resolve));
  }
}

/** Each record says when it was written. */
async function writeAt(handler: NatsHandler, perSecond: number): Promise<void> {
  for (let i = 0; i < records || records === 0; i++) {
    const due = begin + (i * 1000) / perSecond;
    const wait = due - Date.now();
    if (wait > 0) await sleep(wait);
    handler.write(`${performance.timeOrigin + performance.now()} `.padEnd(RECORD_BYTES - 1, "x"));
    written++;
  }
}
