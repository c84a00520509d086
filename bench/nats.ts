import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  watch,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { CursorFile } from "../src/cursor/cursor-file.js";
import { Mount } from "../src/disk/mount.js";
import { systemEnvironment } from "../src/platform/environment.js";
import { CLH } from "../test/support/clh.js";
import { makeStream, NatsServer } from "../test/support/nats-server.js";
import type { NatsJob, NatsWriterResult } from "./nats-writer.js";
import { quantiles } from "./quantiles.js";

/*
 * From handlers through a stream into the collector's file, on one machine: node build/bench/nats.js [rounds] [records].
 * Needs a nats-server (node scripts/nats-server.mjs) and Linux, whose /proc tells the processor time of others.
 */

const ROUNDS = Number(process.argv[2] ?? 3);
const RECORDS = Number(process.argv[3] ?? 600_000);
const AWAY_SECONDS = Number(process.env.CLH_BENCH_AWAY ?? 60);
const RECORD_BYTES = 120;
const RATE = 500;
const LATENCY_SECONDS = 6;
const TAKE_OVERS = 5;
const MANY = { processes: 4, handlers: 250, records: 200 };
/** _SC_CLK_TCK: a hundred on every Linux. */
const TICK_US = 10_000;

const WRITER = fileURLToPath(new URL("./nats-writer.js", import.meta.url));
const ends: (() => unknown)[] = [];
/** The servers of the tests end with their test; here with the program. */
const scope = { after: (end: () => unknown) => void ends.push(end) } as unknown as TestContext;
const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
let serial = 0;

interface World {
  readonly servers: readonly NatsServer[];
  readonly urls: string;
}

/** A stream of its own, and what is written with it. */
interface Run {
  readonly stream: string;
  readonly log: string;
  readonly options: NatsJob["options"];
}

async function world(size: number): Promise<World> {
  const servers = size === 1 ? [await NatsServer.start(scope)] : await NatsServer.startCluster(scope, size);
  return { servers, urls: servers.map(({ url }) => url).join(",") };
}

/** With no other stream beside it: each reserves its room. */
async function newRun({ servers, urls }: World): Promise<Run> {
  const connection = await connect({ servers: urls.split(",") });
  const { streams } = await jetstreamManager(connection);
  for await (const { config } of streams.list()) await streams.delete(config.name);
  await connection.close();
  const stream = `s${++serial}`;
  await makeStream(servers, { name: stream, subjects: [`${stream}.*`] });
  const spillDirectory = join(directory, "spool");
  const options = { servers: urls, stream, subject: stream, spillDirectory, spillAfter: "1h", timeout: "1h" };
  return { stream, log: join(directory, `${stream}.log`), options };
}

function collector({ urls }: World, { stream, log }: Run): ChildProcess {
  const child = spawn(process.execPath, [CLH, "collect", urls, log, "--stream", stream], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  ends.push(() => child.kill("SIGKILL"));
  return child;
}

class Writer {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterableIterator<string>;

  constructor(job: NatsJob) {
    const child = spawn(process.execPath, [WRITER, JSON.stringify(job)], { stdio: ["pipe", "pipe", "inherit"] });
    ends.push(() => child.kill("SIGKILL"));
    this.process = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("a writer has ended");
    return JSON.parse(value as string);
  }

  go(): void {
    this.process.stdin!.write("go\n");
  }
}

async function writersOf(jobs: readonly NatsJob[]): Promise<Writer[]> {
  const writers = jobs.map((job) => new Writer(job));
  await Promise.all(writers.map((writer) => writer.next()));
  return writers;
}

/** Microseconds of the processor that a process has taken. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(2);
}

const sizeOf = (log: string) => (existsSync(log) ? statSync(log).size : 0);

/** Waits until a collector works: it has appended a first record. */
async function warmUp(run: Run): Promise<void> {
  const [writer] = await writersOf([{ options: run.options, handlers: 1, records: 1 }]);
  writer!.go();
  await until(() => sizeOf(run.log) > 0);
}

interface Throughput {
  readonly perSecond: number;
  /** Microseconds of the processor for a record. */
  readonly writers: number;
  readonly collector: number;
  readonly servers: number;
}

async function throughput(where: World, writers: number): Promise<Throughput> {
  const run = await newRun(where);
  const collecting = collector(where, run);
  await warmUp(run);
  const before = sizeOf(run.log);
  const records = Math.floor(RECORDS / writers);
  const all = await writersOf(Array.from({ length: writers }, () => ({ options: run.options, handlers: 1, records })));
  const pids = where.servers.map(({ pid }) => pid);
  const cpu = () => [cpuOf(collecting.pid!), pids.reduce((sum, pid) => sum + cpuOf(pid), 0)] as const;
  const [collectorBefore, serversBefore] = cpu();
  for (const writer of all) writer.go();
  await until(() => sizeOf(run.log) - before >= records * writers * RECORD_BYTES);
  const end = Date.now();
  const [collectorAfter, serversAfter] = cpu();
  const results = (await Promise.all(all.map((writer) => writer.next()))) as NatsWriterResult[];
  collecting.kill("SIGKILL");
  const count = records * writers;
  return {
    perSecond: (count * 1000) / (end - Math.min(...results.map(({ begin }) => begin))),
    writers: results.reduce((sum, result) => sum + result.cpu, 0) / count,
    collector: (collectorAfter - collectorBefore) / count,
    servers: (serversAfter - serversBefore) / count,
  };
}

/** Calls `seen` with each record as it comes into the file, and the time then. */
function watchRecords(log: string, seen: (text: string, at: number) => void): () => void {
  const fd = openSync(log, "r");
  let at = fstatSync(fd).size;
  const bytes = Buffer.alloc(1024 ** 2);
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    for (
      let length = readSync(fd, bytes, 0, bytes.length, at);
      length > 0;
      length = readSync(fd, bytes, 0, bytes.length, at)
    ) {
      at += length;
      for (const line of bytes.toString("latin1", 0, length).split("\n")) if (line !== "") seen(line, now);
    }
  };
  const watcher = watch(log, look);
  return () => {
    watcher.close();
    closeSync(fd);
  };
}

