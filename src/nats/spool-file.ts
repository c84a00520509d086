import { hasCode } from "../base/system-errors.js";
import type { Mount } from "../disk/mount.js";
import { FilePath, FileStatus, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR } from "../platform/file-system.js";
import { effectiveUser } from "../platform/identity.js";
import { lastOf, type Shipment } from "./shipment.js";
import {
  FRAMES,
  type Frame,
  readFrame,
  readHeader,
  type SpoolIdentity,
  toFrame,
  writeHeader,
  writeSent,
} from "./spool-format.js";

/** The numbers of the first and of the last record. */
interface Numbers {
  readonly first: number;
  readonly last: number;
}

/** Where the frames begin that are still needed, and where the last whole one ends. */
interface Extent {
  readonly kept: number;
  readonly end: number;
  readonly found?: Numbers | undefined;
}

// For nobody but this user: records are plain text.
const MODE = 0o600;
const ROOT = 0;

/**
 * One file of a spool: records of one writer that wait on the local disk for the stream, with their numbers. It belongs to
 * the process that holds a lock on it: to its writer, then to whoever takes it over.
 */
export class SpoolFile {
  readonly path: string;
  readonly identity: SpoolIdentity;
  readonly #mount: Mount;
  readonly #fd: number;
  /** Of a file that was taken over: the numbers of its first and its last record that are still needed. */
  readonly found: Numbers | undefined;
  /** Where the first frame begins that is still needed. */
  #kept: number;
  #end: number;

  private constructor(path: string, mount: Mount, fd: number, identity: SpoolIdentity, { kept, end, found }: Extent) {
    this.path = path;
    this.identity = identity;
    this.#mount = mount;
    this.#fd = fd;
    this.found = found;
    this.#kept = kept;
    this.#end = end;
  }

  /**
   * Makes one.
   * @returns undefined when somebody took the empty file for one of a dead process before it was locked: make another
   * @throws a system error
   */
  static create(path: string, mount: Mount, identity: SpoolIdentity): SpoolFile | undefined {
    const fd = mount.fs.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, MODE);
    try {
      mount.guard(fd, path);
      if (mount.locks.tryLock(fd, true) && isAt(mount, fd, path)) {
        writeHeader(mount.fs, fd, identity);
        return new SpoolFile(path, mount, fd, identity, { kept: FRAMES, end: FRAMES });
      }
    } catch (error) {
      mount.close(fd);
      throw error;
    }
    mount.close(fd);
    return undefined;
  }

  /**
   * Takes over one whose process has ended.
   * @param isWanted says by its identity whether to
   * @returns `"held"` while its process lives; undefined where there is none to be taken over
   * @throws a system error, or one that says why it is not to be believed
   */
  static adopt(
    path: string,
    mount: Mount,
    isWanted: (identity: SpoolIdentity) => boolean,
  ): SpoolFile | "held" | undefined {
    let fd: number;
    try {
      fd = mount.fs.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
    try {
      mount.guard(fd, path);
      if (!mount.locks.tryLock(fd, true)) {
        mount.close(fd);
        return "held";
      }
      const status = new FileStatus();
      if (isAt(mount, fd, path, status)) {
        refuseOthers(status);
        const header = readHeader(mount.fs, fd);
        if (header === "empty") mount.fs.unlink(path);
        else if (header !== undefined && isWanted(header.identity))
          return new SpoolFile(path, mount, fd, header.identity, extent(mount, fd, header.sent, status.size));
      }
    } catch (error) {
      mount.close(fd);
      throw error;
    }
    mount.close(fd);
    return undefined;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#end;
  }

  /** Where the first frame begins that is still needed. */
  get start(): number {
    return this.#kept;
  }

  /** Adds records, all or none. */
  append(shipment: Shipment): void {
    const frame = toFrame(shipment);
    try {
      this.#mount.fs.writeAt(this.#fd, frame, this.#end);
    } catch (error) {
      this.#mount.fs.truncate(this.#fd, this.#end);
      throw error;
    }
    this.#end += frame.length;
  }

  /**
   * The frame there; undefined at the end.
   * @throws where the disk does not give back what was written
   */
  frameAt(place: number): Frame | undefined {
    return readFrame(this.#mount.fs, this.#fd, place, this.#end);
  }

  /** Records before this one are not needed any more. */
  forgetTo(place: number): void {
    if (place === this.#kept) return;
    this.#kept = place;
    writeSent(this.#mount.fs, this.#fd, place);
  }

  /** Gives it up: what is in it is left for others. */
  close(): void {
    this.#mount.close(this.#fd);
  }

  /** Puts it aside, for somebody to look at: the disk does not give back what was written. */
  setAside(): void {
    try {
      this.#mount.fs.rename(this.path, `${this.path}.damaged`);
    } finally {
      this.close();
    }
  }

  remove(): void {
    try {
      this.#mount.fs.unlink(this.path);
    } finally {
      this.close();
    }
  }
}

/** Asked with its lock held: before, somebody may have removed the file. */
function isAt(mount: Mount, fd: number, path: string, opened = new FileStatus()): boolean {
  const there = new FileStatus();
  mount.fs.statusOfOpen(fd, opened);
  return mount.fs.status(new FilePath(path), there) && there.isSameFile(opened);
}

/** Records that another user has put there would be sent in the name of this one. */
function refuseOthers({ isFile, uid, links }: FileStatus): void {
  const me = effectiveUser();
  if (!isFile || links > 1) throw new Error("it is no file of one name");
  if (me !== undefined && uid !== me && uid !== ROOT && me !== ROOT) throw new Error("it is of another user");
}

function extent(mount: Mount, fd: number, sent: number, size: number): Extent {
  const kept = sent === size || isFrame(mount, fd, sent, size) ? sent : FRAMES; // numbers tell apart what is sent again
  let end = kept;
  let found: Numbers | undefined;
  for (let frame = readFrame(mount.fs, fd, end, size); frame; frame = readFrame(mount.fs, fd, end, size)) {
    end = frame.end;
    found = { first: found?.first ?? frame.shipment.first, last: lastOf(frame.shipment) };
  }
  return { kept, end, found };
}

function isFrame(mount: Mount, fd: number, at: number, size: number): boolean {
  try {
    return readFrame(mount.fs, fd, at, size) !== undefined;
  } catch {
    return false; // whatever the code: then all frames are read, and what is wrong with one is thrown
  }
}
