import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "./temporary.js";

/** Why no other process can be traced here; false when one can. */
export function whyNoStrace(): string | false {
  const child = spawn("sleep", ["10"], { stdio: "ignore" });
  try {
    // It would go on until the child ends, but for the time limit, whose signal lets go of the child.
    const { error, stderr } = spawnSync("strace", ["-p", String(child.pid), "-o", "/dev/null"], { timeout: 1000 });
    if (String(stderr).includes("attached")) return false;
    return `strace cannot attach to a process: ${(error as Error | undefined)?.message ?? stderr}`;
  } finally {
    child.kill("SIGKILL");
  }
}

/** What strace does to calls of the system. */
export interface Injection {
  /** Names of calls, with commas between them. */
  readonly calls: string;
  /** As strace has it: `error=EIO:when=2`. */
  readonly what: string;
}

/** Makes calls of a process that runs already something else than they are, for as long as it is attached. */
export class Strace {
  readonly #process: ChildProcess;
  readonly #output: string;

  private constructor(process: ChildProcess, output: string) {
    this.#process = process;
    this.#output = output;
  }

  /** @param paths of the files whose calls are meant; all calls are when there is none */
  static async attach(t: TestContext, pid: number, injections: Injection[], paths: string[] = []): Promise<Strace> {
    const output = join(temporaryDirectory(t), "strace");
    const inject = injections.flatMap(({ calls, what }) => ["-e", `inject=${calls}:${what}`]);
    const trace = `trace=${injections.map(({ calls }) => calls).join()}`;
    const args = [
      "-f",
      "-p",
      String(pid),
      "-o",
      output,
      ...paths.flatMap((path) => ["-P", path]),
      "-e",
      trace,
      ...inject,
    ];
    const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
    const said: string[] = [];
    const lines = createInterface(strace.stderr!);
    t.after(() => strace.kill("SIGKILL"));
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        said.push(line);
        if (line.includes("attached")) resolve();
      });
      lines.on("close", () => reject(new Error(said.join("\n"))));
    });
    return new Strace(strace, output);
  }

  /** Lets the process go on untouched; returns how often something was done to it. */
  async detach(): Promise<number> {
    const ended =
      this.#process.exitCode === null && this.#process.signalCode === null ? once(this.#process, "exit") : undefined;
    this.#process.kill("SIGINT");
    await ended;
    return readFileSync(this.#output, "utf8").split("(INJECTED)").length - 1;
  }
}
