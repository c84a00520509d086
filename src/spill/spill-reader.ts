import { isDeepStrictEqual } from "node:util";
import { hasCode } from "../base/system-errors.js";
import { Mount } from "../disk/mount.js";
import { isOursToBelieve } from "../disk/permissions.js";
import { isSpill } from "../log-files/hidden-names.js";
import { pathsOf } from "../log-files/list-files.js";
import type { Environment } from "../platform/environment.js";
import { FileStatus, type FileSystem, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../platform/file-system.js";
import { isRecordAt, isSame } from "./appended-records.js";
import { newHeader, readFrames, readHeader, type SpillHeader } from "./spill-format.js";

/* Records that wait in spills until the lock is free, as spill-file.ts writes them; here they are only read. */

const MAX_RECORD_BYTES = 64 * 1024 ** 2;

interface WaitingRecord {
  readonly path: string;
  /** Where the record is in the spill. */
  readonly offset: number;
  /** With its terminator. */
  readonly bytes: Buffer;
}

/** One spill as it was when it was opened. */
class OpenSpill {
  readonly path: string;
  readonly #mount: Mount;
  readonly #fd: number;
  readonly #header: SpillHeader;
  readonly #size: number;

  constructor(mount: Mount, log: string, path: string, fd: number) {
    const { fs } = mount;
    this.path = path;
    this.#mount = mount;
    this.#fd = fd;
    const status = new FileStatus();
    fs.statusOfOpen(fd, status);
    const header = status.isFile && isOursToBelieve(fs, log, status) ? readHeader(fs, fd) : undefined;
    this.#header = header ?? newHeader();
    this.#size = header === undefined ? 0 : status.size;
  }

  /** A part is being merged, or its merger has died over it. */
  get isMerging(): boolean {
    return this.#header.intent !== 0;
  }

  /** True when a merger has begun or ended something since it was opened. */
  get hasChanged(): boolean {
    const now = this.#size > 0 ? readHeader(this.#mount.fs, this.#fd) : undefined;
    return now !== undefined && !isDeepStrictEqual(now, this.#header);
  }

  /** Its records that are not in the log. */
  *records(active: { fd: number; status: FileStatus } | undefined): Generator<WaitingRecord> {
    const { merged, intent, file } = this.#header;
    let offset =
      active && isSame(active.status, file, this.#mount.isRemote) ? this.#header.offset : Number.POSITIVE_INFINITY;
    for (const { record, start, end } of readFrames(this.#mount.fs, this.#fd, merged, this.#size, MAX_RECORD_BYTES)) {
      const mayBeInLog = end <= intent && offset < Number.POSITIVE_INFINITY;
      const isInLog = mayBeInLog && isRecordAt(this.#mount.fs, active!.fd, offset, record);
      offset = isInLog ? offset + record.length : Number.POSITIVE_INFINITY;
      if (!isInLog) yield { path: this.path, offset: start, bytes: record };
    }
  }

  close(): void {
    this.#mount.closeInPassing(this.#fd, this.path, "read");
  }
}

/** The spills of a log as they were at one moment. */
export class OpenSpills {
  readonly #spills: OpenSpill[] = [];
  readonly #paths: string[];

  constructor(environment: Environment, log: string) {
    const { fs } = environment;
    const mount = new Mount(environment, log);
    this.#paths = pathsOf(fs, log, isSpill).sort();
    for (const path of this.#paths) {
      try {
        const fd = mount.unpark(path, "read") ?? fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        this.#spills.push(new OpenSpill(mount, log, path, fd));
      } catch (error) {
        if (!hasCode(error, "ENOENT", "ELOOP", "ENXIO")) throw error; // merged meanwhile; a link or a socket is not ours
      }
    }
  }

  get count(): number {
    return this.#paths.length;
  }

  get isMerging(): boolean {
    return this.#spills.some(({ isMerging }) => isMerging);
  }

  /** True when something may have been merged since they were opened. */
  hasChanged(fs: FileSystem, log: string): boolean {
    const paths = pathsOf(fs, log, isSpill).sort();
    return !isDeepStrictEqual(paths, this.#paths) || this.#spills.some(({ hasChanged }) => hasChanged);
  }

  /** @param active the active file, in which a merger that was killed may have left some of them */
  *records(active?: { fd: number; status: FileStatus }): Generator<WaitingRecord> {
    for (const spill of this.#spills) yield* spill.records(active);
  }

  close(): void {
    for (const spill of this.#spills.splice(0)) spill.close();
  }
}
