import { hasCode } from "../base/system-errors.js";
import { type Extension, FORMATS } from "../log-files/compression-formats.js";
import { type LogFile, SAME_TIME } from "../log-files/list-files.js";
import { closing, FileStatus, type FileSystem, O_DIRECT, O_NONBLOCK, O_RDONLY } from "../platform/file-system.js";
import { readUpTo } from "../platform/small-file.js";

/**
 * How many of `records`, the first ones, are in that file of the log from `offset` on: of what somebody was about to
 * append, and did not come to note, how much is done?
 */
export type CountAppended = (file: FileStatus, offset: number, records: Iterable<Buffer>) => number;

/**
 * See {@link CountAppended}.
 * @param path where the file is now, maybe through a symbolic link; undefined when it is nowhere: then nothing of it
 *   counts, since a record that is there twice is better than none
 * @param isRemote the server is asked, and not what this host remembers of the file
 * @param terminatorLength bytes that the last record may lack: whoever writes next adds them
 */
export function countAppended(
  fs: FileSystem,
  path: string | undefined,
  file: FileStatus,
  offset: number,
  records: Iterable<Buffer>,
  terminatorLength: number,
  isRemote: boolean,
): number {
  if (path === undefined) return 0;
  const look = (flags: number) =>
    countIn(fs, fs.open(path, O_RDONLY | O_NONBLOCK | flags), file, offset, records, terminatorLength, isRemote);
  if (!isRemote) return look(0);
  try {
    return look(O_DIRECT);
  } catch (error) {
    if (!hasCode(error, "EINVAL")) throw error; // some file systems do not know it, or only for whole blocks
    return look(0);
  }
}

function countIn(
  fs: FileSystem,
  fd: number,
  file: FileStatus,
  offset: number,
  records: Iterable<Buffer>,
  terminatorLength: number,
  isRemote: boolean,
): number {
  const opened = new FileStatus();
  return closing(fs, fd, () => {
    fs.statusOfOpen(fd, opened);
    if (!isSame(opened, file, isRemote)) return 0;
    const read = (length: number, at: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, fs.read(fd, bytes, 0, length, at));
    };
    return countFrom(read, offset, records, terminatorLength);
  });
}

/** Two hosts give the device of a share numbers of their own. */
export function isSame(one: FileStatus, other: FileStatus, isRemote: boolean): boolean {
  return isRemote ? one.place.inode === other.place.inode : one.isSameFile(other);
}

function countFrom(
  read: (length: number, at: number) => Buffer,
  offset: number,
  records: Iterable<Buffer>,
  terminatorLength: number,
): number {
  let count = 0;
  let at = offset;
  for (const record of records) {
    if (!isRecord(read(record.length, at), record, terminatorLength)) break;
    at += record.length;
    count++;
  }
  return count;
}

function isRecord(found: Buffer, record: Buffer, terminatorLength: number): boolean {
  const { length } = found;
  return length > 0 && length >= record.length - terminatorLength && found.equals(record.subarray(0, length));
}

export function isRecordAt(fs: FileSystem, fd: number, at: number, record: Buffer): boolean {
  const found = Buffer.alloc(record.length);
  return isRecord(found.subarray(0, fs.read(fd, found, 0, found.length, at)), record, 0);
}

// Bytes of one file, decompressed: all of it is in memory, with the lock held. Behind that, a record is written once more.
const MAX_CONTENT_BYTES = 256 * 1024 ** 2;
// Python's handler gives a compressed file a later time than its source had, so that earlier ones may come first.
const MOST_FILES = 8;

/**
 * As {@link CountAppended}, of a file that somebody has compressed since: the oldest that was changed no earlier than
 * when it was opened, since a server's times only grow and a compressed file has that of its source.
 * @param files of the log, oldest first
 */
export function countCompressed(
  fs: FileSystem,
  files: readonly LogFile[],
  file: FileStatus,
  offset: number,
  records: readonly Buffer[],
  terminatorLength: number,
): number {
  if (file.modifiedAt === 0) return 0; // of a spill, whose header has no times
  const mayBeIt = (other: LogFile) => other.extension !== "" && other.status.modifiedAt >= file.modifiedAt - SAME_TIME;
  for (const { path, extension } of files.filter(mayBeIt).slice(0, MOST_FILES)) {
    const content = decompressed(fs, path, extension);
    const count = countFrom((length, at) => content.subarray(at, at + length), offset, records, terminatorLength);
    if (count > 0) return count;
  }
  return 0;
}

/** Nothing of a file that is damaged, too large, or in a format that this version of Node lacks. */
function decompressed(fs: FileSystem, path: string, extension: Extension): Buffer {
  const decompress = Object.values(FORMATS).find((format) => format.extension === extension)?.openAtOnce;
  if (decompress === undefined) return Buffer.alloc(0);
  try {
    return decompress(readUpTo(fs, path, MAX_CONTENT_BYTES), MAX_CONTENT_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    return Buffer.alloc(0);
  }
}
