import { hasCode } from "../base/errors.js";
import { closing, type FileSystem, O_NONBLOCK, O_RDONLY } from "./file-system.js";
import { readChunks } from "./read-chunks.js";

const CHUNK = 64 * 1024;

/** The content of a file, as far as it is not longer than `limit` bytes. */
export function readUpTo(fs: FileSystem, path: string, limit: number): Buffer {
  const read = (fd: number) => Buffer.concat([...readChunks(fs, fd, CHUNK, 0, limit)]);
  return closing(fs, fs.open(path, O_RDONLY | O_NONBLOCK), read);
}

/** The same as text; undefined when it is not there, not for this user, of a process that has ended, or no file. */
export function readSmallFile(fs: FileSystem, path: string, limit: number): string | undefined {
  try {
    return readUpTo(fs, path, limit).toString("utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM", "ESRCH", "EISDIR", "ESPIPE")) return undefined;
    throw error;
  }
}
