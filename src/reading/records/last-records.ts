import type { FileSystem } from "../../platform/file-system.js";
import { sizeOf } from "./chunks.js";
import type { LineFormat } from "./line-format.js";

const CHUNK_BYTES = 64 * 1024;

/** Where the last `count` whole records of an open plain file begin; behind them there may be one that is being written. */
export function lastRecordsStart(fs: FileSystem, fd: number, { end, unit }: LineFormat, count: number): number {
  let left = count + 1; // the terminator of the record before them
  for (let to = sizeOf(fs, fd); to > 0; ) {
    const from = Math.max(0, to - CHUNK_BYTES);
    // A terminator may lie across the edge.
    const bytes = Buffer.alloc(to - from + end.length - 1);
    const length = fs.read(fd, bytes, 0, bytes.length, from);
    for (let at = bytes.lastIndexOf(end, length - end.length); at !== -1 && length >= end.length; ) {
      if ((from + at) % unit === 0 && --left === 0) return from + at + end.length;
      at = at === 0 ? -1 : bytes.lastIndexOf(end, at - 1);
    }
    to = from;
  }
  return 0;
}
