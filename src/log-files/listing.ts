import { basename, dirname } from "node:path";
import { hasCode } from "../base/system-errors.js";
import type { FileSystem } from "../platform/file-system.js";

/** The names in a directory; none where there is no such directory. */
export function namesIn(fs: FileSystem, directory: string): string[] {
  try {
    return fs.readdir(directory);
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
    return [];
  }
}

/**
 * Whether files are there, by the names in their directories at one moment. A client of a network file system remembers for a
 * while of a name that it leads nowhere, or to what others have renamed since; it asks the server when a directory is listed.
 */
export class Listing {
  readonly #fs: FileSystem;
  readonly #names = new Map<string, ReadonlySet<string>>();

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  has(path: string): boolean {
    const directory = dirname(path);
    let names = this.#names.get(directory);
    if (names === undefined) {
      names = new Set(namesIn(this.#fs, directory));
      this.#names.set(directory, names);
    }
    return names.has(basename(path));
  }
}
