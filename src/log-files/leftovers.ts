import { basename, dirname, join } from "node:path";
import { FileStatus, type FileSystem } from "../platform/file-system.js";
import { parseLeftover } from "./backup-names.js";
import type { Extension } from "./compression-formats.js";
import { isFile } from "./path-type.js";

/** A file that upstream has rotated and not numbered. */
export interface Leftover {
  readonly path: string;
  readonly extension: Extension;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/**
 * What upstream was rotating when it was killed, oldest first. It compresses before it deletes the original: while that
 * is there, the compressed form may be cut off, and does not count.
 */
export function listLeftovers(fs: FileSystem, log: string): Leftover[] {
  const base = basename(log);
  const names = fs.readdir(dirname(log)).filter((name) => name.startsWith(base));
  const found: Leftover[] = [];
  const status = new FileStatus();
  for (const name of names) {
    const parsed = parseLeftover(log, name);
    if (parsed === undefined) continue;
    const path = join(dirname(log), name);
    if (parsed.extension !== "" && names.includes(name.slice(0, -parsed.extension.length))) continue;
    if (isFile(fs, path, status)) found.push({ path, ...parsed, modifiedAt: status.modifiedAt });
  }
  return found.sort((a, b) => a.modifiedAt - b.modifiedAt);
}
