import { FileStatus, type FileSystem } from "../platform/file-system.js";

// Bytes. Records of spills are merged into a log, and read again when that is compressed; nothing else is kept.
const MOST_KEPT = 64 * 1024 ** 2;

/** How much memory all files of one rehearsal take. */
export interface Kept {
  bytes: number;
}

/** A file as it would be: what the disk has of it, and on top of that what was written in the rehearsal. */
export class RehearsedFile {
  readonly status: FileStatus = new FileStatus();
  /** A name that it has on the disk; undefined of a file that is not there. */
  readonly path: string | undefined;
  /** Bytes of the file on the disk that still count; all that will be there while nobody has changed it here. */
  #onDisk: number;
  readonly #written: { at: number; bytes: Buffer }[] = [];
  readonly #kept: Kept;
  /** Only its length is known: it was written by who cannot read it, as compressed files are. */
  #isUnknown = false;

  /** @param isFrozen what is appended on the disk from now on does not count; files of /proc have no size */
  constructor(status: FileStatus, path: string | undefined, kept: Kept, isFrozen: boolean) {
    this.status.copyFrom(status);
    this.path = path;
    this.#onDisk = path !== undefined && !isFrozen ? Number.POSITIVE_INFINITY : status.size;
    this.#kept = kept;
  }

  /** @param fd of the file on the disk, open for reading; -1 where there is none */
  read(fs: FileSystem, fd: number, into: Buffer, offset: number, length: number, position: number): number {
    if (this.#isUnknown) throw new Error("what a rehearsal compresses is not kept, and cannot be read again");
    if (this.#onDisk === Number.POSITIVE_INFINITY) return fs.read(fd, into, offset, length, position);
    const end = Math.min(position + length, this.status.size);
    if (end <= position) return 0;
    const piece = into.subarray(offset, offset + end - position).fill(0);
    for (let at = position; fd !== -1 && at < Math.min(end, this.#onDisk); ) {
      const read = fs.read(fd, piece, at - position, Math.min(end, this.#onDisk) - at, at);
      if (read === 0) break;
      at += read;
    }
    for (const { at, bytes } of this.#written) {
      const from = Math.max(at, position);
      const to = Math.min(at + bytes.length, end);
      if (from < to) bytes.copy(piece, from - position, from - at, to - at);
    }
    return piece.length;
  }

  /**
   * @param isReadAgain false: only how long it is counts
   * @param now seconds since 1970
   */
  write(bytes: Buffer, position: number, isReadAgain: boolean, now: number): void {
    if (isReadAgain) {
      this.#kept.bytes += bytes.length;
      if (this.#kept.bytes > MOST_KEPT)
        throw new Error("a rehearsal keeps no more than 64 MiB of what would be written");
      this.#written.push({ at: position, bytes: Buffer.from(bytes) });
    } else this.#isUnknown = true;
    this.#onDisk = Math.min(this.#onDisk, this.status.size);
    this.status.alter({ size: Math.max(this.status.size, position + bytes.length), modifiedAt: now });
  }

  truncate(length: number, now: number): void {
    this.#onDisk = Math.min(this.#onDisk, length);
    for (const written of this.#written) written.bytes = written.bytes.subarray(0, Math.max(0, length - written.at));
    this.status.alter({ size: length, modifiedAt: now });
  }
}
