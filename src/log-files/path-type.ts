import { hasCode } from "../base/system-errors.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";

/**
 * What has a name of ours. `other`: a directory, a pipe, a link that leads to no file. It holds no records, and stays.
 * @param into filled where there is a file
 */
export function occupantOf(fs: FileSystem, path: string, into = new FileStatus()): "nothing" | "file" | "other" {
  const name = new FilePath(path);
  if (!fs.linkStatus(name, into)) return "nothing";
  if (!into.isSymbolicLink) return into.isFile ? "file" : "other";
  try {
    return fs.statusWithTime(name, into) && into.isFile ? "file" : "other";
  } catch (error) {
    if (hasCode(error, "ELOOP", "EACCES")) return "other"; // a link to itself, or into a directory that is closed to us
    throw error;
  }
}

export function isFile(fs: FileSystem, path: string, into?: FileStatus): boolean {
  return occupantOf(fs, path, into) === "file";
}
