import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { blockReader, type ReadLogOptions, readLog } from "../src/reading/read-log.js";
import { readBlocks } from "../src/reading/records/read-blocks.js";

/*
 * How fast is a log of JSON lines searched? Beside `clh read`, which hands on what it reads. Each with the processor time
 * that it takes, so that others on the machine count less.
 */

const MEGABYTES = 200;
const ROUNDS = 3;
const CASES: Readonly<Record<string, ReadLogOptions>> = {
  "every line": {},
  "every record": { format: "auto" },
  "where status >= 500 (1 in 100)": { where: "status >= 500" },
  "where status >= 500 && path ~ '^/api' || !user.id": { where: "status >= 500 && path ~ '^/api' || !user.id" },
  "where status >= 200 (all)": { where: "status >= 200" },
  "level error+ (1 in 100)": { level: "error+" },
  "user.id = 42 (1 in 1000)": { field: { "user.id": 42 } },
  "where msg ~ 'number 7$' (all are parsed)": { where: "msg ~ 'number 7$'" },
  "since, and where status >= 500": { since: 1, where: "status >= 500" },
};

function line(i: number): string {
  const isBad = i % 100 === 0;
  return `${JSON.stringify({
    level: isBad ? 50 : 30,
    time: 1_715_940_000_000 + i,
    pid: 4711,
    hostname: "server-1.example.org",
    user: { id: i % 1000, name: "somebody" },
    method: "GET",
    path: i % 2 === 0 ? "/api/users" : "/index.html",
    status: isBad ? 503 : 200,
    responseTime: (i * 7) % 300,
    msg: `request completed, number ${i}`,
  })}\n`;
}

const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
const log = join(directory, "app.log");
process.once("exit", () => rmSync(directory, { recursive: true }));
const fd = openSync(log, "a");
let bytes = 0;
for (let i = 0; bytes < MEGABYTES * 1e6; ) {
  let text = "";
  for (let k = 0; k < 5000; k++) text += line(i++);
  bytes += writeSync(fd, text);
}
closeSync(fd);

/** Megabytes for each second of processor time: the best of the rounds. */
async function speed(run: () => Promise<number>): Promise<{ speed: number; found: number }> {
  let best = Number.POSITIVE_INFINITY;
  let found = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.cpuUsage();
    found = await run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, user + system);
  }
  return { speed: bytes / best, found };
}

async function plain(): Promise<number> {
  let found = 0;
  for await (const { content } of readBlocks(blockReader(log, {}))) found += content.length;
  return found;
}

async function search(options: ReadLogOptions): Promise<number> {
  let found = 0;
  for await (const _record of readLog(log, options)) found++;
  return found;
}

process.stdout.write(
  `${MEGABYTES} MB of JSON lines of ${line(12345).length} bytes; load ${loadavg()[0]!.toFixed(1)}\n`,
);
const handedOn = await speed(plain);
process.stdout.write(`clh read: ${Math.round(handedOn.speed)} MB/s\n`);
for (const [name, options] of Object.entries(CASES)) {
  const { speed: its, found } = await speed(() => search(options));
  const ratio = (its / handedOn.speed).toFixed(2);
  process.stdout.write(`${name}: ${Math.round(its)} MB/s, ${ratio} of it; ${found.toLocaleString("en")} found\n`);
}
process.stdout.write(`load ${loadavg()[0]!.toFixed(1)}\n`);
