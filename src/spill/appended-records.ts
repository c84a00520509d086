import { hasCode } from "../base/system-errors.js";
import { closing, FileStatus, type FileSystem, O_DIRECT, O_NONBLOCK, O_RDONLY } from "../platform/file-system.js";

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
    countIn(fs, fs.open(path, O_RDONLY | O_NONBLOCK | flags), file, offset, records, terminatorLength);
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
): number {
  const opened = new FileStatus();
  return closing(fs, fd, () => {
    fs.statusOfOpen(fd, opened);
    if (!opened.isSameFile(file)) return 0;
    let count = 0;
    let at = offset;
    for (const record of records) {
      if (!isRecordAt(fs, fd, at, record, terminatorLength)) break;
      at += record.length;
      count++;
    }
    return count;
  });
}

/** @param terminatorLength bytes that it may lack at its end */
export function isRecordAt(fs: FileSystem, fd: number, at: number, record: Buffer, terminatorLength = 0): boolean {
  const found = Buffer.alloc(record.length);
  const length = fs.read(fd, found, 0, found.length, at);
  const isThere = length > 0 && length >= record.length - terminatorLength;
  return isThere && found.subarray(0, length).equals(record.subarray(0, length));
}
