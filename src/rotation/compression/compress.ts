import { pipeline } from "node:stream/promises";
import { hasCode } from "../../base/system-errors.js";
import { type Compression, FORMATS } from "../../log-files/compression-formats.js";
import {
  FileStatus,
  type FileSystem,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from "../../platform/file-system.js";
import { readChunks } from "../../platform/read-chunks.js";
import { writeFully } from "../../platform/write-fully.js";

const CHUNK_BYTES = 64 * 1024;

/** What a compressed form was made of. */
export interface Source {
  /** As the file was when it was opened. */
  readonly status: FileStatus;
  /** How many of its bytes were read. */
  readonly bytes: number;
}

/**
 * Writes the compressed form of `from` to the new file `to`, with its owner, mode and time of last change, and makes
 * sure that it is on the disk. Streams: memory does not grow with the file.
 */
export async function compress(fs: FileSystem, from: string, to: string, compression: Compression): Promise<Source> {
  const source = fs.open(from, O_RDONLY | O_NONBLOCK);
  try {
    const status = new FileStatus();
    fs.statusOfOpen(source, status);
    if (!status.isFile) throw new Error(`${from} is not a regular file`);
    const target = fs.open(to, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      // Not the streams of node:fs: one that fails closes its descriptor, `autoClose` or not, and then it may be
      // somebody else's that we close.
      let bytesRead = 0;
      const content = function* () {
        for (const chunk of readChunks(fs, source, CHUNK_BYTES)) {
          bytesRead += chunk.length;
          yield chunk;
        }
      };
      const toTarget = async (compressed: AsyncIterable<Buffer>) => {
        for await (const bytes of compressed) {
          writeFully(0, bytes.length, (at, length) => fs.write(target, bytes, at, length));
        }
      };
      await pipeline(content, FORMATS[compression.format].create!(compression.level), toTarget);
      inherit(fs, status, target);
      fs.fsync(target);
      return { status, bytes: bytesRead };
    } finally {
      fs.close(target);
    }
  } finally {
    fs.close(source);
  }
}

function inherit(fs: FileSystem, from: FileStatus, target: number): void {
  const own = new FileStatus();
  fs.statusOfOpen(target, own);
  // One of several users of this log, and not root, can give it to a group of his own at most.
  const hasGroup =
    (own.uid !== from.uid && succeeds("EPERM", () => fs.fchown(target, from.uid, from.gid))) ||
    own.gid === from.gid ||
    succeeds("EPERM", () => fs.fchown(target, own.uid, from.gid));
  const mode = from.mode & 0o7777;
  // Another group may do no more than everybody.
  const bits = hasGroup ? mode : mode & (0o7707 | ((mode & 0o007) << 3));
  succeeds("ENOTSUP", () => fs.fchmod(target, bits)); // Windows
  fs.futimes(target, from.modifiedAt, from.modifiedAt);
}

/** False when it failed with this code. */
function succeeds(code: string, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!hasCode(error, code)) throw error;
    return false;
  }
}
