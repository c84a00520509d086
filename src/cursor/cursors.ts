import { LogFileError } from "../base/errors.js";
import { advice, reason } from "../base/system-errors.js";
import type { Mount } from "../disk/mount.js";
import type { Permissions } from "../disk/permissions.js";
import type { Tell } from "../events/handler-events.js";
import { cursorPath, isCursor } from "../log-files/hidden-names.js";
import { pathsOf } from "../log-files/list-files.js";
import { O_NOFOLLOW, O_RDWR } from "../platform/file-system.js";
import type { CountAppended } from "../spill/appended-records.js";
import { CursorFile } from "./cursor-file.js";

const NEW_CURSOR_MODE = 0o666;

/** The cursors of one log: one for each stream that was ever collected into it. */
export class Cursors {
  readonly #log: string;
  readonly #mount: Mount;
  readonly #permissions: Permissions;
  readonly #isSynced: boolean;
  readonly #countAppended: CountAppended;
  readonly #told = new Set<string>();

  /** @param isSynced whether the disk is waited for, as at each record */
  constructor(log: string, mount: Mount, permissions: Permissions, isSynced: boolean, countAppended: CountAppended) {
    this.#log = log;
    this.#mount = mount;
    this.#permissions = permissions;
    this.#isSynced = isSynced;
    this.#countAppended = countAppended;
  }

  /**
   * Takes the cursor of a stream, making it where there is none; undefined while another collector has it. Called with the
   * lock of the log held.
   * @throws {LogFileError} `ERR_CLH_CURSOR`
   */
  take(stream: string): CursorFile | undefined {
    const path = cursorPath(this.#log, stream);
    const { fs } = this.#mount;
    try {
      const { fd } = this.#permissions.open(fs, { path, flags: O_RDWR | O_NOFOLLOW, mode: NEW_CURSOR_MODE });
      this.#mount.closeInPassing(fd, path, "lock");
      const isSynced = this.#isSynced || this.#mount.isRemote;
      return CursorFile.adopt(path, this.#log, this.#mount, isSynced, this.#countAppended);
    } catch (cause) {
      const message = `Cannot open ${path}, which says how far the stream ${stream} is in ${this.#log}: ${reason(cause)}. ${advice(cause)}Nothing is collected without it.`;
      throw new LogFileError("ERR_CLH_CURSOR", message, { cause, path });
    }
  }

  /**
   * Finds out how much collectors that were killed have appended to the active file, while it can be told: it is about to
   * be rotated. Called with the lock held.
   */
  settle(tell: Tell): void {
    for (const path of this.#list(tell)) {
      try {
        CursorFile.settle(path, this.#log, this.#mount, this.#countAppended);
      } catch (cause) {
        this.#cannotSettle(path, cause, tell);
      }
    }
  }

  #list(tell: Tell): string[] {
    try {
      return pathsOf(this.#mount.fs, this.#log, isCursor);
    } catch (cause) {
      this.#cannotSettle(cursorPath(this.#log, "*"), cause, tell);
      return [];
    }
  }

  /** Once for each reason: it is met again at each rotation. */
  #cannotSettle(path: string, cause: unknown, tell: Tell): void {
    const message = `Cannot find out how much of ${path} a collector that was killed has appended to ${this.#log}: ${reason(cause)}. ${advice(cause)}The next collector may append some records a second time.`;
    if (this.#told.size === this.#told.add(message).size) return;
    tell("error", new LogFileError("ERR_CLH_CURSOR", message, { cause, path }));
  }
}
