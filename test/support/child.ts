import { type ChildProcess, spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

interface Program {
  readonly name: string;
  /** A command that starts it, with its arguments. */
  readonly under?: string[];
  /** For Node. */
  readonly execArgv?: string[];
  /** The test reads its errors, or they go into an open file. */
  readonly stderr?: "pipe" | number;
}

/** A program of test/fixtures, running in a process of its own. Killed with the test if it still runs then. */
export class Fixture {
  readonly process: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #lines: AsyncIterator<string>;

  /** @param what the program, as {@link Program} where there is more to say than its name */
  constructor(t: TestContext, what: string | Program, ...args: unknown[]) {
    const { name, under = [], execArgv = [], stderr = "inherit" } = typeof what === "string" ? { name: what } : what;
    const program = fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url));
    const [command, ...rest] = [
      ...under,
      process.execPath,
      ...execArgv,
      program,
      ...args.map((arg) => JSON.stringify(arg)),
    ];
    this.process = spawn(command!, rest, {
      stdio: ["pipe", "pipe", stderr],
      env: { ...process.env, FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" },
    });
    this.ended = new Promise((resolve) => {
      this.process.on("exit", (code, signal) => resolve(code ?? signal!));
    });
    this.#lines = createInterface(this.process.stdout!)[Symbol.asyncIterator]();
    t.after(() => this.process.kill("SIGKILL"));
  }

  /** The next line that it prints; throws when it has ended. */
  async line(): Promise<string> {
    const line = await this.next();
    if (line === undefined) throw new Error(`the fixture ended with ${await this.ended}`);
    return line;
  }

  /** Waits until it prints this line; throws when it has ended before. */
  async lineThatIs(wanted: string): Promise<void> {
    while ((await this.line()) !== wanted);
  }

  /** The next line that it prints; undefined when it has ended. */
  async next(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  /** All lines that it has still to print, until it ends. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.next(); line !== undefined; line = await this.next()) lines.push(line);
    return lines;
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }
}

/** The arguments of a fixture. */
export function fixtureArguments<Arguments extends unknown[]>(): Arguments {
  return process.argv.slice(2).map((arg) => JSON.parse(arg)) as Arguments;
}

/** Writes to standard output of a fixture, at once: what is buffered dies with the process. */
export function sayAtOnce(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error; // the reader has not kept up
    }
  }
}
