import { readSync, writeSync } from "node:fs";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { crc32 } from "node:zlib";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type RotatingFileHandlerOptions,
  type TimedRotatingFileHandlerOptions,
} from "../../src/index.js";

/*
 * writer log name records bytes options: writes records, and says at once which of them are acknowledged: "T 3" for one, "U 25"
 * for all before that. "E" is an error event, "Z" the end.
 */

interface Job {
  readonly log: string;
  readonly name: string;
  readonly records: number;
  /** Each record has so many, with its line feed. */
  readonly bytes: number;
  /** Of deliveries with a queue, `flush` after so many. */
  readonly flushEvery: number;
  readonly options: RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions;
}

const TRIES = 60;

const { log, name, records, bytes, flushEvery, options } = JSON.parse(process.argv[2]!) as Job;
const Handler = options.when === undefined ? ConcurrentRotatingFileHandler : ConcurrentTimedRotatingFileHandler;
const handler = new Handler(log, options);
const say = (line: string) => writeSync(1, `${line}\n`);
const times: number[] = [];

function recordOf(number: number): string {
  const text = `${name}-${number}-`.padEnd(bytes - 9, "x");
  return text + crc32(text).toString(16).padStart(8, "0");
}

async function flush(written: number): Promise<boolean> {
  try {
    await handler.flush();
    say(`U ${written}`);
    return true;
  } catch (error) {
    say(`X ${(error as Error).message}`);
    return false;
  }
}

for (const event of ["error", "warning"] as const) {
  handler.on(event, ({ code, message, cause }) =>
    say(`E ${event} ${code} ${message.slice(0, 300)} | ${String(cause).slice(0, 200)}`),
  );
}
say("ready");
readSync(0, Buffer.alloc(3));
const isQueued = (options.delivery ?? "sync") !== "sync";
for (let number = 0; number < records; number++) {
  const begin = performance.now();
  const isWritten = handler.write(recordOf(number));
  times.push(performance.now() - begin);
  if (!isQueued) say(`${isWritten ? "T" : "F"} ${number}`);
  else if (number % flushEvery === flushEvery - 1) await flush(number + 1);
  if (number % 5 === 0) await turn();
}
for (let tries = 0; tries < TRIES && !(await flush(records)); tries++) await delay(1000);
handler.close();
await handler.swept();
times.sort((a, b) => a - b);
say(
  `Z ${JSON.stringify({ median: times[times.length >> 1]!.toFixed(1), slowest: times.at(-1)!.toFixed(0), ...handler.stats() })}`,
);
process.exit();
