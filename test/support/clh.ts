import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

export const CLH: string = fileURLToPath(new URL("../../../dist/cli.js", import.meta.url));

/** The command as a shell takes it. */
export const CLH_IN_SHELL: string = [process.execPath, ...("deno" in process.versions ? ["run", "-A"] : []), CLH]
  .map((word) => `"${word}"`)
  .join(" ");

/** The command, running. */
export class Clh {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  stdout = "";
  stderr = "";
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(...args: string[]) {
    this.process = spawn(process.execPath, [CLH, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.process.stdout.on("data", (chunk) => {
      this.stdout += chunk;
    });
    this.process.stderr.on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.process.stdin.on("error", () => {}); // EPIPE, when it has ended first
    this.ended = new Promise((resolve) => {
      this.process.on("close", (code, signal) => resolve(code ?? signal!));
    });
  }

  /** Runs it to its end on such an input. */
  static async run(
    args: string[],
    input: string | Buffer = "",
  ): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const clh = new Clh(...args);
    clh.process.stdin.end(input);
    const code = await clh.ended;
    return { code, stdout: clh.stdout, stderr: clh.stderr };
  }
}

/** What `clh stress --json` prints. */
export interface StressResult {
  readonly ok: boolean;
  readonly expected: number;
  readonly found: number;
  readonly missing: number;
  readonly duplicated: number;
  readonly removedRecords: number;
  readonly rotations: number;
  readonly seconds: number;
  readonly slowest: number;
  readonly problems: readonly string[];
}

/** A stress test without pauses. */
export async function stress(...args: string[]): Promise<{ code: unknown; verdict: StressResult }> {
  const { code, stdout, stderr } = await Clh.run(["stress", "--json", "--sleep-min", "0", "--sleep-max", "0", ...args]);
  if (stdout === "") throw new Error(stderr);
  return { code, verdict: JSON.parse(stdout) as StressResult };
}
