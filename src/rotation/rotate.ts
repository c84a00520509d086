import { dirname } from "node:path";
import type { Extension } from "../log-files/compression-formats.js";
import { pathOnDisk } from "../log-files/named-backups.js";
import { listPending, moveAside, newPendingPath } from "../log-files/pending-files.js";
import { parsePending } from "../log-files/pending-names.js";
import type { Rotator } from "../options/options.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import type { Backups, Move } from "./backups.js";

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
  /** Where the file is now; undefined when none is kept. Neither numbered nor dated while it waits to be compressed. */
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
  const { fs, log, rotator } = plan;
  const { placed, removed } = plan.backups.add(log, rotator ? by(rotator, fs) : (from, to) => moveAside(fs, from, to));
  return { to: placed[0], removed };
}

// What they do after their first `await` they do without the lock, to whatever records are in the file by then.
const asynchronous = new WeakSet<Rotator>();

/** Moves a file in the user's way, and throws unless it is gone then. */
function by(rotator: Rotator, fs: FileSystem): Move {
  return (from, to) => {
    if (asynchronous.has(rotator)) throw new Error("the rotator is asynchronous, and is not called again");
    const path = new FilePath(from);
    const before = new FileStatus();
    const after = new FileStatus();
    fs.status(path, before);
    if (isPromise(rotator(from, pathOnDisk(fs, to)))) {
      asynchronous.add(rotator);
      throw new Error("the rotator returned a promise: it must have moved the file when it returns");
    }
    if (fs.status(path, after) && after.isSameFile(before) && after.size >= before.size)
      throw new Error(`the rotator has left the file where it was: it must move it to ${pathOnDisk(fs, to)}`);
  };
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}

/** Gives the active file a name under which it waits to be compressed. */
function setAside({ fs, log, backupCount, backups, extension }: RotationPlan): Rotated {
  const names = fs.readdir(dirname(log)).filter((name) => parsePending(log, name) !== undefined);
  const to = newPendingPath(fs, log, log, backups.place(extension), names);
  fs.renameNew(log, to);
  if (names.length < backupCount) return { to, removed: [] };
  // Files that wait are backups too: when compression cannot keep up, or fails, the oldest go.
  const waiting = listPending(fs, log, names);
  const all = [...new Set(waiting.map(({ unique }) => unique))];
  const tooMany = all.slice(0, Math.max(0, all.length + 1 - backupCount));
  const removed = waiting.filter(({ unique }) => tooMany.includes(unique)).map(({ path }) => path);
  for (const path of removed) fs.unlink(path);
  return { to, removed };
}
