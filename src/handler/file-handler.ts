import { EventEmitter } from "node:events";
import { LogFileError } from "../base/errors.js";
import { deliveryOf, modeOf } from "../delivery/create-delivery.js";
import { type CommitResult, type Delivery, TIDYING } from "../delivery/delivery.js";
import { ActiveFile } from "../disk/active-file.js";
import { Durability } from "../disk/durability.js";
import { Permissions } from "../disk/permissions.js";
import { type HandlerEvents, News, type RotationReason } from "../events/handler-events.js";
import { Failures, lockTimeoutError, unexpected } from "../events/throttled-reporter.js";
import { tracer } from "../events/trace.js";
import { FileLock, withLock } from "../lock/file-lock.js";
import { LockFile, lockFilePath } from "../lock/lock-file.js";
import type { Namer } from "../log-files/backup-names.js";
import { type HandlerJson, optionsToJson } from "../options/handler-json.js";
import type { Rotator } from "../options/options.js";
import { checkNamer } from "../options/resolve-options.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import type { Environment } from "../platform/environment.js";
import { Batch } from "../records/batch.js";
import { Encoder } from "../records/encoder.js";
import type { Policy, PolicyContext } from "../rotation/policy.js";
import { Rotation } from "../rotation/rotation.js";
import type { Trigger } from "../rotation/trigger.js";
import { Spills } from "../spill/orphaned-spills.js";
import { IdleWatch } from "../writer/idle-timer.js";
import { SharedSettings } from "../writer/settings-file.js";
import { type HandlerStats, sum } from "../writer/stats.js";
import { HandlerStream, type StreamOptions } from "./stream.js";

/**
 * Appends records to a file that other handlers append to as well, in this process, in others and in Python. A subclass
 * says when the file is rotated. No file is touched before the first record.
 */
export abstract class ConcurrentFileHandler extends EventEmitter<HandlerEvents> {
  readonly #options: ResolvedOptions;
  /** The records are written in another thread, and here only if that is lost. */
  readonly #isFar: boolean;
  readonly #encoder: Encoder;
  readonly #idleWatch: IdleWatch;
  readonly #spills: Spills;
  readonly #delivery: Delivery;
  readonly #lock: FileLock;
  readonly #file: ActiveFile;
  readonly #durability: Durability;
  readonly #settings: SharedSettings;
  readonly #trigger: Trigger;
  readonly #rotation: Rotation;
  readonly #failures: Failures;
  #namer: Namer | undefined;
  readonly #trace: ((message: string) => void) | undefined;
  readonly #stats = { records: 0, bytes: 0, lockTimeouts: 0, failures: 0, dropped: 0 };
  readonly #news: News;
  /** The batch that #append writes. */
  #batch = new Batch();
  #isWriting = false;
  #isFresh = true;
  #isKeptOpen: boolean;
  #isRotationForced = false;

