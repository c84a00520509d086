import { LogFileError } from "../base/errors.js";
import { advice, reason } from "../base/system-errors.js";
import type { Mount } from "../disk/mount.js";
import { isOursToBelieve, type Permissions } from "../disk/permissions.js";
import type { Tell } from "../events/handler-events.js";
import { isSpill, spillId, spillPath } from "../log-files/hidden-names.js";
import { listLogFiles, pathsOf } from "../log-files/list-files.js";
import { FilePath, FileStatus, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import { lazyPackages } from "../platform/lazy-packages.js";
import { type CountAppended, countAppended, countCompressed, isSame } from "./appended-records.js";
import { Spill } from "./spill-file.js";

const NEW_SPILL_MODE = 0o666;
const MOST_TRIES = 10;

/** The spills of one log. */
export class Spills {
  readonly #log: string;
  readonly #mount: Mount;
  readonly #permissions: Permissions;
  readonly #terminatorLength: number;
  readonly #underLock: (body: () => void) => boolean;
  readonly #told = new Set<string>();

  /**
   * @param terminatorLength bytes at the end of each record that whoever writes next adds where they are missing
   * @param underLock does something with the lock of the log held; false when it could not be had
   */
  constructor(
    log: string,
    mount: Mount,
    permissions: Permissions,
    terminatorLength: number,
    underLock: (body: () => void) => boolean,
  ) {
    this.#terminatorLength = terminatorLength;
    this.#underLock = underLock;
    this.#log = log;
    this.#mount = mount;
    this.#permissions = permissions;
  }

  /**
   * @param after a spill whose records are older: the names of both are in that order
   * @throws a system error, or {LogFileError}
   */
  create(after?: string): Spill {
    let id = after === undefined ? lazyPackages().crypto().randomBytes(4).readUInt32BE() : spillId(after);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      id = (id + 1) >>> 0;
      const path = spillPath(this.#log, process.pid, id);
      const opening = { path, flags: O_RDWR | O_NOFOLLOW, mode: NEW_SPILL_MODE };
      const { fd } = this.#permissions.open(this.#mount.fs, opening);
      const spill = Spill.create(path, this.#mount, fd);
      if (spill !== undefined) return spill;
    }
    throw new Error("others remove it before it is locked");
  }

  /**
   * Takes over the spill of a process, or a thread of this one, that has ended.
   * @returns `held` while its owner, or another merger, has it; `gone` when all of it is merged
   */
  adopt(path: string): Spill | "held" | "gone" | "lock timeout" {
    let found: Spill | undefined;
    const isLocked = this.#underLock(() => {
      const adopted = this.#adopt(path);
      try {
        adopted?.findEnd();
      } catch (cause) {
        adopted?.close();
        throw cause;
      }
      found = adopted;
    });
    if (!isLocked) return "lock timeout";
    if (found !== undefined) return found;
    return this.#mount.fs.exists(path) ? "held" : "gone";
  }

  /** The paths of all spills of the log: those of one process in the order in which they were made. */
  list(tell: Tell): string[] {
    const { fs } = this.#mount;
    const status = new FileStatus();
    try {
      return pathsOf(fs, this.#log, isSpill)
        .sort()
        .filter((path) => {
          if (!fs.linkStatus(new FilePath(path), status) || !status.isFile) return false;
          const isOurs = isOursToBelieve(fs, this.#log, status);
          if (!isOurs) this.cannotMerge(path, new Error("others than the writers of this log may have made it"), tell);
          return isOurs;
        });
    } catch (cause) {
      tell("error", this.failure(cause));
      return [];
    }
  }

  /**
   * Finds out how much mergers that were killed have appended to the active file, while it can be told: it is about to
   * be rotated, and may be compressed or deleted before anybody looks. Called with the lock held.
   */
  settle(tell: Tell): void {
    for (const path of this.list(tell)) {
      try {
        this.#adopt(path)?.close();
      } catch (cause) {
        this.cannotMerge(path, cause, tell);
      }
    }
  }

  /** Called with the lock held, or by who alone can write what it looks for. */
  readonly countAppended: CountAppended = (file, offset, asked) => {
    const { fs, isRemote } = this.#mount;
    const records = [...asked];
    const files = listLogFiles(fs, this.#log);
    const path = files.find(({ extension, status }) => extension === "" && isSame(status, file, isRemote))?.path;
    const count = countAppended(fs, path, file, offset, records, this.#terminatorLength, isRemote);
    // Others go on meanwhile only on a share; and there, another file may have the inode by now.
    if (count > 0 || !isRemote) return count;
    return countCompressed(fs, files, file, offset, records, this.#terminatorLength);
  };

  failure(cause: unknown): LogFileError {
    const message = `Cannot put records of ${this.#log} into a spill file, or merge one: ${reason(cause)}. ${advice(cause)}They are kept in memory, or in that file, and tried again.`;
    return new LogFileError("ERR_CLH_SPILL", message, { cause, path: this.#log });
  }

  /** Once for each reason: it is met again at each rotation. */
  cannotMerge(path: string, cause: unknown, tell: Tell): void {
    const message = `Cannot merge ${path}, in which records of ${this.#log} wait: ${reason(cause)}. ${advice(cause)}They stay there and are tried again after the next rotation.`;
    if (this.#told.size === this.#told.add(message).size) return;
    tell("error", new LogFileError("ERR_CLH_SPILL", message, { cause, path }));
  }

  #adopt(path: string): Spill | undefined {
    return Spill.adopt(path, this.#mount, this.countAppended);
  }
}
