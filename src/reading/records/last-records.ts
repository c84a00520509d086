import type { FileSystem } from "../../platform/file-system.js";
import { sizeOf } from "./chunks.js";
import type { LineFormat } from "./line-format.js";

const CHUNK_BYTES = 64 * 1024;

/** Where the last `count` whole records of an open plain file begin; behind them there may be one that is being written. */
export function lastRecordsStart(fs: FileSystem, fd: number, format: LineFormat, count: number): number {
  const { end, unit } = format;
  let left = count + 1; // the terminator of the record before them
  for (let to = sizeOf(fs, fd); to > 0; ) {
    const from = Math.max(0, to - CHUNK_BYTES);
    // A terminator may lie across the edge.
    const bytes = Buffer.alloc(to - from + end.length - 1);
    const length = fs.read(fd, bytes, 0, bytes.length, from);
    for (let at = bytes.lastIndexOf(end, length - end.length); at !== -1 && length >= end.length; ) {
      if ((from + at) % unit === 0 && --left === 0) return behindHeader(fs, fd, format, from + at + end.length);
      at = at === 0 ? -1 : bytes.lastIndexOf(end, at - 1);
    }
    to = from;
  }
  return 0;
}

/** The start of the file in place of one within its header, all lines of which are left out there. */
function behindHeader(fs: FileSystem, fd: number, format: LineFormat, start: number): number {
  if (format.header === undefined || start > format.header.longest) return start;
  const head = Buffer.alloc(format.header.longest);
  const length = fs.read(fd, head, 0, head.length, 0);
  return start < (format.headLength(head.subarray(0, length)) ?? 0) ? 0 : start;
}
