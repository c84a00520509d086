import { crc32 } from "node:zlib";
import { FileStatus, type FileSystem } from "../platform/file-system.js";

/*
 * The form of a spill, written and read here alone:
 *
 *   0  magic     8  merged up to     16  intent: up to (0 = none)     24  inode, device     40  offset in that file
 *   64 frames, each: length, CRC-32, a record with its terminator
 */

const MAGIC = Buffer.from("CLHSPIL1");
const FRAME_HEAD_BYTES = 8;

/** Where the first frame begins. */
export const FRAMES = 64;

export interface SpillHeader {
  /** Where the first frame begins that is not merged. */
  merged: number;
  /** Where the last frame ends that a merger is about to append, or has died over; 0 when there is none. */
  intent: number;
  /** To which file. */
  file: FileStatus;
  /** Where in that. */
  offset: number;
}

export function newHeader(): SpillHeader {
  return { merged: FRAMES, intent: 0, file: new FileStatus(), offset: 0 };
}

export function writeHeader(fs: FileSystem, fd: number, { merged, intent, file, offset }: SpillHeader): void {
  const bytes = Buffer.alloc(FRAMES);
  MAGIC.copy(bytes);
  bytes.writeDoubleLE(merged, 8);
  bytes.writeDoubleLE(intent, 16);
  file.writeIdentity(bytes, 24);
  bytes.writeDoubleLE(offset, 40);
  fs.writeAt(fd, bytes, 0);
}

/** Undefined for what is no spill. An empty file is a new one: its process was killed before it wrote anything. */
export function readHeader(fs: FileSystem, fd: number): SpillHeader | undefined {
  const bytes = Buffer.alloc(FRAMES);
  const length = fs.read(fd, bytes, 0, FRAMES, 0);
  if (length === 0) return newHeader();
  if (length < FRAMES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const file = new FileStatus();
  file.readIdentity(bytes, 24);
  return { merged: bytes.readDoubleLE(8), intent: bytes.readDoubleLE(16), file, offset: bytes.readDoubleLE(40) };
}

/** Frames with these records. */
export function toFrames(records: Iterable<Buffer>): Buffer {
  const parts = [...records].flatMap((record) => {
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    head.writeUInt32LE(record.length, 0);
    head.writeUInt32LE(crc32(record), 4);
    return [head, record];
  });
  return Buffer.concat(parts);
}

interface Frame {
  readonly record: Buffer;
  /** Where the record begins. */
  readonly start: number;
  /** Where it ends, and the next frame begins. */
  readonly end: number;
}

/**
 * The frames between `from` and `to`. The first one that is not whole is the last: a kill has cut it off, and no write
 * has returned for it.
 * @param longest bytes of a record; one that pretends to more is not whole
 */
export function* readFrames(
  fs: FileSystem,
  fd: number,
  from: number,
  to: number,
  longest = Number.POSITIVE_INFINITY,
): Generator<Frame> {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  for (let start = from + FRAME_HEAD_BYTES, end = from; start <= to; start = end + FRAME_HEAD_BYTES) {
    if (fs.read(fd, head, 0, FRAME_HEAD_BYTES, end) < FRAME_HEAD_BYTES) return;
    const length = head.readUInt32LE(0);
    end = start + length;
    if (end > to || length > longest) return;
    const record = Buffer.alloc(length);
    if (fs.read(fd, record, 0, length, start) < length || crc32(record) !== head.readUInt32LE(4)) return;
    yield { record, start, end };
  }
}
