import { hasCode } from "../base/errors.js";
import { type FileSystem, O_NONBLOCK, O_RDONLY } from "./file-system.js";

const CHUNK = 64 * 1024;

/** The content of a file, as far as it is not longer than `limit` bytes. */
export function readUpTo(fs: FileSystem, path: string, limit: number): Buffer {
  const fd = fs.open(path, O_RDONLY | O_NONBLOCK);
  try {
    const chunks: Buffer[] = [];
    for (let at = 0; at < limit; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK, limit - at));
      const length = fs.read(fd, chunk, 0, chunk.length, at);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
      at += length;
    }
    return Buffer.concat(chunks);
  } finally {
    fs.close(fd);
  }
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
