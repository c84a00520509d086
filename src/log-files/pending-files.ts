import { dirname } from "node:path";
import { hasCode } from "../base/errors.js";
import type { FileSystem } from "../platform/file-system.js";
import { LARGEST_SEQUENCE, type Pending, parsePending, parseSequence } from "./hidden-names.js";
import { parseNames } from "./list-files.js";
import { isFile } from "./path-type.js";

/**
 * The files of `log` that wait to be compressed or published, in the order of their rotation.
 * @param names of its directory
 */
export function listPending(
  fs: FileSystem,
  log: string,
  names: readonly string[] = fs.readdir(dirname(log)),
): Pending[] {
  const found = parseNames(log, names, parsePending).filter(({ path }) => isFile(fs, path));
  return found.sort((a, b) => a.sequence - b.sequence);
}

/** The sequence of what is set aside next. Called with the lock held. */
export function nextSequence(log: string, names: readonly string[]): number {
  const last = names.reduce((last, name) => Math.max(last, parseSequence(log, name) ?? 0), 0);
  if (last < LARGEST_SEQUENCE) return last + 1;
  throw new Error(`the hidden file that has the number ${last} leaves none for another: delete it`);
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
