import { spawn } from "node:child_process";

/** Runs a program and resolves to its standard output; rejects when the program ends with anything but 0. */
export function outputOf(command: string, args: readonly unknown[]): Promise<string> {
  const child = spawn(command, args.map(String), { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}, and said ${JSON.stringify(text)}`));
    });
  });
}
