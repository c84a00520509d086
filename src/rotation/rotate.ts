import type { Rotator } from "../options.js";
import type { FileSystem } from "../platform/fs.js";
import type { Backups } from "./backups.js";
import { type Extension, pendingPath } from "./naming.js";
import { listPending } from "./pending.js";

export interface RotationPlan {
  readonly fs: FileSystem;
  /** Path of the active file. */
  readonly log: string;
  /** How many rotated files are kept; 0 = none, each rotation starts afresh. */
  readonly backupCount: number;
  readonly backups: Backups;
  /** Of compressed backups; "" = they stay plain. */
  readonly extension: Extension;
  readonly rotator: Rotator | undefined;
}

export interface Rotated {
  /** Where the file is now; undefined when none is kept. Hidden while it waits to be compressed. */
  readonly to: string | undefined;
  /** Backups that had to go. */
  readonly removed: string[];
}

/**
 * Moves the active file out of the way; whoever writes next makes a new one. Called with the lock held. When it throws,
 * the active file is still where it was, or is a backup already: no record is lost either way.
 */
export function rotate(plan: RotationPlan): Rotated {
  if (plan.backupCount === 0) {
    plan.fs.unlink(plan.log); // never truncated: shippers would read the file again
    return { to: undefined, removed: [] };
  }
  if (plan.extension !== "") return setAside(plan);
  const { placed, removed } = plan.backups.add(plan.log, plan.rotator);
  return { to: placed[0], removed };
}

/** Gives the active file a hidden name, under which it waits to be compressed. */
function setAside({ fs, log, backupCount, backups, extension }: RotationPlan): Rotated {
  const waiting = listPending(fs, log);
  const sequence = (waiting.at(-1)?.sequence ?? 0) + 1;
  const to = pendingPath(log, { sequence, place: backups.place(extension), state: "pending" });
  fs.renameNew(log, to);
  // Files that wait are backups too: when compression cannot keep up, or fails, the oldest go.
  const plain = waiting.filter(({ state }) => state === "pending").map((old) => pendingPath(log, old));
  const removed = plain.slice(0, Math.max(0, plain.length + 1 - backupCount));
  for (const path of removed) fs.unlink(path);
  return { to, removed };
}
