import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { parseStressRecord, type StressRecord } from "../../src/cli/stress/record.js";
import { listLogFiles } from "../../src/log-files/list-files.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { installed, pack, ROOT } from "./package.js";

/* The real hosts, beside the packed package in a user's folder. */

export const HOSTS = [
  "pino transport",
  "pino destination",
  "pino multistream",
  "winston",
  "log4js",
  "logtape",
  "console",
  "bunyan",
  "morgan",
  "pipeline",
] as const;

/** A host, or one that is not ours and loses records, to see that the tests notice. */
export type Host = (typeof HOSTS)[number] | "winston's own file";

const PACKAGES = ["pino", "winston", "log4js", "@logtape/logtape", "bunyan", "morgan"];
const PROGRAMS = join(ROOT, "test", "fixtures", "hosts");

/** A user's folder with the package, all hosts, and the programs of test/fixtures/hosts. */
export function userFolder(t: TestContext, others: string[] = []): string {
  const folder = installed(t, pack(t), [...PACKAGES, ...others]);
  for (const name of readdirSync(PROGRAMS)) copyFileSync(join(PROGRAMS, name), join(folder, name));
  return folder;
}

/** A program of test/fixtures/hosts, running. Killed with the test if it still runs then. */
export class Program {
  readonly process: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  stderr = "";
  readonly #lines: AsyncIterator<string>;

  constructor(t: TestContext, folder: string, name: string, job: object, under: string[] = []) {
    const [command, ...args] = [...under, process.execPath, join(folder, name), JSON.stringify(job)];
    this.process = spawn(command!, args, { cwd: folder, stdio: "pipe" });
    this.process.stderr!.on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) => {
      this.process.on("close", (code, signal) => resolve(code ?? signal!));
    });
    this.#lines = createInterface(this.process.stdout!)[Symbol.asyncIterator]();
    t.after(() => this.process.kill("SIGKILL"));
  }

  /** The next line that it prints; throws when it has ended. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program ended with ${await this.ended}: ${this.stderr}`);
    return value;
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  /** Waits for its end, which must be a good one. */
  async done(): Promise<void> {
    this.process.stdin!.end();
    const code = await this.ended;
    if (code !== 0) throw new Error(`the program ended with ${code}: ${this.stderr}`);
  }
}

/** What was logged, in order: the text of the whole log, or the messages in it where the host writes JSON. */
export function loggedText(host: Host, log: string): string {
  return rawLines(log)
    .map((line) => messageOf(host, line))
    .join("");
}

/** The lines that end with a dot, as all whole ones do; without those that a full disk has cut off. */
export function wholeLines(host: Host, log: string): string[] {
  const writesJson = messageOf(host, '{"msg":""}\n') === "\n";
  const whole = rawLines(log).filter((line) => line.endsWith(writesJson ? "}\n" : ".\n"));
  return whole.map((line) => messageOf(host, line));
}

function rawLines(log: string): string[] {
  const parts = listLogFiles(systemEnvironment().fs, log).map(({ path }) => readFileSync(path, "utf8"));
  return parts.join("").split(/(?<=\n)/);
}

function messageOf(host: Host, line: string): string {
  return /^(pino|bunyan)/.test(host) ? `${JSON.parse(line).msg}\n` : line;
}

export interface Logged {
  /** The numbers of the records of each writer, as they follow each other in the log. */
  readonly numbers: ReadonlyMap<string, number[]>;
  /** Lines that are no whole record. */
  readonly torn: string[];
}

/** What the programs writer.mjs and app.mjs have logged. */
export function readRecords(host: Host, log: string): Logged {
  const numbers = new Map<string, number[]>();
  const torn: string[] = [];
  for (const line of rawLines(log)) {
    const record = recordOf(host, line);
    if (record === undefined) torn.push(line);
    else if (numbers.has(record.writer)) numbers.get(record.writer)!.push(record.number);
    else numbers.set(record.writer, [record.number]);
  }
  return { numbers, torn };
}

function recordOf(host: Host, line: string): StressRecord | undefined {
  try {
    return parseStressRecord(messageOf(host, line).slice(0, -1));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // a piece of JSON
    throw error;
  }
}

/** Where the numbers are not 0, 1, 2 and so on, as a sentence; undefined when they are. */
export function gap(numbers: readonly number[]): string | undefined {
  const wrong = numbers.findIndex((number, i) => number !== i);
  return wrong === -1 ? undefined : `${numbers[wrong]} where ${wrong} should be`;
}
