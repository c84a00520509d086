import type { Watch } from "./watched-fs.js";

/** Before the nth call, after it, or in the middle of the nth call that writes. */
export type KillMode = "before" | "after" | "half";

/** Calls that leave the disk as it is: a kill there is one at the next that does not. */
const ASKS = new Set([
  "status",
  "linkStatus",
  "statusWithTime",
  "statusOfOpen",
  "exists",
  "read",
  "readdir",
  "fileSystemType",
  "space",
]);

/** Kills this process at its nth call of the file system that changes something. */
export function killerAt(mode: KillMode, n: number): Watch {
  let calls = 0;
  return (call, proceed) => {
    if (ASKS.has(call.name)) return proceed();
    if (mode === "half" && call.writeHalf === undefined) return proceed();
    const isIt = ++calls === n;
    if (isIt && mode === "half") call.writeHalf!();
    if (isIt && mode !== "after") die();
    try {
      return proceed();
    } finally {
      if (isIt) die(); // also after one that throws, as those do that ask for what is not there
    }
  };
}

/** At once: no handler of the process sees it. */
function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("survived SIGKILL");
}
