import { dirname } from "node:path";
import { hasCode } from "../base/system-errors.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import { isUnfinished, parseHiddenForm, parseHiddenPending } from "./hidden-names.js";
import { parseNames, pathsOf } from "./list-files.js";
import { isFile } from "./path-type.js";
import { newUnique, type Pending, parsePending, pendingPath } from "./pending-names.js";

/**
 * The files of `log` that wait to be compressed or published, in the order of their rotation.
 * @param names of its directory
 */
export function listPending(
  fs: FileSystem,
  log: string,
  names: readonly string[] = fs.readdir(dirname(log)),
): (Pending & { readonly path: string })[] {
  const found = parseNames(log, names, parsePending).filter(({ path }) => isFile(fs, path));
  return found.sort((a, b) => a.sequence - b.sequence);
}

/**
 * Hidden files that a sweep has to see to: copies that a killed one was making, and what an older version has left.
 * @param names of the directory
 */
export function listLeftHidden(fs: FileSystem, log: string, names?: readonly string[]): string[] {
  const isLeft = (name: string) =>
    isUnfinished(log, name) || (parseHiddenPending(log, name) ?? parseHiddenForm(log, name)) !== undefined;
  return pathsOf(fs, log, (_, name) => isLeft(name), names).filter((path) => isFile(fs, path));
}

// In the year 2223. A larger sequence is of no rotation, and what counts on from it would soon have too many digits.
const LARGEST_SEQUENCE = 8e12;

/**
 * Where `file` waits, by a name that nothing has had. Called with the lock held. Its sequence is the millisecond of its
 * last change, which says more than a count, and does not begin again when nothing waits.
 */
export function newPendingPath(
  fs: FileSystem,
  log: string,
  file: string,
  place: string,
  names: readonly string[] = fs.readdir(dirname(log)),
): string {
  const status = new FileStatus();
  fs.statusWithTime(new FilePath(file), status);
  const last = names.reduce((largest, name) => {
    const sequence = parsePending(log, name)?.sequence ?? 0;
    return sequence > LARGEST_SEQUENCE ? largest : Math.max(largest, sequence);
  }, 0);
  const changedAt = Math.min(Math.max(0, Math.floor(status.modifiedAt * 1000)), LARGEST_SEQUENCE);
  return pendingPath(log, { sequence: Math.max(changedAt, last + 1), place, unique: newUnique(), extension: "" });
}

/** Renames a file of the log, never over another: that could only be one that a second rotation has just put there. */
export function moveAside(fs: FileSystem, from: string, to: string): void {
  try {
    fs.renameNew(from, to);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || !fs.exists(from)) throw error;
    fs.mkdir(dirname(to)); // a namer may point elsewhere
    fs.renameNew(from, to);
  }
}
