import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/*
 * What it costs a program to load a logger to a file, and to write its first record: processor time and memory of a new
 * process, beyond those of bare Node. Interleaved, so that what else the machine does falls on all alike; the best tenth.
 * Needs dist/ and bench/rivals/node_modules: npm run bench:startup
 */

const ROUNDS = 31;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RIVALS = join(ROOT, "bench", "rivals");

interface Contender {
  readonly from: string;
  readonly load: string;
  readonly write: string;
}

const ours = (load: string, write: string): Contender => ({ from: ROOT, load, write });
const rival = (load: string, write: string): Contender => ({ from: RIVALS, load, write });
const SIZE = 'new of.ConcurrentRotatingFileHandler("a.log", { maxBytes: "10MiB", backupCount: 5 }).write("record")';
const TIMED = 'new of.ConcurrentTimedRotatingFileHandler("a.log", { when: "midnight" }).write("record")';
const LOG4JS = `of.configure({ appenders: { a: { type: "file", filename: "a.log" } },
  categories: { default: { appenders: ["a"], level: "info" } } }); of.getLogger().info("record")`;

const CONTENDERS: Readonly<Record<string, Contender>> = {
  "bare Node": rival("undefined", "undefined"),
  // To start the loader of ES modules takes its time too, whatever is imported first.
  "an empty ES module": rival("await import(EMPTY)", "undefined"),
  "by size, require": ours('get("concurrent-log-handler")', SIZE),
  "by size, import": ours("await import(ENTRY)", SIZE),
  "by time, import": ours("await import(ENTRY)", TIMED),
  "rotating-file-stream": rival(
    'get("rotating-file-stream")',
    'of.createStream("a.log", { size: "10M" }).write("record\\n")',
  ),
  "file-stream-rotator": rival(
    'get("file-stream-rotator")',
    'of.getStream({ filename: "a.log", size: "10M" }).write("record\\n")',
  ),
  "pino-roll": rival('get("pino-roll")', '(await of({ file: "a.log", size: "10m", sync: true })).write("record\\n")'),
  "winston-daily-rotate-file": rival(
    '[get("winston"), get("winston-daily-rotate-file")]',
    'of[0].createLogger({ transports: [new of[1]({ filename: "a.log" })] }).info("record")',
  ),
  log4js: rival('get("log4js")', LOG4JS),
};

const directory = mkdtempSync(join(tmpdir(), "clh-startup-"));
const EMPTY = join(directory, "empty.mjs");
writeFileSync(EMPTY, "");

interface Cost {
  /** Milliseconds of the processor. */
  readonly loaded: number;
  readonly written: number;
  /** MiB. */
  readonly memory: number;
}

function cost({ from, load, write }: Contender): Cost {
  const program = `
    const get = require("node:module").createRequire(${JSON.stringify(join(from, "package.json"))});
    const ENTRY = ${JSON.stringify(pathToFileURL(join(ROOT, "dist", "index.js")).href)};
    const EMPTY = ${JSON.stringify(pathToFileURL(EMPTY).href)};
    const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
    (async () => {
      const of = ${load};
      const loaded = cpu();
      ${write};
      const cost = { loaded, written: cpu(), memory: process.memoryUsage.rss() / 2 ** 20 };
      require("node:fs").writeSync(3, JSON.stringify(cost));
      process.exit();
    })();`;
  const { output, stderr } = spawnSync(process.execPath, ["-e", program], {
    cwd: mkdtempSync(join(directory, "run-")),
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const told = output[3];
  if (!told) throw new Error(`nothing was measured: ${stderr}`);
  return JSON.parse(told) as Cost;
}

// A virtual machine is slower by half for seconds at a time, bare Node too: what it does at its best can be compared.
const best = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 10)]!;

try {
  const costs = new Map(Object.keys(CONTENDERS).map((name) => [name, [] as Cost[]]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, contender] of Object.entries(CONTENDERS)) costs.get(name)!.push(cost(contender));
  const of = (name: string) => {
    const all = costs.get(name)!;
    return {
      loaded: best(all.map((each) => each.loaded)),
      written: best(all.map((each) => each.written)),
      memory: best(all.map((each) => each.memory)),
    };
  };
  const bare = of("bare Node");
  process.stdout.write("beyond bare Node          load ms  and write ms  MiB\n");
  for (const name of Object.keys(CONTENDERS).slice(1)) {
    const { loaded, written, memory } = of(name);
    const columns = [loaded - bare.loaded, written - bare.written, memory - bare.memory];
    process.stdout.write(`${name.padEnd(26)}${columns.map((value) => value.toFixed(1).padStart(7)).join("   ")}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