async function latency(where: World): Promise<{ p50: number; p99: number }> {
  const run = await newRun(where);
  const collecting = collector(where, run);
  await warmUp(run);
  const count = RATE * LATENCY_SECONDS;
  const found: number[] = [];
  const stop = watchRecords(run.log, (text, at) => found.push(at - Number.parseFloat(text)));
  const [writer] = await writersOf([{ options: run.options, handlers: 1, records: count, rate: RATE }]);
  writer!.go();
  await until(() => found.length >= count);
  stop();
  collecting.kill("SIGKILL");
  const { p50, p99 } = quantiles(Float64Array.from(found.slice(RATE))); // the first second is warm-up
  return { p50: p50 / 1000, p99: p99 / 1000 };
}

/** Milliseconds from the kill of a collector to the next record in the file, which another one has appended. */
async function takeOvers(where: World): Promise<number[]> {
  const run = await newRun(where);
  let working = collector(where, run);
  await warmUp(run);
  let waiting = collector(where, run);
  const [writer] = await writersOf([{ options: run.options, handlers: 1, records: 0, rate: RATE }]);
  let last = 0;
  const stop = watchRecords(run.log, (_, at) => {
    last = at;
  });
  writer!.go();
  const found: number[] = [];
  for (let i = 0; i < TAKE_OVERS; i++) {
    await sleep(2000); // until the other one has started, and waits
    const killed = performance.timeOrigin + performance.now();
    working.kill("SIGKILL");
    await until(() => last > killed + 5);
    found.push(last - killed);
    [working, waiting] = [waiting, collector(where, run)];
  }
  stop();
  for (const child of [working, waiting, writer!.process]) child.kill("SIGKILL");
  return found;
}

/** Bytes by which a writer grows at most while no server is there, and it writes as fast as it can. */
async function memoryWhileAway(where: World): Promise<{ grown: number; perSecond: number }> {
  const run = await newRun(where);
  const options = { ...run.options, spillAfter: "500ms", spillDirectory: join(directory, "away") };
  const [writer] = await writersOf([{ options, handlers: 1, records: 0 }]);
  await Promise.all(where.servers.map((server) => server.kill()));
  writer!.go();
  let result = (await writer!.next()) as NatsWriterResult;
  while (Date.now() - result.begin < AWAY_SECONDS * 1000) result = (await writer!.next()) as NatsWriterResult;
  writer!.process.kill("SIGKILL");
  const [before, peak] = result.rss;
  return { grown: peak - before, perSecond: (result.written * 1000) / (Date.now() - result.begin) };
}

/** Many writers with few records each; resolves when all are in the file. */
async function many(where: World): Promise<{ seconds: number; perSecond: number; isOnce: boolean }> {
  const run = await newRun(where);
  const collecting = collector(where, run);
  await warmUp(run);
  const before = sizeOf(run.log);
  const { processes, handlers, records } = MANY;
  const writers = await writersOf(
    Array.from({ length: processes }, () => ({ options: run.options, handlers, records })),
  );
  const count = processes * handlers * records;
  const begin = Date.now();
  for (const writer of writers) writer.go();
  await until(() => sizeOf(run.log) - before >= count * RECORD_BYTES);
  const seconds = (Date.now() - begin) / 1000;
  collecting.kill("SIGKILL");
  const lines = readFileSync(run.log, "latin1").slice(before).trimEnd().split("\n");
  return { seconds, perSecond: count / seconds, isOnce: lines.length === count && new Set(lines).size === count };
}

