import type { Transform } from "node:stream";
import { type Extension, FORMATS } from "../../log-files/compression-formats.js";
import { nextTurn } from "../../platform/clock.js";
import { FileStatus, type FileSystem } from "../../platform/file-system.js";
import { readChunks } from "../../platform/read-chunks.js";

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
  let at = start;
  for (const chunk of readChunks(fs, fd, CHUNK_BYTES, start, limit)) {
    at += chunk.length;
    yield chunk;
    onRead?.(at);
    await nextTurn(); // reading does not wait, and others have to do something as well
  }
}

// What a failing decompressor has made of the bytes that it was given last goes with the failure: then it gets fewer.
const FEWEST_BYTES = 8;

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
  const stream = format.open() as Transform & { readonly bytesWritten: number };
  let given = 0;
  let at = 0;
  let before = 0;
  const noteRead = (bytes: number) => {
    before = at;
    at = bytes;
    onRead?.(bytes);
  };
  try {
    for await (const chunk of decompress(fs, fd, stream, noteRead)) {
      given += chunk.length;
      yield chunk;
    }
  } catch (failure) {
    yield* restOf(
      given,
      decompress(fs, fd, format.open(), () => {}, before),
    );
    throw failure;
  }
  const more = size - stream.bytesWritten;
  if (more > 0) throw new Error(`${more} bytes behind its end are something else`);
}

/** What a damaged file gives beyond its first `given` bytes. */
async function* restOf(given: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = given;
  try {
    for await (const chunk of chunks) {
      if (chunk.length > left) yield chunk.subarray(left);
      left = Math.max(0, left - chunk.length);
    }
  } catch {
    return; // whatever the code: it is damaged, as was seen before
  }
}

/** @param fewFrom from there on, the decompressor is given but a few bytes at once */
async function* decompress(
  fs: FileSystem,
  fd: number,
  stream: Transform,
  onRead: OnRead,
  fewFrom: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
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
      const compressed = Buffer.allocUnsafeSlow(at < fewFrom ? COMPRESSED_CHUNK_BYTES : FEWEST_BYTES);
      const length = fs.read(fd, compressed, 0, compressed.length, at);
      at += length;
      if (length > 0) onRead(at);
      if (length === 0) stream.end();
      else isFull = !stream.write(compressed.subarray(0, length));
    }
    if (failure !== undefined) throw failure;
  } finally {
    stream.destroy();
  }
}

export function sizeOf(fs: FileSystem, fd: number): number {
  const status = new FileStatus();
  fs.statusOfOpen(fd, status);
  return status.size;
}
