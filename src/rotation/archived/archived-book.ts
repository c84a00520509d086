import { LogFileError } from "../../base/errors.js";
import { advice, reason } from "../../base/system-errors.js";
import type { Mount } from "../../disk/mount.js";
import { isOursToBelieve, type Permissions } from "../../disk/permissions.js";
import { LockFile } from "../../lock/lock-file.js";
import { archivedPath } from "../../log-files/hidden-names.js";
import { FileStatus } from "../../platform/file-system.js";
import { lazyPackages } from "../../platform/lazy-packages.js";
import { readChunks } from "../../platform/read-chunks.js";

const KEY_DIGITS = 32;
const CHECK_DIGITS = 8;
const SLOT = new RegExp(`^([0-9a-f]{${KEY_DIGITS}}) ([0-9a-f]{${CHECK_DIGITS}})\n$`);
const SLOT_BYTES = KEY_DIGITS + 1 + CHECK_DIGITS + 1;
const CHUNK = 64 * 1024;
const LONGEST = 16 * 1024 ** 2; // 400,000 backups

/** Tells a backup from all others, whatever it is called, in a text of one length. */
export function keyOf({ fingerprint, size }: FileStatus): string {
  return digest(`${fingerprint} ${size}`, KEY_DIGITS);
}

function digest(text: string, digits: number): string {
  return lazyPackages().crypto().createHash("sha256").update(text).digest("hex").slice(0, digits);
}

/**
 * For which backups of a log the hook is done: a hidden file beside it, which all processes share, and which who runs the
 * hook holds locked. Each backup has a slot of one length with a check of its own: what a kill leaves half written, or
 * somebody else has put there, is an empty slot, and costs no more than another call of the hook.
 */
export class ArchivedBook {
  readonly #log: string;
  readonly #mount: Mount;
  readonly #file: LockFile;
  #slots: (string | undefined)[] = [];
  #done = new Set<string | undefined>();
  /** Of this process, in the file or not: a disk that takes nothing brings no second call from here. */
  readonly #own = new Set<string>();

  constructor(log: string, mount: Mount, permissions: Permissions) {
    this.#log = log;
    this.#mount = mount;
    this.#file = new LockFile(archivedPath(log), mount, permissions);
  }

  /**
   * Opens the book; false while another process has it. {@link end} follows, whatever this returns or throws.
   * @throws {LogFileError} `ERR_CLH_HOOK` when it cannot be opened, locked or believed
   */
  begin(): boolean {
    try {
      const { fs } = this.#mount;
      const fd = this.#file.open();
      const status = new FileStatus();
      fs.statusOfOpen(fd, status);
      if (!isOursToBelieve(fs, this.#log, status))
        throw new Error(`others than the writers of this log may have made it (user ${status.uid}). Delete it`);
      if (!this.#file.tryLock()) return false;
      const bytes = Buffer.concat([...readChunks(fs, fd, CHUNK, 0, LONGEST)]);
      const count = Math.ceil(bytes.length / SLOT_BYTES);
      this.#slots = Array.from({ length: count }, (_, i) => keyIn(bytes, i * SLOT_BYTES));
      this.#done = new Set(this.#slots);
      return true;
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  end(): void {
    this.#file.close();
    this.#slots = [];
    this.#done.clear();
  }

  has(key: string): boolean {
    return this.#own.has(key) || this.#done.has(key);
  }

  /**
   * Writes down what this process has done.
   * @param present keys of all backups that there are: the slot of any other is free
   * @throws {LogFileError} `ERR_CLH_HOOK`; this process remembers it all the same
   */
  remember(key: string, present: ReadonlySet<string>): void {
    for (const other of this.#own) if (!present.has(other)) this.#own.delete(other);
    this.#own.add(key);
    const free = this.#slots.findIndex((slot) => slot === undefined || !present.has(slot));
    const at = free === -1 ? this.#slots.length : free;
    try {
      if ((at + 1) * SLOT_BYTES > LONGEST) throw new Error(`it has ${LONGEST} bytes, and no more are read`);
      this.#mount.fs.writeAt(this.#file.fd, slotOf(key), at * SLOT_BYTES);
      this.#slots[at] = key;
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): LogFileError {
    const { path } = this.#file;
    const message =
      `Cannot use ${path}, which says for which backups of ${this.#log} the hook is done: ${reason(cause)}. ` +
      `${advice(cause)}It is tried again; until then, backups may wait for the hook, or be given to it twice.`;
    return new LogFileError("ERR_CLH_HOOK", message, { cause, path });
  }
}

function slotOf(key: string): Buffer {
  return Buffer.from(`${key} ${digest(key, CHECK_DIGITS)}\n`);
}

function keyIn(bytes: Buffer, at: number): string | undefined {
  const [, key, check] = SLOT.exec(bytes.toString("latin1", at, at + SLOT_BYTES)) ?? [];
  return key !== undefined && check === digest(key, CHECK_DIGITS) ? key : undefined;
}