/** What an append costs a cursor that knows so many writers: microseconds, and bytes of the file. */
function cursorCost(writers: number): { each: number; bytes: number } {
  const log = join(directory, `cursor-${writers}.log`);
  const path = join(directory, `cursor-${writers}`);
  closeSync(openSync(path, "w"));
  const cursor = CursorFile.adopt(path, log, new Mount(systemEnvironment(), log), false, () => 0)!;
  const names = Array.from({ length: writers }, (_, i) => `clh.logs.host-${i}-0123456789abcdef`);
  const stage = (sequence: number, changed: readonly string[]) => {
    const place = { stream: "2026-11-28T10:00:00Z", sequence, seen: sequence, isComplete: true };
    const bytes = Buffer.alloc(RECORD_BYTES * 100, 10);
    const records = Array.from({ length: 100 }, (_, i) => (i + 1) * RECORD_BYTES);
    cursor.stage({
      place,
      writers: new Map(changed.map((name) => [name, { last: sequence, time: sequence }])),
      bytes,
      ends: records,
    });
    cursor.batch.advanceTo(cursor.batch.end);
  };
  stage(1, names);
  const appends = 2000;
  const begin = performance.now();
  for (let i = 0; i < appends; i++) stage(i + 2, [names[i % writers]!]);
  const each = ((performance.now() - begin) * 1000) / appends;
  cursor.close();
  return { each, bytes: statSync(path).size };
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const group = (value: number) => Math.round(value).toLocaleString("en");

try {
  const one = await world(1);
  const three = await world(3);
  const cases = [
    ["1 writer, 1 server", one, 1],
    ["1 writer, 3 replicas", three, 1],
    ["4 writers, 3 replicas", three, 4],
  ] as const;
  const found = new Map<string, Throughput[]>(cases.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, where, writers] of cases) found.get(name)!.push(await throughput(where, writers));
  print(
    `Records of ${RECORD_BYTES} bytes, ${group(RECORDS)} a run, medians of ${ROUNDS} interleaved rounds, ${cpus().length} processors, Node ${process.version}.\n`,
  );
  print(
    "| from handlers into the collector's file | records/s | µs of processor for a record: writers | collector | servers | all |",
  );
  print("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [name, runs] of found) {
    const of = (key: keyof Throughput) => median(runs.map((run) => run[key]));
    const parts = [of("writers"), of("collector"), of("servers")];
    const all = parts.reduce((sum, part) => sum + part, 0);
    print(`| ${name} | ${group(of("perSecond"))} | ${[...parts, all].map((part) => part.toFixed(1)).join(" | ")} |`);
  }
  print("\n| what | figure |");
  print("| --- | ---: |");
  for (const [name, where] of [
    ["1 server", one],
    ["3 replicas", three],
  ] as const) {
    const { p50, p99 } = await latency(where);
    print(
      `| from write() to the file at ${RATE} records/s, ${name} | ${p50.toFixed(1)} ms (median), ${p99.toFixed(1)} ms (99 %) |`,
    );
  }
  const times = await takeOvers(one);
  print(
    `| a collector is killed: until the other one has appended | ${group(median(times))} ms (median of ${times.length}), ${group(Math.max(...times))} ms at most |`,
  );
  const crowd = await many(one);
  const writers = MANY.processes * MANY.handlers;
  print(
    `| ${group(writers)} writers with ${MANY.records} records each, 1 server | ${group(crowd.perSecond)} records/s, each ${crowd.isOnce ? "once" : "NOT ONCE"} |`,
  );
  for (const count of [1, 10_000]) {
    const { each, bytes } = cursorCost(count);
    print(
      `| an append of 100 records notes its place, ${group(count)} ${count === 1 ? "writer" : "writers"} known | ${each.toFixed(0)} µs, a cursor of ${group(bytes / 1024)} KiB |`,
    );
  }
  const { grown, perSecond } = await memoryWhileAway(one);
  print(
    `| memory of a writer, ${AWAY_SECONDS} s without a server at full speed (queueBytes 16 MiB) | + ${group(grown / 1024 ** 2)} MiB, ${group(perSecond)} records/s written |`,
  );
} finally {
  for (const end of ends.reverse()) await end();
  rmSync(directory, { recursive: true, force: true });
}
process.exit();
