import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { LogFile } from "../../log-files/list-files.js";
import {
  FilePath,
  FileStatus,
  type FileSystem,
  makeTemporaryDirectory,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  removeTree,
} from "../../platform/file-system.js";
import { writeFully } from "../../platform/write-fully.js";
import { filesAfter } from "../../reading/files/files-after.js";
import { OpenLog, type OpenLogFile, unreadable } from "../../reading/files/open-files.js";
import { stillPicture } from "../../reading/files/snapshot.js";
import { decompressedChunks, sizeOf } from "../../reading/records/chunks.js";
import type { BlockReader } from "../../reading/records/read-blocks.js";

// Bytes of all decompressed files together; those of which nothing was shown for the longest time go first.
const MOST_TEMPORARY = 2 * 1024 ** 3;

/** One file of the log. */
interface Part {
  readonly file: LogFile;
  /** Descriptor of a file that can be read at any place; -1 before somebody asks. */
  fd: number;
  /** Bytes of its content, where that is known. */
  size: number;
  /** It cannot be read, which was told. */
  isLost: boolean;
  /** The file on the disk, where this part has been opened apart from all others. */
  readonly opened: OpenLogFile | undefined;
}

/** Somebody has ended what takes long. */
export class Cancelled extends Error {}

/** Told what takes long, and how much of it is done, between 0 and 1. Throws {@link Cancelled} to end it. */
export type OnProgress = (what: string, part: number) => void;

/**
 * All files of a log, oldest first, each to be read at any place: plain ones as they are, compressed ones through a
 * temporary file without a name. Files are those that were meant when this began, wherever they have gone since; new
 * ones are found by {@link refresh}.
 */
export class Parts {
  readonly #reader: BlockReader;
  readonly #fs: FileSystem;
  readonly #open: OpenLog;
  readonly #parts: Part[];
  /** Those with a temporary file, the one that was read last at the end. */
  readonly #temporary: Part[] = [];
  readonly #onProgress: OnProgress;

  constructor(reader: BlockReader, onProgress: OnProgress) {
    this.#reader = reader;
    this.#fs = reader.environment.fs;
    this.#onProgress = onProgress;
    this.#open = this.#look();
    this.#parts = this.#open.files.map((file) => ({
      file,
      fd: -1,
      size: file.status.size,
      isLost: false,
      opened: undefined,
    }));
  }

  get count(): number {
    return this.#parts.length;
  }

  fileOf(i: number): LogFile {
    return this.#parts[i]!.file;
  }

  /** Bytes of its content; on the disk, while it is compressed and nobody has looked into it. */
  sizeOf(i: number): number {
    return this.#parts[i]!.size;
  }

  /** Its share of the log, for percents. */
  weightOf(i: number): number {
    const { file, size } = this.#parts[i]!;
    return file.extension === "" ? size : file.status.size;
  }

  /** Bytes from `start` on, as many as there are up to `length`. */
  async read(i: number, start: number, length: number): Promise<Buffer> {
    const fd = await this.ready(i);
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.#parts[i]!.size - start)));
    let at = 0;
    for (let read = 1; fd !== -1 && at < bytes.length && read > 0; at += read)
      read = this.#fs.read(fd, bytes, at, bytes.length - at, start + at);
    return bytes.subarray(0, at);
  }

  /** Opens a part, so that its size is known; -1 where it cannot be read, which has no content then. */
  async ready(i: number): Promise<number> {
    const part = this.#parts[i]!;
    if (part.fd === -1 && !part.isLost) part.fd = await this.#openPart(part, i);
    part.isLost = part.fd === -1;
    if (part.isLost) part.size = 0;
    const used = this.#temporary.indexOf(part);
    if (used !== -1) this.#temporary.push(...this.#temporary.splice(used, 1));
    return part.fd;
  }

  /** Takes in the records that have come since, and the sizes of now; true when there is more. */
  async refresh(): Promise<boolean> {
    const last = this.#parts.at(-1);
    if (last === undefined || last.file.extension !== "" || (await this.ready(this.count - 1)) === -1) return false;
    const size = sizeOf(this.#fs, last.fd);
    const hasGrown = size !== last.size;
    last.size = size;
    const status = new FileStatus();
    const there = new FileStatus();
    this.#fs.statusOfOpen(last.fd, status);
    const isThere = this.#fs.status(new FilePath(this.#reader.log), there) && there.isSameFile(status);
    return isThere ? hasGrown : (await this.#append(last)) || hasGrown;
  }

  close(): void {
    this.#open.close();
    for (const { opened } of this.#parts) if (opened !== undefined) this.#fs.close(opened.fd);
    for (const { fd } of this.#temporary.splice(0)) this.#fs.close(fd);
  }

  #look(): OpenLog {
    const { environment, log, lockPath } = this.#reader;
    return new OpenLog(environment, () => stillPicture(environment, log, lockPath));
  }

  /** The files behind the last one, which was rotated. */
  async #append({ file, fd }: Part): Promise<boolean> {
    const open = this.#look();
    try {
      const older = this.#parts.slice(0, -1).map((part) => part.file);
      const { next } = await filesAfter(this.#fs, { file, fd }, older, open);
      open.skip(open.files.length - next.length);
      for (const _ of next) {
        const opened = open.next();
        if (opened === undefined) break;
        const size = sizeOf(this.#fs, opened.fd);
        this.#parts.push({ file: opened.file, fd: -1, size, isLost: false, opened });
      }
      return next.length > 0;
    } finally {
      open.close();
    }
  }

  async #openPart(part: Part, i: number): Promise<number> {
    const opened = part.opened ?? this.#open.peek(i);
    if (opened === undefined) {
      this.#reader.onProblem(unreadable(part.file.path, new Error("it is gone, or this user may not read it")));
      return -1;
    }
    if (part.file.extension !== "") return this.#decompress(part, opened);
    part.size = sizeOf(this.#fs, opened.fd);
    return opened.fd;
  }

  async #decompress(part: Part, { file, fd }: OpenLogFile): Promise<number> {
    const into = temporaryFile(this.#fs);
    part.size = 0;
    try {
      const onRead = (bytes: number) =>
        this.#onProgress(`decompressing ${basename(file.path)}`, bytes / file.status.size);
      for await (const chunk of decompressedChunks(this.#fs, fd, file.extension, onRead)) {
        if (part.size + chunk.length > MOST_TEMPORARY) break; // the rest is for `clh read`
        this.#makeRoomFor(part.size + chunk.length);
        writeFully(0, chunk.length, (at, length) => this.#fs.write(into, chunk.subarray(at, at + length), 0, length));
        part.size += chunk.length;
      }
    } catch (error) {
      if (error instanceof Cancelled) {
        this.#fs.close(into);
        throw error;
      }
      this.#reader.onProblem(unreadable(file.path, error)); // and what there is of it is shown
    }
    this.#temporary.push(part);
    return into;
  }

  #makeRoomFor(bytes: number): void {
    const sum = () => this.#temporary.reduce((all, { size }) => all + size, bytes);
    while (this.#temporary.length > 0 && sum() > MOST_TEMPORARY) {
      const oldest = this.#temporary.shift()!;
      this.#fs.close(oldest.fd);
      oldest.fd = -1;
    }
  }
}

/** Opens a file of this user alone, which is gone when it is closed. */
function temporaryFile(fs: FileSystem): number {
  const directory = makeTemporaryDirectory(tmpdir());
  const path = join(directory, "content");
  const fd = fs.open(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  try {
    fs.unlink(path);
  } finally {
    removeTree(directory);
  }
  return fd;
}
