import { hasCode, LogFileError, reason } from "../errors.js";
import { type FileLock, type LockBackend, withLock } from "../lock/lock.js";
import { FilePath, FileStatus, type FileSystem, O_RDWR } from "../platform/fs.js";
import type { Publisher } from "./backups.js";
import { compress } from "./compress.js";
import type { Compression } from "./formats.js";
import { compressedPath, type Extension, type Pending, pendingPath } from "./naming.js";
import { listPending } from "./pending.js";

export interface SweepPlan {
  readonly fs: FileSystem;
  readonly log: string;
  readonly lock: FileLock;
  readonly lockTimeout: number;
  readonly lockBackend: LockBackend;
  readonly publisher: Publisher;
  readonly extension: Extension;
  readonly compression: Compression;
  /** The newest file waits for the next rotation. */
  readonly isDelayed: boolean;
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
 * @returns false when something is left of which only the caller can tell the name
 * @throws {LogFileError} `ERR_CLH_COMPRESS`, `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT`; what is not done stays, and the next sweep does it
 */
export async function sweep(plan: SweepPlan, report: (event: SweepEvent) => void): Promise<boolean> {
  for (;;) {
    const waiting = listPending(plan.fs, plan.log);
    if (plan.isDelayed && waiting.at(-1)?.state === "pending") waiting.pop();
    if (waiting.length === 0) return true;
    const unknown = waiting.findIndex(({ place }) => !plan.publisher.canPublish(place));
    const known = unknown === -1 ? waiting : waiting.slice(0, unknown);
    if (known.length === 0) return false;
    const claim = claimFile(plan, known[0]!);
    if (claim === "taken") return true;
    if (claim === "gone") continue;
    try {
      await compressAndPublish(plan, known.slice(0, FILES_AT_ONCE), report);
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
  let claim: "claimed" | "taken" | "gone" | undefined;
  try {
    claim = lockBackend.tryLock(fd, true) ? (isAt(fs, path, fd) ? "claimed" : "gone") : "taken";
  } finally {
    if (claim !== "claimed") fs.close(fd); // left open, it would keep the file from everybody
  }
  return claim === "claimed" ? fd : claim;
}

function isAt(fs: FileSystem, path: string, fd: number): boolean {
  const opened = new FileStatus();
  const there = new FileStatus();
  fs.statusOfOpen(fd, opened);
  return fs.status(new FilePath(path), there) && there.isSameFile(opened);
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
  let inTime = true;
  try {
    if (done.length > 0) inTime = withLock(plan.lock, plan.lockTimeout, () => publish(plan, done, report));
  } finally {
    plan.lock.close();
  }
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
  const { fs, log, publisher, extension } = plan;
  const ready = done.filter((file) => isStillWhole(plan, file)).map(({ pending }) => pending);
  if (ready.length === 0) return;
  placeTheRest(plan, ready.at(-1)!);
  const published = ready.map((pending) => markPublished(plan, pending));
  const files = ready
    .map(({ sequence, place }) => ({ path: compressedPath(log, sequence, extension), place }))
    .filter(({ path }) => fs.exists(path));
  const { placed, removed } = publisher.publish(files, extension);
  for (const path of published) fs.unlink(path);
  for (const path of removed) report({ type: "removed", path });
  for (const path of placed) report({ type: "compressed", path });
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
function placeTheRest({ fs, log, extension }: SweepPlan, last: Pending): void {
  const status = new FileStatus();
  if (!fs.statusWithTime(new FilePath(compressedPath(log, last.sequence, extension)), status)) return;
  for (const pending of listPending(fs, log)) {
    if (pending.sequence <= last.sequence || pending.place !== last.place) continue;
    fs.renameNew(pendingPath(log, pending), pendingPath(log, { ...pending, place: status.fingerprint }));
  }
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
