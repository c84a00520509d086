import type { Transform } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { FileStatus, type FileSystem } from "../platform/fs.js";
import { FORMATS } from "../rotation/formats.js";
import type { Extension } from "../rotation/naming.js";

const CHUNK_BYTES = 256 * 1024;
// Compressed, since a chunk of these may become a thousand times as long.
const COMPRESSED_CHUNK_BYTES = 64 * 1024;

/** Told how many bytes of a file, as it is on disk, have been read. */
export type OnRead = (bytes: number) => void;

/** The bytes of an open plain file from `start` up to `limit`, or less when it ends before. */
export async function* plainChunks(
  fs: FileSystem,
  fd: number,
  start: number,
  limit: number,
  onRead?: OnRead,
): AsyncGenerator<Buffer> {
  for (let at = start; at < limit; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, limit - at));
    const length = fs.read(fd, chunk, 0, chunk.length, at);
    if (length === 0) return;
    at += length;
    yield chunk.subarray(0, length);
    onRead?.(at);
    await setImmediate(); // reading does not wait, and others have to do something as well
  }
}

/**
 * The content of an open compressed file; all that can be had of it before a failure is thrown.
 * @throws when it is damaged or cut off, or has something else behind its end
 */
export async function* decompressedChunks(
  fs: FileSystem,
  fd: number,
  extension: Extension,
  onRead?: OnRead,
): AsyncGenerator<Buffer> {
  const [name, format] = Object.entries(FORMATS).find(([, candidate]) => candidate.extension === extension)!;
  if (format.open === undefined) throw new Error(`this version of Node cannot read ${name}: use 22.15 or later`);
  const size = sizeOf(fs, fd);
  if (size === 0) throw new Error("it is empty, so it is no compressed file");
  const stream = format.open();
  // Not `for await`, nor a pipeline: they throw away what was decompressed before the failure.
  let wake = () => {};
  let failure: unknown;
  stream.on("error", (error) => {
    failure = error;
  });
  for (const event of ["readable", "end", "close", "drain"]) stream.on(event, () => wake());
  const something = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  try {
    let at = 0;
    let isFull = false;
    for (;;) {
      const chunk = stream.read() as Buffer | null;
      if (chunk !== null) {
        yield chunk;
        continue;
      }
      if (failure !== undefined || stream.readableEnded || stream.destroyed) break;
      isFull &&= stream.writableNeedDrain;
      if (isFull || stream.writableEnded) {
        await something();
        continue;
      }
      const compressed = Buffer.allocUnsafeSlow(COMPRESSED_CHUNK_BYTES);
      const length = fs.read(fd, compressed, 0, compressed.length, at);
      at += length;
      onRead?.(at);
      if (length === 0) stream.end();
      else isFull = !stream.write(compressed.subarray(0, length));
    }
    if (failure !== undefined) throw failure;
    const { bytesWritten } = stream as Transform & { readonly bytesWritten: number };
    if (bytesWritten < size) throw new Error(`${size - bytesWritten} bytes behind its end are something else`);
  } finally {
    stream.destroy();
  }
}

export function sizeOf(fs: FileSystem, fd: number): number {
  const status = new FileStatus();
  fs.statusOfOpen(fd, status);
  return status.size;
}
