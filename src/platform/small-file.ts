import { hasCode, isError } from "../base/system-errors.js";
import { closing, FileStatus, type FileSystem, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "./file-system.js";
import { readChunks } from "./read-chunks.js";

const CHUNK_BYTES = 64 * 1024;

/** The content of a file, as far as it is not longer than `limit` bytes. */
export function readUpTo(fs: FileSystem, path: string, limit: number): Buffer {
  return closing(fs, fs.open(path, O_RDONLY | O_NONBLOCK), (fd) => readAll(fs, fd, limit));
}

/**
 * The same as text; undefined when it is not there, not for this user, of a process that has ended, or no regular file.
 * @param isBelieved false of a file that is not to be read
 */
export function readSmallFile(
  fs: FileSystem,
  path: string,
  limit: number,
  isBelieved: (file: FileStatus) => boolean = () => true,
): string | undefined {
  const status = new FileStatus();
  try {
    return closing(fs, fs.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW), (fd) => {
      fs.statusOfOpen(fd, status);
      return status.isFile && isBelieved(status) ? readAll(fs, fd, limit).toString("utf8") : undefined;
    });
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM", "ESRCH", "EISDIR", "ELOOP", "ENXIO")) return undefined;
    if (isError(error, "NotCapable")) return undefined; // Deno, of /proc
    throw error;
  }
}

function readAll(fs: FileSystem, fd: number, limit: number): Buffer {
  return Buffer.concat([...readChunks(fs, fd, CHUNK_BYTES, 0, limit)]);
}
