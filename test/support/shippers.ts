import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../src/index.js";
import { recordOf } from "./log-oracle.js";
import { temporaryDirectory } from "./temporary.js";

/* Programs that follow a log by its name and pass on what is written, across rotations. */

export type ShipperName = "tail -F" | "rsyslog";

/** What one of them has passed on so far. */
type Shipped = () => readonly string[];

const LONGEST_WAIT = 10_000;
const POLL = 2;

/** GNU tail, on Linux: others ask once a second. */
function tail(t: TestContext, log: string): Shipped {
  const lines: string[] = [];
  const child = spawn("tail", ["-n", "+1", "-F", log], { stdio: ["ignore", "pipe", "ignore"] });
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  endWith(t, child);
  return () => lines;
}

function rsyslog(t: TestContext, log: string): Shipped {
  const directory = join(dirname(log), "rsyslog");
  const output = join(directory, "shipped");
  mkdirSync(directory);
  writeFileSync(
    join(directory, "conf"),
    `global(workDirectory="${directory}")
module(load="imfile" mode="inotify")
template(name="raw" type="string" string="%msg%\\n")
input(type="imfile" File="${log}" Tag="log:" ruleset="out")
ruleset(name="out") { action(type="omfile" file="${output}" template="raw") }
`,
  );
  endWith(t, spawn("rsyslogd", ["-n", "-f", join(directory, "conf"), "-i", join(directory, "pid")]));
  return () => (existsSync(output) ? readFileSync(output, "utf8").split("\n").slice(0, -1) : []);
}

function endWith(t: TestContext, child: ChildProcess): void {
  const ended = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
}

const SHIPPERS = { "tail -F": tail, rsyslog } as const;
const CHECKS = { "tail -F": ["tail", "--version"], rsyslog: ["rsyslogd", "-v"] } as const;

/** Why this shipper cannot be tried here; false when it can. */
export function cannotTry(name: ShipperName): string | false {
  const [command, flag] = CHECKS[name];
  if (process.platform !== "linux") return "inotify is of Linux";
  return spawnSync(command, [flag]).status === 0 ? false : `${command} is not installed`;
}

export interface Follow {
  readonly rotations: number;
  /** Milliseconds between two rotations; "caught up" = each waits until all records so far have been passed on. */
  readonly pause: number | "caught up";
  readonly options?: RotatingFileHandlerOptions;
}

export interface Followed {
  readonly rotations: number;
  readonly written: number;
  readonly missed: number;
  readonly doubled: number;
  /** All that was passed on came in the order in which it was written. */
  readonly inOrder: boolean;
  readonly milliseconds: number;
}

// rsyslog tells two files with the same inode apart by their first 512 bytes: of shorter ones it misses some.
const RECORDS_PER_FILE = 20;
const MAX_BYTES = 1000;

/** Writes a log that rotates so many times, and counts what the shipper has made of it. */
export async function follow(t: TestContext, name: ShipperName, { rotations, pause, options }: Follow) {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: MAX_BYTES, backupCount: 10, ...options });
  const written: string[] = [];
  const write = () => {
    const record = recordOf("w", written.length);
    if (!handler.write(record)) throw new Error("not written");
    written.push(record);
  };
  // The first record of those that follow rotates: all of the file before has been passed on then, or had the time to be.
  const fillFile = () => {
    for (let i = 0; i < RECORDS_PER_FILE; i++) write();
  };
  fillFile();
  const shipped = SHIPPERS[name](t, log);
  const caughtUp = async () => {
    const last = () => shipped().at(-1) === written.at(-1);
    for (const until = Date.now() + LONGEST_WAIT; !last() && Date.now() < until; ) await setTimeout(POLL);
  };
  await caughtUp();
  const start = performance.now();
  while (handler.stats().rotations < rotations) {
    fillFile();
    if (pause === "caught up") await caughtUp();
    else await setTimeout(pause);
  }
  const milliseconds = performance.now() - start;
  await caughtUp();
  await handler.swept();
  handler.close();
  return compare(written, shipped(), rotations, milliseconds);
}

function compare(
  written: readonly string[],
  shipped: readonly string[],
  rotations: number,
  milliseconds: number,
): Followed {
  const places = new Map(written.map((record, i) => [record, i]));
  const numbers = shipped.map((line) => places.get(line) ?? -1);
  const once = new Set(numbers);
  return {
    rotations,
    written: written.length,
    missed: written.length - once.size,
    doubled: numbers.length - once.size,
    inOrder: numbers.every((number, i) => i === 0 || number > numbers[i - 1]!),
    milliseconds: Math.round(milliseconds),
  };
}
