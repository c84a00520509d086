import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { hasCode } from "../base/errors.js";
import { isSpill } from "../log-files/hidden-names.js";
import { FileStatus, type FileSystem, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../platform/file-system.js";

/* Records that wait in spills until the lock is free, as src/delivery/spill.ts writes them; here they are only read. */

const MAGIC = "CLHSPIL1";
const MERGED = 8;
const INTENT = 16;
const FILE = 24;
const OFFSET = 40;
const HEADER = 64;
const FRAME = 8;
const LONGEST_RECORD = 64 * 1024 ** 2;

interface Frame {
  readonly path: string;
  /** Where the record is in the spill. */
  readonly offset: number;
  /** With its terminator. */
  readonly bytes: Buffer;
}

/** One spill as it was when it was opened. */
class OpenSpill {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #fd: number;
  readonly #header = Buffer.alloc(HEADER);
  readonly #size: number;

  constructor(fs: FileSystem, path: string, fd: number) {
    this.path = path;
    this.#fs = fs;
    this.#fd = fd;
    const status = new FileStatus();
    fs.statusOfOpen(fd, status);
    this.#size = status.isFile && this.#readHeader() ? status.size : 0;
  }

  /** A part is being merged, or its merger has died over it. */
  get isMerging(): boolean {
    return this.#header.readDoubleLE(INTENT) !== 0;
  }

  /** True when a merger has begun or ended something since it was opened. */
  get hasChanged(): boolean {
    const before = Buffer.from(this.#header);
    return this.#size > 0 && this.#readHeader() && !before.equals(this.#header);
  }

  /** Its records that are not in the log. */
  *records(active: { fd: number; status: FileStatus } | undefined): Generator<Frame> {
    const merging = this.#header.readDoubleLE(INTENT);
    const file = new FileStatus();
    file.readIdentity(this.#header, FILE);
    let offset = active?.status.isSameFile(file) ? this.#header.readDoubleLE(OFFSET) : Number.POSITIVE_INFINITY;
    for (let at = this.#header.readDoubleLE(MERGED); at < this.#size; ) {
      const bytes = this.#read(at);
      if (bytes === undefined) return; // cut off by a kill: no write has returned for it
      const isInLog = at < merging && offset < Number.POSITIVE_INFINITY && this.#isAt(active!.fd, offset, bytes);
      offset = isInLog ? offset + bytes.length : Number.POSITIVE_INFINITY;
      if (!isInLog) yield { path: this.path, offset: at + FRAME, bytes };
      at += FRAME + bytes.length;
    }
  }

  close(): void {
    this.#fs.close(this.#fd);
  }

  #readHeader(): boolean {
    const length = this.#fs.read(this.#fd, this.#header, 0, HEADER, 0);
    return length === HEADER && this.#header.toString("latin1", 0, MAGIC.length) === MAGIC;
  }

  #read(at: number): Buffer | undefined {
    const frame = Buffer.alloc(FRAME);
    if (this.#fs.read(this.#fd, frame, 0, FRAME, at) < FRAME) return undefined;
    const length = frame.readUInt32LE(0);
    if (length > LONGEST_RECORD) return undefined;
    const bytes = Buffer.alloc(length);
    if (this.#fs.read(this.#fd, bytes, 0, length, at + FRAME) < length) return undefined;
    return crc32(bytes) === frame.readUInt32LE(4) ? bytes : undefined;
  }

  #isAt(fd: number, offset: number, bytes: Buffer): boolean {
    const found = Buffer.alloc(bytes.length);
    return this.#fs.read(fd, found, 0, found.length, offset) === found.length && found.equals(bytes);
  }
}

/** The spills of a log as they were at one moment. */
export class OpenSpills {
  readonly #spills: OpenSpill[] = [];
  readonly #names: string[];

  constructor(fs: FileSystem, log: string) {
    const directory = dirname(log);
    this.#names = spillNames(fs, log);
    for (const name of this.#names) {
      try {
        const path = join(directory, name);
        this.#spills.push(new OpenSpill(fs, path, fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)));
      } catch (error) {
        if (!hasCode(error, "ENOENT", "ELOOP")) throw error; // merged meanwhile; a link is not ours
      }
    }
  }

  get count(): number {
    return this.#names.length;
  }

  get isMerging(): boolean {
    return this.#spills.some(({ isMerging }) => isMerging);
  }

  /** True when something may have been merged since they were opened. */
  hasChanged(fs: FileSystem, log: string): boolean {
    return spillNames(fs, log).join() !== this.#names.join() || this.#spills.some(({ hasChanged }) => hasChanged);
  }

  /** @param active the active file, in which a merger that was killed may have left some of them */
  *records(active?: { fd: number; status: FileStatus }): Generator<Frame> {
    for (const spill of this.#spills) yield* spill.records(active);
  }

  close(): void {
    for (const spill of this.#spills.splice(0)) spill.close();
  }
}

function spillNames(fs: FileSystem, log: string): string[] {
  return fs
    .readdir(dirname(log))
    .filter((name) => isSpill(log, name))
    .sort();
}
