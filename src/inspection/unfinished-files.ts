import { dirname, join } from "node:path";
import { parseLeftover } from "../log-files/backup-names.js";
import {
  isSpill,
  isUnfinished,
  parseHiddenForm,
  parseHiddenPending,
  sweepLockPath,
} from "../log-files/hidden-names.js";
import { isFile } from "../log-files/path-type.js";
import { parsePending } from "../log-files/pending-names.js";
import type { Environment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { type Finding, finding } from "./finding.js";
import { lockHolders } from "./lock-holders.js";

// Seconds after which what is on its way somewhere has been left there.
const ABANDONED = 60;

/** A file on its way: what it is, how old, and which process is at it, as far as the system tells. */
export interface Leftover {
  /** Its absolute path. */
  readonly path: string;
  /** The step at which the file stands; a spill has records that wait for the lock. */
  readonly kind:
    | "waits to be compressed"
    | "is half compressed"
    | "is compressed but not published"
    | "spill"
    | "of a killed rotation";
  /** Bytes on disk. */
  readonly bytes: number;
  /** Seconds since its last change. */
  readonly age: number;
  /** Processes that have it locked, or compress what waits; undefined where that is not known. */
  readonly holders: readonly number[] | undefined;
}

/** All files beside a log that are to become something else, by name. @internal */
export function listOnTheWay({ fs, clock }: Environment, log: string): Leftover[] {
  const holders = lockHolders(fs);
  const status = new FileStatus();
  const sweepLock = sweepLockPath(log);
  const sweepers = fs.status(new FilePath(sweepLock), status) ? holders(sweepLock, status) : [];
  return fs
    .readdir(dirname(log))
    .sort()
    .flatMap((name): Leftover[] => {
      const kind = kindOf(log, name);
      const path = join(dirname(log), name);
      if (kind === undefined || !isFile(fs, path, status)) return [];
      const age = clock.now() / 1000 - status.modifiedAt;
      return [{ path, kind, bytes: status.size, age, holders: kind === "spill" ? holders(path, status) : sweepers }];
    });
}

function kindOf(log: string, name: string): Leftover["kind"] | undefined {
  const isPending = parsePending(log, name)?.extension === "" || parseHiddenPending(log, name)?.state === "pending";
  if (isPending) return "waits to be compressed";
  if ((parsePending(log, name) ?? parseHiddenPending(log, name) ?? parseHiddenForm(log, name)) !== undefined) {
    return "is compressed but not published";
  }
  if (isUnfinished(log, name)) return "is half compressed";
  if (isSpill(log, name)) return "spill";
  return parseLeftover(log, name) === undefined ? undefined : "of a killed rotation";
}

/** Reports files that no process works on any more, though the next handler that opens or rotates the log finishes them. @internal */
export function leftoverFindings(environment: Environment, log: string): Finding[] {
  const all = listOnTheWay(environment, log);
  const pending = all.filter(({ kind }) => kind === "waits to be compressed");
  return all.map((leftover) => {
    const { path, kind, age, holders } = leftover;
    const isHeld = holders === undefined || holders.length > 0;
    const isDelayed = leftover === pending.at(-1); // as delayCompression has it
    const isLeft = !isHeld && !isDelayed && (age > ABANDONED || kind === "spill");
    const what = kind === "spill" ? "has records that wait for the lock" : kind;
    const since = age > ABANDONED ? ` since ${Math.round(age)} s ago` : "";
    const who =
      holders === undefined
        ? ", and whether a process is at it is not known here"
        : holders.length > 0
          ? `, process ${holders.join(", ")} is at it`
          : "";
    return finding(isLeft ? "problem" : "note", "leftover", path, `${path} ${what}${since}${who}`);
  });
}
