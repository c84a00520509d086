import { LogFileError } from "../base/errors.js";
import type { ActiveFile } from "../disk/active-file.js";
import type { Durability } from "../disk/durability.js";
import type { Mount } from "../disk/mount.js";
import type { FileLock } from "../lock/file-lock.js";
import { FileStatus } from "../platform/file-system.js";
import type { Batch } from "../records/batch.js";
import type { CountAppended } from "../spill/appended-records.js";

// Milliseconds. Servers give up the locks of a client that was silent for longer: after 90 s by default, on NFS; at least
// three times this where the test of shares runs.
const LONGEST_TRUST = 5000;

interface Doubt {
  readonly file: FileStatus;
  /** Where in the file the first record would be. */
  readonly offset: number;
  readonly records: readonly Buffer[];
}

/**
 * Appends records to the file, and knows which of them are there. On a network file system that is so only when all went
 * well, and soon: an error of `fsync` comes after the client has given the bytes up, or after the server has them; and a client that
 * was cut off may have lost the lock, and not know it. Then they are looked for with the lock held anew, before they are written again.
 */
export class Appender {
  readonly #file: ActiveFile;
  readonly #durability: Durability;
  readonly #mount: Mount;
  readonly #lock: FileLock;
  readonly #countAppended: CountAppended;
  readonly #terminatorLength: number;
  #doubt: Doubt | undefined;
  /** Records that were in doubt, are in the log, and are yet to be acknowledged. */
  #found: Buffer[] = [];
  /** Records, and bytes, that were appended. */
  readonly counts = { records: 0, bytes: 0 };

  constructor(
    file: ActiveFile,
    durability: Durability,
    mount: Mount,
    lock: FileLock,
    countAppended: CountAppended,
    terminatorLength: number,
  ) {
    this.#file = file;
    this.#durability = durability;
    this.#mount = mount;
    this.#lock = lock;
    this.#countAppended = countAppended;
    this.#terminatorLength = terminatorLength;
  }

  /** Finds out which of the records in doubt are in the log, and counts those as written with which `batch` begins. */
  settle(batch: Batch): void {
    if (this.#doubt !== undefined) {
      const { file, offset, records } = this.#doubt;
      this.#found.push(...records.slice(0, this.#countAppended(file, offset, records)));
      this.#doubt = undefined;
    }
    if (this.#found.length === 0 || batch.isDone) return;
    for (let [first] = this.#found; first !== undefined && isFirst(batch, first); [first] = this.#found) {
      this.#found.shift();
      this.counts.records += batch.advanceTo(batch.start + first.length);
    }
    batch.journal?.end(batch.start);
  }

  /** Appends records up to `end`. When that fails half-way, those that are there are not written again. */
  append(batch: Batch, end: number): void {
    if (this.#mount.isRemote) this.#appendRemotely(batch, end);
    else this.#appendHere(batch, end);
  }

  #appendHere(batch: Batch, end: number): void {
    const { start } = batch;
    batch.journal?.begin(this.#file.identity, this.#file.offset, end);
    try {
      this.#file.append(batch.bytes, start, end);
      this.counts.records += batch.advanceTo(end);
      this.#durability.records(this.#file);
    } catch (error) {
      this.counts.records += batch.cutAt(start + this.#file.appended, this.#terminatorLength);
      throw error;
    } finally {
      this.counts.bytes += this.#file.appended;
      batch.journal?.end(batch.start);
    }
  }

  #appendRemotely(batch: Batch, end: number): void {
    const file = new FileStatus();
    file.copyFrom(this.#file.identity);
    const { offset } = this.#file;
    batch.journal?.begin(file, offset, end); // it stays when this fails, for who takes over
    try {
      this.#file.append(batch.bytes, batch.start, end);
      this.#durability.recordsRemotely(this.#file);
      if (this.#file.isShared) this.#file.close();
      this.#trust();
    } catch (error) {
      this.#doubt = {
        file,
        offset,
        records: [...batch.records()].slice(0, batch.countTo(end)).map((record) => Buffer.from(record)),
      };
      throw error;
    } finally {
      this.counts.bytes += this.#file.appended;
    }
    this.counts.records += batch.advanceTo(end);
    batch.journal?.end(batch.start);
  }

  #trust(): void {
    const { age } = this.#lock;
    if (age <= LONGEST_TRUST) return;
    const { path } = this.#file;
    const message = `Writing to ${path} took ${(age / 1000).toFixed(1)} s, in which the server may have given the lock to others. The records are looked for before they are written again.`;
    throw new LogFileError("ERR_CLH_WRITE", message, { path });
  }
}

function isFirst(batch: Batch, record: Buffer): boolean {
  return record.equals(batch.bytes.subarray(batch.start, batch.start + batch.firstLength));
}
