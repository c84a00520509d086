import { hasCode } from "../errors.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/fs.js";

/**
 * What has a name of ours. `other`: a directory, a pipe, a link that leads to no file. It holds no records, and stays.
 * @param into filled where there is a file
 */
export function occupantOf(fs: FileSystem, path: string, into = new FileStatus()): "nothing" | "file" | "other" {
  const name = new FilePath(path);
  try {
    if (fs.statusWithTime(name, into)) return into.isFile ? "file" : "other";
  } catch (error) {
    // A link to itself, or into a directory that is closed to us.
    if (!hasCode(error, "ELOOP", "EACCES") || !fs.linkStatus(name, into) || !into.isSymbolicLink) throw error;
  }
  return fs.linkStatus(name, into) ? "other" : "nothing";
}

export function isFile(fs: FileSystem, path: string, into?: FileStatus): boolean {
  return occupantOf(fs, path, into) === "file";
}
