import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { type Extension, FORMATS } from "../../log-files/compression-formats.js";
import { FileStatus, type FileSystem, O_NONBLOCK, O_RDONLY } from "../../platform/file-system.js";
import { readChunks } from "../../platform/read-chunks.js";

const CHUNK_BYTES = 64 * 1024;

export interface Comparison {
  /** What the compressed file holds: all of the other one, something else, or nothing that can be read to its end. */
  readonly result: "same" | "other" | "damaged";
  /** Of the file that is not compressed, when it was read. */
  readonly source: FileStatus;
  readonly form: FileStatus;
}

/** Whether a compressed file is the compressed form of another. Streams: memory does not grow with the files. */
export async function compare(fs: FileSystem, source: string, form: string, extension: Extension): Promise<Comparison> {
  const ofSource = await digest(fs, source, "");
  const ofForm = await digest(fs, form, extension);
  const result = ofForm.hash === undefined ? "damaged" : ofForm.hash === ofSource.hash ? "same" : "other";
  return { result, source: ofSource.status, form: ofForm.status };
}

/** Of the decompressed content; the hash is undefined when it cannot be decompressed. */
async function digest(fs: FileSystem, path: string, extension: Extension) {
  const fd = fs.open(path, O_RDONLY | O_NONBLOCK);
  try {
    const status = new FileStatus();
    fs.statusOfOpen(fd, status);
    const content = () => readChunks(fs, fd, CHUNK_BYTES);
    const hash = createHash("sha256");
    try {
      const decompress = Object.values(FORMATS).find((format) => format.extension === extension)?.open;
      if (decompress === undefined) {
        for (const chunk of content()) hash.update(chunk); // also a format that this version of Node lacks: then it is another file
      } else {
        await pipeline(content, decompress(), async (plain: AsyncIterable<Buffer>) => {
          for await (const chunk of plain) hash.update(chunk);
        });
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
      return { status, hash: undefined };
    }
    return { status, hash: hash.digest("hex") };
  } finally {
    fs.close(fd);
  }
}
