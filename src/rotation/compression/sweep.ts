import { LogFileError } from "../../base/errors.js";
import { advice, hasCode, reason } from "../../base/system-errors.js";
import { type FileLock, withLock } from "../../lock/file-lock.js";
import type { LockFile } from "../../lock/lock-file.js";
import { COMPRESSED, type Compression, type Extension } from "../../log-files/compression-formats.js";
import { unfinishedPath } from "../../log-files/hidden-names.js";
import { Listing } from "../../log-files/listing.js";
import { pathOnDisk } from "../../log-files/named-backups.js";
import { occupantOf } from "../../log-files/path-type.js";
import { listLeftHidden, listPending } from "../../log-files/pending-files.js";
import { NO_PLACE, newUnique, type Pending, pendingPath } from "../../log-files/pending-names.js";
import { closing, FilePath, FileStatus, type FileSystem, O_NONBLOCK, O_RDONLY } from "../../platform/file-system.js";
import type { Publisher } from "../backups.js";
import { compress, type Source } from "./compress.js";
import { failed, type PassedOver, removeIfThere, settle } from "./settle.js";

export interface SweepPlan {
  readonly fs: FileSystem;
  readonly log: string;
  readonly lock: FileLock;
  readonly lockTimeout: number;
  /** At `sweepLockPath`; locked while files are compressed. */
  readonly sweepLock: LockFile;
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

/** A compressed form, under a name that this sweep alone knows. */
interface Unfinished {
  readonly path: string;
  readonly source: Source;
}

/** A file that is to be published. Nothing is unfinished of one that another sweep has compressed. */
interface Done {
  readonly pending: Pending;
  readonly unfinished: Unfinished | undefined;
}

// So that archives appear as they are made, and the lock is never held for long.
const FILES_AT_ONCE = 32;

/**
 * Compresses what rotations have set aside, oldest first, and gives it its public name. Runs without the lock but for
 * those renames. One process at a time does it: when another one is at it, this returns at once, since that one looks
 * again when it has ended. Nothing but time depends on that: should two be at it, since somebody has deleted the file
 * that they lock, each writes files of its own, and what it finds under the lock says what it may publish.
 * @returns false when something is left of which only the caller can tell the name
 * @throws {LogFileError} `ERR_CLH_COMPRESS`, `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT`; what is not done stays, and the next sweep does it
 */
export async function sweep(plan: SweepPlan, report: (event: SweepEvent) => void): Promise<boolean> {
  const passedOver: PassedOver = new Map();
  const isComplete = await sweepReadable(plan, passedOver, report);
  for (const failure of passedOver.values()) throw failure;
  return isComplete;
}

/** @param passedOver files, and why; more are found */
async function sweepReadable(
  plan: SweepPlan,
  passedOver: PassedOver,
  report: (event: SweepEvent) => void,
): Promise<boolean> {
  const { fs, log } = plan;
  for (;;) {
    // Also after the last file, without the lock: who could not have it relies on us to see what it has set aside.
    const isLeftHidden = listLeftHidden(fs, log).some((path) => !passedOver.has(path));
    if (!isLeftHidden && listWaiting(plan, passedOver).length === 0) return true;
    if (!beginSweep(plan)) return true;
    try {
      await settle(fs, log, passedOver, (body) => underLock(plan, body));
      const waiting = listWaiting(plan, passedOver);
      const unknown = waiting.findIndex(({ place }) => !plan.publisher.canPublish(place));
      const known = unknown === -1 ? waiting : waiting.slice(0, unknown);
      if (known.length === 0 && waiting.length > 0) return false;
      await compressAndPublish(plan, known.slice(0, FILES_AT_ONCE), passedOver, report);
    } finally {
      plan.sweepLock.close();
    }
  }
}

function listWaiting({ fs, log, isDelayed }: SweepPlan, passedOver: PassedOver): Pending[] {
  const all = listPending(fs, log);
  if (isDelayed && all.at(-1)?.extension === "") all.pop();
  return all.filter(({ unique }) => !passedOver.has(unique));
}

/** @throws {LogFileError} when the lock of the log cannot be had */
function underLock({ log, lock, lockTimeout }: SweepPlan, body: () => void): void {
  try {
    if (withLock(lock, lockTimeout, body)) return;
  } finally {
    lock.close();
  }
  throw failed(log, new Error(`the lock was not free within ${lockTimeout} ms`));
}

/** False when another process is at it. What is locked is free again when it is closed. */
function beginSweep({ sweepLock }: SweepPlan): boolean {
  let isOurs = false;
  try {
    isOurs = sweepLock.tryLock();
    return isOurs;
  } catch (cause) {
    const { path } = sweepLock;
    const message = `Cannot lock ${path} to compress rotated files: ${reason(cause)}. ${advice(cause)}They stay as they are and are tried again after the next rotation.`;
    throw new LogFileError("ERR_CLH_COMPRESS", message, { cause, path });
  } finally {
    if (!isOurs) sweepLock.close();
  }
}

async function compressAndPublish(
  plan: SweepPlan,
  waiting: Pending[],
  passedOver: PassedOver,
  report: (event: SweepEvent) => void,
): Promise<void> {
  const { fs, log } = plan;
  const done: Done[] = [];
  let failure: unknown;
  for (const pending of waiting) {
    try {
      const unfinished = pending.extension === "" ? await compressOne(plan, pending) : undefined;
      if (pending.extension !== "" || unfinished !== undefined) done.push({ pending, unfinished });
    } catch (error) {
      const path = pendingPath(log, pending);
      if (isUnreadable(error, path)) passedOver.set(pending.unique, failed(path, error));
      else failure = failed(path, error);
      break; // what comes after it must wait: those before it are published first, and then it is told from them
    }
  }
  try {
    if (done.length > 0) underLock(plan, () => publish(plan, done, report));
  } finally {
    for (const { unfinished } of done) if (unfinished !== undefined) removeIfThere(fs, unfinished.path);
  }
  if (failure !== undefined) throw failure;
}

/** Undefined when retention has removed the file meanwhile. */
async function compressOne(
  { fs, log, extension, compression }: SweepPlan,
  pending: Pending,
): Promise<Unfinished | undefined> {
  const from = pendingPath(log, pending);
  const path = unfinishedPath(log, pending.sequence, newUnique());
  const form = pendingPath(log, { ...pending, extension });
  if (occupantOf(fs, form) === "other") throw new Obstacle(`${form} is no file, and not ours`);
  try {
    return { path, source: await compress(fs, from, path, compression) };
  } catch (error) {
    removeIfThere(fs, path);
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Something that is not ours has the name that a compressed form must have. */
class Obstacle extends Error {}

/** True when the failure is one of this file, and others may have more luck. */
function isUnreadable(error: unknown, path: string): boolean {
  const { syscall, path: failedPath } = error as NodeJS.ErrnoException;
  return error instanceof Obstacle || syscall === "read" || failedPath === path;
}

/**
 * Gives compressed files their names as backups. Called with the lock held. Killed anywhere, the next sweep finishes it:
 * what is compressed waits under a name that says where it belongs, until one rename makes it a backup.
 */
function publish(plan: SweepPlan, done: Done[], report: (event: SweepEvent) => void): void {
  const { log, publisher } = plan;
  const listing = new Listing(plan.fs);
  const ready = done.flatMap((file) => replaceByForm(plan, listing, file) ?? []);
  if (ready.length === 0) return;
  placeTheRest(plan, ready);
  const places = placesOf(ready);
  // Of each kind of file there is a sequence. A form that another sweep has left may be of another kind than ours.
  for (const extension of COMPRESSED) {
    const files = ready.flatMap((pending, i) =>
      pending.extension === extension ? [{ path: pendingPath(log, pending), place: places[i]! }] : [],
    );
    const { placed, removed } = publisher.publish(files, extension);
    for (const path of removed) report({ type: "removed", path: pathOnDisk(plan.fs, path) });
    for (const path of placed) report({ type: "compressed", path: pathOnDisk(plan.fs, path) });
  }
}

/**
 * Puts the compressed form beside the file, where "app.log*" finds it too, and then takes the file away. Undefined when
 * it must not be used: one of the two is gone, or the file is another one by now, or somebody without the lock has
 * written to it since.
 */
function replaceByForm(
  { fs, log, extension }: SweepPlan,
  listing: Listing,
  { pending, unfinished }: Done,
): Pending | undefined {
  const path = pendingPath(log, pending);
  if (!listing.has(path)) return undefined;
  if (unfinished === undefined) return pending;
  const { source } = unfinished;
  const status = new FileStatus();
  // Opened, since the client of a network file system then asks how long it is.
  closing(fs, fs.open(path, O_RDONLY | O_NONBLOCK), (fd) => fs.statusOfOpen(fd, status));
  if (!status.isSameFile(source.status) || status.size !== source.bytes) return undefined;
  const form = { ...pending, extension };
  try {
    fs.renameNew(unfinished.path, pendingPath(log, form));
  } catch (error) {
    if (hasCode(error, "ENOENT", "EEXIST")) return undefined; // another sweep was at it: the next look shows what it left
    throw error;
  }
  fs.unlink(path);
  return form;
}

/**
 * Files set aside after the last of these, with no backup of anybody's between, come in front of it from now on. Done
 * first: until it is a backup, they find their place by following it.
 */
function placeTheRest({ fs, log, publisher }: SweepPlan, ready: readonly Pending[]): void {
  const last = ready.at(-1)!;
  const path = pendingPath(log, last);
  const status = new FileStatus();
  fs.statusWithTime(new FilePath(path), status);
  const { fingerprint } = status;
  const places = new Set(ready.map(({ place }) => place)).add(NO_PLACE);
  for (const pending of listPending(fs, log)) {
    if (pending.sequence <= last.sequence || pending.place === fingerprint) continue;
    const isOvertaken = () => publisher.isOvertaken(pending.place, { path, place: last.place }, last.extension);
    if (places.has(pending.place) || isOvertaken())
      fs.renameNew(pending.path, pendingPath(log, { ...pending, place: fingerprint }));
  }
}

/**
 * Where files belong, oldest first. One with the place of an earlier one follows the file before it, though that may
 * have another place by now: then a sweep was cut off that had placed that one, and not come to this one.
 */
function placesOf(ready: readonly Pending[]): string[] {
  const seen = new Set<string>();
  const places: string[] = [];
  for (const { place } of ready) {
    places.push(seen.has(place) ? places.at(-1)! : place);
    seen.add(place);
  }
  return places;
}
