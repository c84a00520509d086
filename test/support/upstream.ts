import { execFileSync } from "node:child_process";

export const PYTHON = process.env.PYTHON ?? "python3";

/** Why upstream's handler cannot be used here; false when it can. */
export function whyNoUpstream(): string | false {
  try {
    execFileSync(PYTHON, ["-c", "import concurrent_log_handler"], { stdio: "pipe" });
    return false;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    const reason = stderr?.toString().trim().split("\n").at(-1) || message;
    return `${PYTHON} cannot import concurrent_log_handler (${reason}); pip install concurrent-log-handler, or set PYTHONPATH`;
  }
}
