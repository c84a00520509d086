import { dirname } from "node:path";
import { LogFileError } from "../base/errors.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import { Failures } from "../events/throttled-reporter.js";
import type { SyncMode } from "../options/options.js";
import type { Clock } from "../platform/clock.js";
import { O_RDONLY } from "../platform/file-system.js";
import type { ActiveFile } from "./active-file.js";
import type { Mount } from "./mount.js";

/**
 * Brings records and names of files to the disk, as far as the option `sync` asks. Everything is called with the lock
 * held: a record must be durable before `write` says that it is in the file, and another process that takes the lock
 * must not rotate or delete what is not on the disk yet.
 */
export class Durability {
  readonly #mount: Mount;
  readonly #failures: Failures;
  #mode: SyncMode;

  constructor(mode: SyncMode, mount: Mount, clock: Clock, report: (error: LogFileError) => void) {
    this.#mode = mode;
    this.#mount = mount;
    this.#failures = new Failures(report, clock);
  }

  /**
   * Asked before the first record: may the log stay open between writes? Not on a network file system, unless that was
   * asked for: other hosts see a record only when it was written back and the file closed, whatever `sync` says.
   */
  mayStayOpen(keepFileOpen: boolean | undefined): boolean {
    if (keepFileOpen === true || !this.#mount.isRemote) return keepFileOpen !== false;
    this.#mode = "full";
    return false;
  }

  /**
   * The records that were just appended. A failure is told and not thrown: after it the kernel may have given up the
   * pages that it could not write, so that asking again proves nothing, and the records must not be written twice.
   */
  records(file: ActiveFile): void {
    if (this.#mode === "none") return;
    try {
      file.sync(this.#mode);
      this.#failures.clear();
    } catch (cause) {
      const message =
        `Cannot bring ${file.path} to the disk: ${reason(cause)}. ${advice(cause)}The last records are in the file, ` +
        "but maybe not on the disk; they are not written again.";
      this.#failures.note(new LogFileError("ERR_CLH_WRITE", message, { cause, path: file.path }));
    }
  }

  /**
   * Brings records to the server of a network file system. When this throws, the records may be there or not.
   * @throws {LogFileError} `ERR_CLH_WRITE`
   */
  recordsRemotely(file: ActiveFile): void {
    if (this.#mode === "none") return;
    try {
      file.sync(this.#mode);
    } catch (cause) {
      const message =
        `Cannot bring ${file.path} to the server: ${reason(cause)}. ${advice(cause)}The last records are looked for ` +
        "there before they are written again.";
      throw new LogFileError("ERR_CLH_WRITE", message, { cause, path: file.path });
    }
  }

  /** The name of a file that was made, renamed, or found: its maker may have died before it could do this. */
  name(path: string): void {
    if (this.#mode === "none") return;
    try {
      this.#syncDirectory(dirname(path));
    } catch (cause) {
      const message =
        `Cannot bring the name of ${path} to the disk: ${reason(cause)}. ${advice(cause)}The file is there, ` +
        "but after a power failure it may have another name or none.";
      this.#failures.note(new LogFileError("ERR_CLH_WRITE", message, { cause, path }));
    }
  }

  #syncDirectory(path: string): void {
    const { fs } = this.#mount;
    let fd = -1;
    try {
      fd = fs.open(path, O_RDONLY);
      fs.fsync(fd);
    } catch (error) {
      // Windows opens no directory (EPERM, EISDIR) or refuses to sync it (EPERM, EBADF), and needs neither; some file
      // systems do not know the call for a directory (EINVAL); a user may be allowed to write there and not to read (EACCES).
      if (!hasCode(error, "EINVAL", "EPERM", "EISDIR", "EACCES", "EBADF")) throw error;
    } finally {
      if (fd !== -1) fs.close(fd);
    }
  }
}
