import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** A program of test/fixtures, running in a process of its own. Killed with the test if it still runs then. */
export class Fixture {
  readonly process: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #lines: AsyncIterator<string>;

  constructor(t: TestContext, name: string, ...args: unknown[]) {
    const program = fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url));
    this.process = spawn(process.execPath, [program, ...args.map((arg) => JSON.stringify(arg))], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.ended = new Promise((resolve) => {
      this.process.on("exit", (code, signal) => resolve(code ?? signal!));
    });
    this.#lines = createInterface(this.process.stdout!)[Symbol.asyncIterator]();
    t.after(() => this.process.kill("SIGKILL"));
  }

  /** The next line that it prints; throws when it has ended. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the fixture ended with ${await this.ended}`);
    return value;
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }
}

/** The arguments of a fixture. */
export function fixtureArguments<Arguments extends unknown[]>(): Arguments {
  return process.argv.slice(2).map((arg) => JSON.parse(arg)) as Arguments;
}