  protected constructor(
    options: ResolvedOptions,
    environment: Environment,
    policy: (context: PolicyContext) => Policy,
  ) {
    super();
    const { fs, clock, lockBackend } = environment;
    const { filename, lockFileDirectory } = options;
    const tidying = Math.min(TIDYING, options.lockTimeout);
    this.#isFar = modeOf(options, environment) === "background";
    const rotatesWhenIdle = options.rotateWhenIdle && !this.#isFar;
    this.#trace = tracer(options.debug);
    this.#news = new News(this, this.#trace);
    const permissions = new Permissions(options, (warning) => this.#news.tell("warning", warning));
    this.#options = options;
    this.#isKeptOpen = options.keepFileOpen !== false;
    this.#namer = options.namer;
    this.#idleWatch = new IdleWatch({
      clock,
      letGo: () => this.#file.letGo(),
      rotate: rotatesWhenIdle ? () => this.#commit(new Batch(), tidying) : undefined,
      boundary: () => this.#trigger.boundary ?? Number.POSITIVE_INFINITY,
    });
    this.#failures = new Failures((error) => this.#news.tell("error", error), clock);
    const lockFile = new LockFile(lockFilePath(filename, lockFileDirectory), fs, permissions);
    this.#lock = new FileLock(lockFile, lockBackend, clock);
    this.#encoder = new Encoder(options);
    this.#durability = new Durability(options.sync, environment, (error) => this.#news.tell("error", error));
    this.#settings = new SharedSettings(options, this.#encoder.terminator, environment, permissions);
    this.#file = new ActiveFile(filename, environment, permissions, this.#encoder, {
      onOpened: (path, isAnother) => {
        this.#trace?.(`opened ${path}`);
        if (isAnother) this.#durability.name(path);
        if (this.#isKeptOpen) this.#idleWatch.start();
      },
      onHealed: (path) => this.#news.tell("recovered", { path }),
    });
    const { trigger, backups } = policy({ lockFile, namer: () => this.namer });
    this.#trigger = trigger;
    const underLock = (body: () => void) => {
      const isLocked = this.#exclusively(tidying, body);
      this.#news.catchUp();
      return isLocked;
    };
    this.#rotation = new Rotation(options, environment, backups, this.#news.tell, underLock, this.#durability);
    this.#spills = new Spills(filename, environment, permissions, this.#encoder.terminator.length, underLock);
    this.#delivery = deliveryOf(options, environment, {
      commit: (batch, wait) => this.#commit(batch, wait),
      onTimedOut: (then, isThrown) => this.#noteLockTimeout(then, isThrown),
      isLockedHere: () => this.#lock.isHeldByThisThread,
      onDrop: (count) => {
        this.#stats.dropped += count;
        this.#news.tell("drop", { count });
      },
      spills: this.#spills,
      news: this.#news,
      json: () => this.toJSON(),
    });
    if (rotatesWhenIdle) this.#idleWatch.start();
  }

  /** Absolute path of the log file. */
  get filename(): string {
    return this.#options.filename;
  }

  /** Names the backups; see the option. Called with the lock held. */
  get namer(): Namer | undefined {
    return this.#namer;
  }

  set namer(namer: Namer | undefined) {
    checkNamer(namer, this.#options);
    this.#namer = namer;
  }

  /** Moves the file in a rotation; see the option. Called with the lock held. */
  get rotator(): Rotator | undefined {
    return this.#rotation.rotator;
  }

  set rotator(rotator: Rotator | undefined) {
    this.#rotation.rotator = rotator;
  }

  /**
   * Appends one record.
   * @param record text, to which the terminator is added unless it ends with it; or bytes in the log's encoding
   * @returns With delivery `sync`: true when the record is in the file; false when it is kept in memory and tried again,
   *   or was refused or dropped: an `error` or `drop` event has said why. With the others: false when so much waits that
   *   the caller should pause until `drain`. A failing disk or lock is never thrown.
   */
  write(record: string | Uint8Array): boolean {
    if (this.#isWriting) return this.#writeLater(record);
    const place = this.#delivery.reserve(this.#encoder.longest(record));
    if (place !== undefined) {
      const length = this.#encoder.encodeInto(place.bytes, place.start, record as string);
      if (length >= 0) return this.#delivery.filled(length);
    }
    let batch: Batch;
    try {
      batch = this.#encoder.encode(record);
    } catch (error) {
      this.#news.tell("error", error as LogFileError);
      this.#delivery.push(new Batch()); // the file is made all the same, as upstream does
      return false;
    }
    return this.#delivery.push(batch);
  }

  /** As `write`, of each line of text, or of bytes in UTF-8 for a log in UTF-8: many at once take less time. */
  writeLines(lines: string | Buffer): boolean {
    let isTaken = true;
    for (const part of this.#encoder.encodeLines(lines, this.#isWriting))
      isTaken = (part instanceof Batch ? this.#delivery.push(part) : this.write(part)) && isTaken;
    return isTaken;
  }

  /**
   * Appends one record, and resolves when it is in the file.
   * @throws {LogFileError} `ERR_CLH_FLUSH` when it cannot be written within `lockTimeout` (unless it is dropped then, it
   *   is tried again), `ERR_CLH_ENCODE` when it is refused
   */
  async writeAsync(record: string | Uint8Array): Promise<void> {
    if (this.#isWriting) this.#writeLater(record);
    else this.#delivery.push(this.#encoder.encode(record));
    await this.#delivery.written();
  }

  /** True after `write` has asked for a pause, until `drain`. */
  get writableNeedDrain(): boolean {
    return this.#delivery.needsDrain;
  }

  /** Resolves when every record written before is in the file; rejects with `ERR_CLH_FLUSH` when one cannot be. */
  flush(): Promise<void> {
    return this.#delivery.flush();
  }

  /** Writes what is kept in memory, waiting for the lock at most `lockTimeout`; true when nothing is left. */
  flushSync(): boolean {
    return this.#delivery.flushSync();
  }

  /**
   * Opens lock and log file now rather than at the first record, to see at once that it can be done.
   * @throws {LogFileError} `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT` or `ERR_CLH_OPEN`
   */
  open(): void {
    if (!this.#underLock(new Batch(), this.#options.lockTimeout))
      this.#noteLockTimeout("The log was not opened.", true);
    this.#news.catchUp();
  }

  /** Rotates now, whatever the size; true when that was done. A file without records is left as it is. */
  rotate(): boolean {
    if (this.#isWriting) return false;
    this.flushSync();
    const before = this.#rotation.count;
    this.#isRotationForced = true;
    const result = this.#commit(new Batch(), this.#options.lockTimeout);
    if (result === "lock timeout") this.#noteLockTimeout("The log was not rotated.");
    return this.#rotation.count > before;
  }

  /** Resolves when no compression that this handler has started is under way. */
  async swept(): Promise<void> {
    await Promise.all([this.#rotation.swept(), this.#delivery.swept()]);
  }

  /** Writes what is kept in memory and closes all files. A record that is written later opens them again. */
  close(): void {
    this.flushSync();
    this.#delivery.close();
    this.#failures.close([this.#file, this.#lock, this.#settings], this.filename);
    this.#idleWatch.stop();
  }

  stats(): HandlerStats {
    const here = { ...this.#stats, rotations: this.#rotation.count, lockWaits: this.#lock.waits };
    const { counts, pending } = this.#delivery;
    return { ...here, ...(counts && sum(here, counts)), pending };
  }

  /** The options from which another process can make the same handler; functions are named, and must be given again. */
  toJSON(): HandlerJson {
    return optionsToJson({ ...this.#options, namer: this.namer, rotator: this.rotator });
  }

  /** A Writable for what wants a stream: `console.Console`, bunyan, morgan, `pipe`; see {@link HandlerStream}. */
  toStream(options?: StreamOptions): HandlerStream<ConcurrentFileHandler> {
    return new HandlerStream(this, options);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.swept();
  }

  /** Writes as much of `batch` as can be written; tells what fails, but for a lock timeout, and throws nothing. */
  #commit(batch: Batch, wait: number): CommitResult {
    if (this.#isWriting) return "failed"; // a namer or rotator flushes
    try {
      if (!this.#underLock(batch, wait)) return "lock timeout";
      this.#failures.clear();
      return "done";
    } catch (error) {
      this.#stats.failures++;
      this.#failures.note(error instanceof LogFileError ? error : unexpected(error, this.filename));
      return "failed";
    } finally {
      this.#news.catchUp();
    }
  }

  /** False when the lock could not be had. */
  #underLock(batch: Batch, wait: number): boolean {
    this.#batch = batch;
    try {
      do {
        if (!this.#exclusively(wait, this.#appendAndLetGo)) return false;
      } while (!batch.isDone);
      return true;
    } finally {
      this.#isRotationForced = false;
      if (!this.#isKeptOpen) this.#failures.close([this.#file, this.#lock], this.filename);
    }
  }

  /** The same of anything that is done with the lock held. */
  #exclusively(wait: number, body: () => void): boolean {
    const { isHeld } = this.#news;
    this.#isWriting = this.#news.isHeld = true;
    try {
      return withLock(this.#lock, wait, body);
    } finally {
      this.#isWriting = false;
      this.#news.isHeld = isHeld;
    }
  }

  /** Closes the log before the lock is released: only then do other hosts of a network file system see what is in it. */
  readonly #appendAndLetGo = (): void => {
    try {
      this.#append();
    } finally {
      if (!this.#isKeptOpen) this.#file.close();
    }
  };

  /** Appends the records of the current batch, rotating where that is due. Called with the lock held. */
  #append(): void {
    const batch = this.#batch;
    if (this.#isFresh) this.#begin();
    do {
      this.#file.refresh();
      const why = this.#whyRotate(batch);
      if (why !== undefined) {
        if (!this.#lock.isStillShared()) return; // the lock file was replaced: take the new one, then ask again
        this.#rotate(why);
        this.#file.refresh(); // also when that failed: it may have failed after the file was moved
      }
      if (batch.isDone) return;
      const { start } = batch;
      const end = batch.endWithin(this.#trigger.room(this.#file.size));
      this.#appendPart(batch, start, end);
    } while (!batch.isDone);
  }

  /** Appends records. When that fails half-way, those that are there are not written again. */
  #appendPart(batch: Batch, start: number, end: number): void {
    batch.journal?.begin(this.#file.identity, this.#file.offset, end);
    try {
      this.#file.append(batch.bytes, start, end);
      this.#stats.records += batch.advanceTo(end);
      this.#durability.records(this.#file);
    } catch (error) {
      this.#stats.records += batch.cutAt(start + this.#file.appended, this.#encoder.terminator.length);
      throw error;
    } finally {
      this.#stats.bytes += this.#file.appended;
      batch.journal?.end(batch.start);
    }
  }

  #whyRotate(batch: Batch): RotationReason | undefined {
    const { size } = this.#file;
    const due = this.#trigger.due(size, batch.firstLength);
    if (this.#isRotationForced) return size > 0 ? (due ?? "manual") : undefined;
    return this.#rotation.isAllowed ? due : undefined;
  }

  /** Called with the lock held. */
  #rotate(why: RotationReason): void {
    this.#trace?.(`${this.filename} has ${this.#file.size} bytes and is to be rotated (${why})`);
    this.#spills.settle(this.#news.tell);
    if (!this.#rotation.rotate(why)) return;
    this.#news.add(() => this.#tidy());
    this.#file.close();
    this.#trigger.rotated?.(why);
  }

  /** Before the first record. Called with the lock held. */
  #begin(): void {
    const { mode, keepFileOpen, filename } = this.#options;
    if (mode === "w" && !this.#isFar) this.#file.remove();
    this.#isFresh = false;
    const limit = this.#settings.agree(this.namer, (warning) => this.#news.tell("warning", warning), this.#trace);
    if (limit !== undefined) this.#trigger.limitTo(limit);
    this.#isKeptOpen = this.#durability.mayStayOpen(filename, keepFileOpen);
    this.#rotation.recover();
    this.#news.add(() => this.#tidy());
  }

  /** When a handler begins and after each rotation: what others have left, then compression and retention. */
  #tidy(): void {
    this.#spills.mergeOrphans((spill) => this.#delivery.adopt(spill), this.#news.tell);
    this.#rotation.tidy();
  }

  /** A record of a namer or rotator that is called while the lock is held: after it. */
  #writeLater(record: string | Uint8Array): false {
    this.#delivery.keep(new Encoder(this.#options).encode(record));
    return false;
  }

  #noteLockTimeout(then: string, isThrown = false): void {
    this.#stats.failures++;
    this.#stats.lockTimeouts++;
    const error = lockTimeoutError(this.#lock.path, this.#options.lockTimeout, then);
    if (isThrown) throw error;
    this.#failures.note(error);
  }
}
