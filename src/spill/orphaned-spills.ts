import { randomBytes } from "node:crypto";
import { advice, LogFileError, reason } from "../base/errors.js";
import type { Permissions } from "../disk/permissions.js";
import type { Tell } from "../events/handler-events.js";
import { isSpill, spillPath } from "../log-files/hidden-names.js";
import { listLogFiles, pathsOf } from "../log-files/list-files.js";
import type { Environment } from "../platform/environment.js";
import { FilePath, FileStatus, O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import { type CountAppended, countAppended } from "./appended-records.js";
import { Spill } from "./spill-file.js";

const NEW_SPILL_MODE = 0o666;

/** The spills of one log. */
export class Spills {
  readonly #log: string;
  readonly #environment: Environment;
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
    environment: Environment,
    permissions: Permissions,
    terminatorLength: number,
    underLock: (body: () => void) => boolean,
  ) {
    this.#terminatorLength = terminatorLength;
    this.#underLock = underLock;
    this.#log = log;
    this.#environment = environment;
    this.#permissions = permissions;
  }

  create(): Spill {
    const path = spillPath(this.#log, process.pid, randomBytes(4).toString("hex"));
    const { fd } = this.#permissions.open(this.#environment.fs, path, O_RDWR | O_NOFOLLOW, NEW_SPILL_MODE);
    return Spill.create(path, this.#environment, fd);
  }

  /**
   * Takes over those of processes that have ended, as long as that can be done at once: who comes next goes on with it.
   * @param merge true when all of it is in the log
   */
  mergeOrphans(merge: (spill: Spill) => boolean, tell: Tell): void {
    for (const path of this.#list(tell)) {
      try {
        const found: { spill?: Spill | undefined } = {};
        const isLocked = this.#underLock(() => {
          found.spill = this.#adopt(path);
        });
        if (!isLocked || (found.spill !== undefined && !this.#mergeOrphan(found.spill, merge, tell))) return;
      } catch (cause) {
        this.#cannotMerge(path, cause, tell);
      }
    }
  }

  /**
   * Finds out how much mergers that were killed have appended to the active file, while it can be told: it is about to
   * be rotated, and may be compressed or deleted before anybody looks. Called with the lock held.
   */
  settle(tell: Tell): void {
    for (const path of this.#list(tell)) {
      try {
        this.#adopt(path)?.close();
      } catch (cause) {
        this.#cannotMerge(path, cause, tell);
      }
    }
  }

  /** Called with the lock held, or by who alone can write what it looks for. */
  readonly countAppended: CountAppended = (file, offset, records) =>
    countAppended(this.#environment.fs, this.#find(file), offset, records, this.#terminatorLength);

  failure(cause: unknown): LogFileError {
    const message = `Cannot put records of ${this.#log} into a spill file, or merge one: ${reason(cause)}. They are kept in memory, or in that file, and tried again.`;
    return new LogFileError("ERR_CLH_SPILL", message, { cause, path: this.#log });
  }

  #list(tell: Tell): string[] {
    const { fs } = this.#environment;
    const status = new FileStatus();
    try {
      return pathsOf(fs, this.#log, isSpill).filter(
        (path) => fs.linkStatus(new FilePath(path), status) && status.isFile,
      );
    } catch (cause) {
      tell("error", this.failure(cause));
      return [];
    }
  }

  /** Once for each reason: it is met again at each rotation. */
  #cannotMerge(path: string, cause: unknown, tell: Tell): void {
    const message = `Cannot merge ${path}, in which records of ${this.#log} wait: ${reason(cause)}. ${advice(cause)}They stay there and are tried again after the next rotation.`;
    if (this.#told.size === this.#told.add(message).size) return;
    tell("error", new LogFileError("ERR_CLH_SPILL", message, { cause, path }));
  }

  #adopt(path: string): Spill | undefined {
    return Spill.adopt(path, this.#environment, this.countAppended);
  }

  #mergeOrphan(spill: Spill, merge: (spill: Spill) => boolean, tell: Tell): boolean {
    let isMerged = false;
    try {
      spill.findEnd();
      isMerged = merge(spill);
    } finally {
      if (!isMerged) spill.close();
    }
    if (isMerged) tell("recovered", { path: spill.path });
    return isMerged;
  }

  #find(file: FileStatus): string | undefined {
    const files = listLogFiles(this.#environment.fs, this.#log);
    return files.find(({ extension, status }) => extension === "" && status.isSameFile(file))?.path;
  }
}
