import type { FileSystem } from "./file-system.js";

/** The bytes of an open file from `start` up to `limit`, or less when it ends before; in pieces, each with memory of its own. */
export function* readChunks(
  fs: FileSystem,
  fd: number,
  chunkBytes: number,
  start = 0,
  limit = Number.POSITIVE_INFINITY,
): Generator<Buffer> {
  for (let at = start; at < limit; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, limit - at));
    const length = fs.read(fd, chunk, 0, chunk.length, at);
    if (length === 0) return;
    at += length;
    yield chunk.subarray(0, length);
  }
}
