import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { LogFileError } from "../../base/errors.js";
import { advice, hasCode, reason } from "../../base/system-errors.js";
import { isUnfinished, parseHiddenForm, parseHiddenPending } from "../../log-files/hidden-names.js";
import { isCompressedFormOf, listLogFiles, parseNames, pathsOf } from "../../log-files/list-files.js";
import { Listing } from "../../log-files/listing.js";
import { isFile } from "../../log-files/path-type.js";
import { listPending } from "../../log-files/pending-files.js";
import { NO_PLACE, newUnique, type Pending, pendingPath } from "../../log-files/pending-names.js";
import { FilePath, FileStatus, type FileSystem } from "../../platform/file-system.js";
import { type Comparison, compare } from "./compare.js";

/*
 * Before a sweep: what killed sweeps and older versions have left is brought to where a sweep goes on. A file goes only
 * when this sweep has read the same from another that stays; names prove nothing, for anybody may copy files back.
 */

/** Files that are left for another sweep, and why: by `Pending.unique`, hidden ones by path. */
export type PassedOver = Map<string, LogFileError>;

/** @param underLock does something with the lock of the log held, and throws when it cannot be had */
export async function settle(
  fs: FileSystem,
  log: string,
  passedOver: PassedOver,
  underLock: (body: () => void) => void,
): Promise<void> {
  for (const killed of pathsOf(fs, log, isUnfinished).filter((path) => isFile(fs, path))) removeIfThere(fs, killed);
  if (canUncover(fs, log)) underLock(() => uncover(fs, log));
  const steps = [...(await settleTwins(fs, log, passedOver)), ...(await settlePublished(fs, log, passedOver))];
  if (steps.length === 0) return;
  underLock(() => {
    const listing = new Listing(fs);
    for (const step of steps) step(listing);
  });
}

type Step = (listing: Listing) => void;

/** Files whose compressed form stands beside them: a sweep was killed between its name and the end of the file. */
async function settleTwins(fs: FileSystem, log: string, passedOver: PassedOver): Promise<Step[]> {
  const all = listPending(fs, log).filter(({ unique }) => !passedOver.has(unique));
  const steps: Step[] = [];
  for (const source of all.filter(({ extension }) => extension === "")) {
    const { sequence, unique, path } = source;
    const forms = all.filter((file) => file !== source && file.sequence === sequence && file.unique === unique);
    if (forms.length === 0) continue;
    await trying(path, unique, passedOver, async () => {
      const compared: (Comparison & { readonly path: string })[] = [];
      for (const form of forms)
        compared.push({ ...(await compare(fs, path, form.path, form.extension)), path: form.path });
      steps.push((listing) => {
        const isAsRead = (file: (typeof compared)[number]) =>
          isUntouched(fs, listing, path, file.source) && isUntouched(fs, listing, file.path, file.form);
        if (!compared.every(isAsRead)) return;
        const [same, ...more] = compared.filter(({ result }) => result === "same");
        for (const copy of [...more, ...compared.filter(({ result }) => result === "damaged")]) fs.unlink(copy.path);
        if (same !== undefined) fs.unlink(path);
        else if (compared.some(({ result }) => result === "other")) {
          fs.renameNew(path, pendingPath(log, { ...source, unique: newUnique() }));
        }
      });
    });
  }
  return steps;
}

/**
 * What an older version has marked as published, without a form: where a backup is the same, the file goes; else it waits
 * again. Where the two were, a namer may know; then its records are there twice.
 */
async function settlePublished(fs: FileSystem, log: string, passedOver: PassedOver): Promise<Step[]> {
  const steps: Step[] = [];
  for (const { path, sequence, place } of listed(fs, log, parseHiddenPending).filter(
    (hidden) => !passedOver.has(hidden.path),
  )) {
    await trying(path, path, passedOver, async () => {
      const status = new FileStatus();
      fs.statusWithTime(new FilePath(path), status);
      const file = { extension: "", status } as const;
      let isThere = false;
      for (const backup of listLogFiles(fs, log).filter((other) => isCompressedFormOf(other, file))) {
        const comparison = await compare(fs, path, backup.path, backup.extension);
        isThere ||= comparison.result === "same";
      }
      steps.push((listing) => {
        if (!isUntouched(fs, listing, path, status)) return;
        if (isThere) fs.unlink(path);
        else fs.renameNew(path, pendingPath(log, { sequence, place, unique: newUnique(), extension: "" }));
      });
    });
  }
  return steps;
}

/** A failure that is one of these files keeps back these alone; they may be gone by now as well. */
async function trying(path: string, key: string, passedOver: PassedOver, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!hasCode(error, "ENOENT")) passedOver.set(key, failed(path, error));
  }
}

function isUntouched(fs: FileSystem, listing: Listing, path: string, before: FileStatus): boolean {
  const now = new FileStatus();
  if (!listing.has(path)) return false;
  return fs.statusWithTime(new FilePath(path), now) && now.isSameFile(before) && now.size === before.size;
}

/** Files beside the log whose names `parse` reads. */
function listed<Parsed extends object>(
  fs: FileSystem,
  log: string,
  parse: (log: string, name: string) => Parsed | undefined,
) {
  return parseNames(log, fs.readdir(dirname(log)), parse).filter(({ path }) => isFile(fs, path));
}

function canUncover(fs: FileSystem, log: string): boolean {
  const isPending = ({ state }: { state: string }) => state === "pending";
  return listed(fs, log, parseHiddenForm).length > 0 || listed(fs, log, parseHiddenPending).some(isPending);
}

/**
 * Gives what an older version has left the names of this one, but for what it has published, which may be a backup. Called
 * with the lock held. A form stands beside the file of its sequence, of several beside the one that was marked.
 */
function uncover(fs: FileSystem, log: string): void {
  const forms = listed(fs, log, parseHiddenForm);
  for (const { path, sequence, place, state } of listed(fs, log, parseHiddenPending).sort(byState)) {
    const own = forms.filter((form) => form.sequence === sequence);
    if (state === "published" && own.length === 0) continue;
    // The same whenever it is asked: killed in between, the next sweep brings the file to its form.
    const unique = createHash("sha256").update(basename(path)).digest("hex").slice(0, 8);
    for (const form of own) rename(fs, log, form.path, { sequence, place, unique, extension: form.extension });
    rename(fs, log, path, { sequence, place, unique, extension: "" });
    for (const form of own) forms.splice(forms.indexOf(form), 1);
  }
  for (const { path, sequence, extension } of forms) {
    rename(fs, log, path, { sequence, place: NO_PLACE, unique: newUnique(), extension });
  }
}

function byState(a: { readonly state: string }, b: { readonly state: string }): number {
  return a.state === b.state ? 0 : a.state === "published" ? -1 : 1;
}

/** Beside what may have that name already. */
function rename(fs: FileSystem, log: string, from: string, to: Pending): void {
  try {
    fs.renameNew(from, pendingPath(log, to));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    fs.renameNew(from, pendingPath(log, { ...to, unique: newUnique() }));
  }
}

export function removeIfThere(fs: FileSystem, path: string): void {
  try {
    fs.unlink(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

export function failed(path: string, cause: unknown): LogFileError {
  const message = `Cannot compress ${path}: ${reason(cause)}. ${advice(cause)}It stays as it is and is tried again after the next rotation.`;
  return new LogFileError("ERR_CLH_COMPRESS", message, { cause, path });
}
