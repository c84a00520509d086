import { hasCode, LogFileError, reason } from "../errors.js";
import { type FileLock, type LockBackend, withLock } from "../lock/lock.js";
import { FilePath, FileStatus, type FileSystem, O_RDWR } from "../platform/fs.js";
import { compress } from "./compress.js";
import type { Compression } from "./formats.js";
import { compressedPath, type Extension, type Pending, pendingPath } from "./naming.js";
import type { NumberedBackups } from "./numbered-backups.js";
import { listPending } from "./rotate.js";

export interface SweepPlan {
  readonly fs: FileSystem;
  readonly log: string;
  readonly lock: FileLock;
  readonly lockTimeout: number;
  readonly lockBackend: LockBackend;
  readonly backups: NumberedBackups;
  readonly extension: Extension;
  readonly compression: Compression;
}

/** What a sweep did, as it does it. */
export type SweepEvent =
  /** A compressed backup is new, by the name that it had then. */
  | { readonly type: "compressed"; readonly path: string }
  /** A backup had to go. */
  | { readonly type: "removed"; readonly path: string };

/** A pending file that is compressed; `bytes` of it are in the result. */
interface Compressed {
  readonly pending: Pending;
  readonly bytes: number;
}

// So that archives appear as they are made, and the lock is never held for long.
const FILES_AT_ONCE = 32;

/**
 * Compresses what rotations have set aside, oldest first, and gives it its public name. Runs without the lock but for
 * those renames. One process at a time does it: the one that has locked the oldest waiting file. When another has,
 * this returns at once, since that one goes on until nothing waits.
 * @throws {LogFileError} `ERR_CLH_COMPRESS`, `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT`; what is not done stays, and the next sweep does it
 */
export async function sweep(plan: SweepPlan, report: (event: SweepEvent) => void): Promise<void> {
  for (;;) {
    const waiting = listPending(plan.fs, plan.log);
    if (waiting.length === 0) return;
    const claim = claimFile(plan, waiting[0]!);
    if (claim === "taken") return;
    if (claim === "gone") continue;
    try {
      await compressAndPublish(plan, waiting.slice(0, FILES_AT_ONCE), report);
    } finally {
      plan.fs.close(claim);
    }
  }
}

/** Locks a waiting file until it is closed. Its lock is free again when it has been published: it is gone then. */
function claimFile({ fs, log, lockBackend }: SweepPlan, pending: Pending): number | "taken" | "gone" {
  const path = pendingPath(log, pending);
  let fd: number;
  try {
    fd = fs.open(path, O_RDWR);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "gone";
    throw failed(path, error);
  }
  if (!lockBackend.tryLock(fd)) {
    fs.close(fd);
    return "taken";
  }
  const opened = new FileStatus();
  const there = new FileStatus();
  fs.statusOfOpen(fd, opened);
  if (fs.status(new FilePath(path), there) && there.isSameFile(opened)) return fd;
  fs.close(fd);
  return "gone";
}

async function compressAndPublish(
  plan: SweepPlan,
  waiting: Pending[],
  report: (event: SweepEvent) => void,
): Promise<void> {
  const done: Compressed[] = [];
  let failure: unknown;
  for (const pending of waiting) {
    try {
      const bytes = pending.state === "published" ? 0 : await compressOne(plan, pending);
      if (bytes !== undefined) done.push({ pending, bytes });
    } catch (error) {
      failure = error;
      break; // what comes after it must wait: backups are published in order
    }
  }
  const inTime = done.length === 0 || withLock(plan.lock, plan.lockTimeout, () => publish(plan, done, report));
  plan.lock.close();
  if (!inTime) throw failed(plan.log, new Error(`the lock was not free within ${plan.lockTimeout} ms`));
  if (failure !== undefined) throw failure;
}

/** Undefined when retention has removed the file meanwhile. */
async function compressOne({ fs, log, extension, compression }: SweepPlan, pending: Pending) {
  const from = pendingPath(log, pending);
  const to = compressedPath(log, pending.sequence, extension);
  try {
    removeIfThere(fs, to); // of a sweep that was killed
    return await compress(fs, from, to, compression);
  } catch (error) {
    removeIfThere(fs, to);
    if (hasCode(error, "ENOENT")) return undefined;
    throw failed(from, error);
  }
}

/**
 * Gives compressed files their public names. Called with the lock held. Killed anywhere, the next sweep finishes it:
 * a file whose state is `published` needs nothing but the rename of its compressed form, if that is still to be seen.
 */
function publish(plan: SweepPlan, done: Compressed[], report: (event: SweepEvent) => void): void {
  const { fs, log, backups, extension } = plan;
  const ready = done.filter((file) => isStillWhole(plan, file)).map(({ pending }) => pending);
  if (ready.length === 0) return;
  anchorTheRest(plan, ready.at(-1)!);
  let at: number | undefined;
  for (const group of groupByAnchor(ready)) {
    // Not there any more, or never was: all backups are newer than this group, but for what was just put there.
    at = backups.find(group[0]!.anchor, extension) ?? at ?? backups.firstFree(extension);
    const published = group.map((pending) => markPublished(plan, pending));
    const files = group
      .map(({ sequence }) => compressedPath(log, sequence, extension))
      .filter((path) => fs.exists(path));
    const { placed, removed } = backups.insert(files, extension, at);
    for (const path of published) fs.unlink(path);
    for (const path of removed) report({ type: "removed", path });
    for (const path of placed) report({ type: "compressed", path });
  }
}

/**
 * False when the compressed form must not be used: retention has removed the file, or somebody without the lock has
 * written to it since.
 */
function isStillWhole({ fs, log, extension }: SweepPlan, { pending, bytes }: Compressed): boolean {
  const status = new FileStatus();
  const there = fs.status(new FilePath(pendingPath(log, pending)), status);
  if (there && (pending.state === "published" || status.size === bytes)) return true;
  removeIfThere(fs, compressedPath(log, pending.sequence, extension));
  return false;
}

/**
 * Files set aside after `last`, with no backup of anybody's between, come in front of it from now on. Done first: until
 * `last` is a backup, they find their place by following it.
 */
function anchorTheRest({ fs, log, extension }: SweepPlan, last: Pending): void {
  const status = new FileStatus();
  if (!fs.statusWithTime(new FilePath(compressedPath(log, last.sequence, extension)), status)) return;
  for (const pending of listPending(fs, log)) {
    if (pending.sequence <= last.sequence || pending.anchor !== last.anchor) continue;
    fs.renameNew(pendingPath(log, pending), pendingPath(log, { ...pending, anchor: status.fingerprint }));
  }
}

function groupByAnchor(pending: Pending[]): Pending[][] {
  const groups: Pending[][] = [];
  for (const file of pending) {
    if (groups.at(-1)?.[0]?.anchor === file.anchor) groups.at(-1)!.push(file);
    else groups.push([file]);
  }
  return groups;
}

function markPublished({ fs, log }: SweepPlan, pending: Pending): string {
  const path = pendingPath(log, { ...pending, state: "published" });
  if (pending.state === "pending") fs.renameNew(pendingPath(log, pending), path);
  return path;
}

function removeIfThere(fs: FileSystem, path: string): void {
  try {
    fs.unlink(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

function failed(path: string, cause: unknown): LogFileError {
  const message = `Cannot compress ${path}: ${reason(cause)}. It stays as it is and is tried again after the next rotation.`;
  return new LogFileError("ERR_CLH_COMPRESS", message, { cause, path });
}
