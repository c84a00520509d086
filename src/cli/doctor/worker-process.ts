import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { flushAtExit, forget } from "../../platform/exit-hooks.js";
import type { DoctorJob } from "./worker.js";

export function start(job: DoctorJob): ChildProcess {
  const program = fileURLToPath(new URL("./worker.js", import.meta.url));
  const child = fork(program, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  child.send(job);
  const killing = { flushSync: () => void child.kill("SIGKILL") };
  flushAtExit(killing);
  child.once("close", () => forget(killing));
  return child;
}

/** @throws what the process has said, when it ends badly */
export function run(job: DoctorJob): Promise<void> {
  return ended(start(job));
}

/** @throws what the process has said, when it ends badly */
export function ended(child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr!.on("data", (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const message = /^\w*Error: (.*)/m.exec(said)?.[1] ?? `a process ended with ${signal ?? code}`;
      if (code === 0) resolve();
      else reject(new Error(message));
    });
  });
}
