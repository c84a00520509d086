import { pipeline } from "node:stream/promises";
import { hasCode } from "../errors.js";
import { FileStatus, type FileSystem, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } from "../platform/fs.js";
import { type Compression, FORMATS } from "./formats.js";

/**
 * Writes the compressed form of `from` to the new file `to`, with its owner, mode and time of last change, and makes
 * sure that it is on the disk. Streams: memory does not grow with the file.
 * @returns how many bytes of `from` are in it
 */
export async function compress(fs: FileSystem, from: string, to: string, compression: Compression): Promise<number> {
  const source = fs.open(from, O_RDONLY);
  try {
    const status = new FileStatus();
    fs.statusOfOpen(source, status);
    const target = fs.open(to, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      const input = fs.createReadStream("", { fd: source, autoClose: false, start: 0 });
      const output = fs.createWriteStream("", { fd: target, autoClose: false });
      await pipeline(input, FORMATS[compression.format].create!(compression.level), output);
      inherit(fs, status, target);
      fs.fsync(target);
      return input.bytesRead;
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
  if (own.uid !== from.uid || own.gid !== from.gid) {
    try {
      fs.fchown(target, from.uid, from.gid);
    } catch (error) {
      if (!hasCode(error, "EPERM")) throw error; // one of several users of this log, and not root
    }
  }
  fs.fchmod(target, from.mode & 0o7777);
  fs.futimes(target, from.modifiedAt, from.modifiedAt);
}
