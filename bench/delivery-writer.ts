import { createRequire } from "node:module";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { ConcurrentRotatingFileHandler, type DeliveryMode } from "../src/index.js";
import { lockFilePath } from "../src/lock/lock-file.js";
import { makeLock } from "../test/support/locks.js";
import { endOfTurn, freshTexts } from "./like-a-server.js";

/* delivery-writer '<job>': writes records in one way, and says how that went. */

export interface DeliveryJob {
  readonly kind: DeliveryMode | "nothing" | "pino-roll" | "winston-daily-rotate-file";
  readonly file: string;
  readonly records: number;
  /** Milliseconds since 1970. */
  readonly startAt: number;
  /** Measure each call. */
  readonly latency?: boolean;
  /** All in one turn of the event loop. */
  readonly burst?: boolean;
  /** While another holds the lock, a millisecond between two records. */
  readonly held?: boolean;
}

export interface DeliveryReport {
  readonly perSecond: number;
  /** Processor time of all threads for a record, in microseconds. */
  readonly cost?: number;
  /** Microseconds. */
  readonly p50?: number;
  readonly p999?: number;
  readonly grownMiB?: number;
  readonly delayMs?: number;
}

/** What writes a record, false to ask for a pause; what waits for that; and what waits until all are in the file. */
interface Sink {
  readonly write: (text: string) => boolean;
  readonly ready: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

const textOf = freshTexts(120);
const job = JSON.parse(process.argv[2]!) as DeliveryJob;
const rivals = createRequire(new URL("../../bench/rivals/", import.meta.url));

const sink = await sinkOf(job);
sink.write(textOf(0));
await setTimeout(job.startAt - Date.now());
process.stdout.write(JSON.stringify(job.held ? await withLockHeld() : await atFullSpeed()));

async function sinkOf({ kind, file }: DeliveryJob): Promise<Sink> {
  if (kind === "nothing") return { write: () => true, ready: async () => {}, end: async () => {} };
  if (kind === "pino-roll") {
    const { default: roll } = await import(rivals.resolve("pino-roll"));
    const stream = await roll({ file, size: "10m", mkdir: true });
    const ended = () => new Promise((resolve) => stream.on("close", resolve).end());
    return {
      write: (line) => stream.write(`${line}\n`),
      ready: () => new Promise((resolve) => stream.once("drain", resolve)),
      end: ended,
    };
  }
  if (kind === "winston-daily-rotate-file") {
    const winston = rivals("winston");
    const Daily = rivals("winston-daily-rotate-file");
    const transport = new Daily({ filename: file, maxSize: "10m", maxFiles: 100 });
    const logger = winston.createLogger({
      format: winston.format.printf((info: { message: string }) => info.message),
      transports: [transport],
    });
    const ended = () => new Promise((resolve) => transport.on("finish", resolve) && logger.end());
    return {
      write: (line) => {
        logger.info(line);
        return !logger.writableNeedDrain;
      },
      ready: () => new Promise((resolve) => logger.once("drain", resolve)),
      end: ended,
    };
  }
  const handler = new ConcurrentRotatingFileHandler(file, { maxBytes: "10MiB", backupCount: 1000, delivery: kind });
  return {
    write: (line) => handler.write(line),
    ready: () => new Promise((resolve) => handler.once("drain", () => resolve(undefined))),
    end: () => handler.flush(),
  };
}

async function atFullSpeed(): Promise<DeliveryReport> {
  const { records, latency = false, burst = false } = job;
  const calls = new Float64Array(latency ? records : 0);
  const before = process.memoryUsage().rss;
  let most = before;
  const start = performance.now();
  const usage = process.cpuUsage();
  for (let i = 0; i < records; i++) {
    const called = latency ? performance.now() : 0;
    const goOn = sink.write(textOf(i));
    if (latency) calls[i] = performance.now() - called;
    if (burst) {
      if (i % 100_000 === 0) most = Math.max(most, process.memoryUsage().rss);
    } else if (!goOn && job.kind !== "sync") await sink.ready();
    else {
      const turn = endOfTurn(i);
      if (turn !== undefined) await turn;
    }
  }
  await sink.end();
  const perSecond = (records * 1000) / (performance.now() - start);
  const { user, system } = process.cpuUsage(usage);
  calls.sort();
  const at = (share: number) => calls[Math.floor(records * share)]! * 1000;
  const cost = (user + system) / records;
  return { perSecond, cost, ...(latency && { p50: at(0.5), p999: at(0.999) }), grownMiB: (most - before) / 1024 ** 2 };
}

async function withLockHeld(): Promise<DeliveryReport> {
  const holder = makeLock(lockFilePath(job.file));
  if (!holder.acquire(5000)) throw new Error("the lock is not free");
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const end = performance.now() + 1000;
  while (performance.now() < end) {
    sink.write(textOf(0));
    await setTimeout(1);
  }
  delay.disable();
  holder.close();
  await sink.end();
  return { perSecond: 0, delayMs: delay.percentile(99.9) / 1e6 - 1 };
}
