import { hasCode } from "../base/errors.js";
import { type FileSystem, O_NONBLOCK, O_RDONLY } from "./file-system.js";

const CHUNK = 64 * 1024;

/** The text of a small file, at most `limit` bytes; undefined when it is not there, or not for this user. */
export function readSmallFile(fs: FileSystem, path: string, limit: number): string | undefined {
  let fd: number;
  try {
    fd = fs.open(path, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM", "ESRCH")) return undefined;
    throw error;
  }
  try {
    const chunks: Buffer[] = [];
    for (let at = 0; at < limit; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK, limit - at));
      const length = fs.read(fd, chunk, 0, chunk.length, at);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
      at += length;
    }
    return Buffer.concat(chunks).toString("utf8");
  } catch (error) {
    if (hasCode(error, "ESRCH", "EISDIR", "EACCES")) return undefined; // ESRCH: of a process that has ended
    throw error;
  } finally {
    fs.close(fd);
  }
}
