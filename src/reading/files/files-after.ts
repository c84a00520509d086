import { crc32 } from "node:zlib";
import { isCompressedFormOf, type LogFile } from "../../log-files/list-files.js";
import { FileStatus, type FileSystem } from "../../platform/file-system.js";
import { decompressedChunks, plainChunks } from "../records/chunks.js";
import type { OpenLog, OpenLogFile } from "./open-files.js";
import { isSameContent } from "./snapshot.js";

/**
 * The files of a log that come after one that is open, oldest first: found by its identity; or, when it has been
 * compressed, by its content; or else by the files before it.
 * @param older those before it, when it was opened
 * @param open all there are now
 * @returns `isCertain` false when it is gone and so may be others that came after it
 */
export async function filesAfter(
  fs: FileSystem,
  opened: OpenLogFile,
  older: readonly LogFile[],
  open: OpenLog,
): Promise<{ next: readonly LogFile[]; isCertain: boolean }> {
  const { files } = open;
  const status = new FileStatus();
  fs.statusOfOpen(opened.fd, status);
  const same = files.findIndex((file) => file.status.isSameFile(status));
  if (same !== -1) return { next: files.slice(same + 1), isCertain: true };
  const now: LogFile = { ...opened.file, kind: "backup", status };
  for (const [i, file] of files.entries()) {
    if (!isCompressedFormOf(file, now) || !(await hasSameBytes(fs, open.peek(i), opened.fd))) continue;
    return { next: files.slice(i + 1), isCertain: true };
  }
  const before = files.findLastIndex((file) => older.some((known) => isSameContent(known, file)));
  const next = files.slice(before + 1);
  // Where no backups are kept, each of them goes when the next one comes.
  return { next, isCertain: before !== -1 || next.length === 1 };
}

async function hasSameBytes(fs: FileSystem, compressed: OpenLogFile | undefined, original: number): Promise<boolean> {
  if (compressed === undefined) return false; // it has just been deleted
  try {
    const there = await checksum(decompressedChunks(fs, compressed.fd, compressed.file.extension));
    return there === (await checksum(plainChunks(fs, original, 0, Number.POSITIVE_INFINITY)));
  } catch {
    return false; // whatever the code: a damaged file is not it
  }
}

async function checksum(chunks: AsyncIterable<Buffer>): Promise<string> {
  let crc = 0;
  let length = 0;
  for await (const chunk of chunks) {
    crc = crc32(chunk, crc);
    length += chunk.length;
  }
  return `${length} ${crc}`;
}
