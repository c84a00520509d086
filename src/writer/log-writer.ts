import { LogFileError } from "../base/errors.js";
import type { CursorFile } from "../cursor/cursor-file.js";
import { Cursors } from "../cursor/cursors.js";
import { ActiveFile, HeldElsewhere } from "../disk/active-file.js";
import { Durability } from "../disk/durability.js";
import { Mount } from "../disk/mount.js";
import { Permissions } from "../disk/permissions.js";
import type { News } from "../events/event-queue.js";
import type { RotationReason } from "../events/handler-events.js";
import { Failures, lockTimeoutError, lossError, unexpected, unsafeMountWarning } from "../events/throttled-reporter.js";
import { tracer } from "../events/trace.js";
import { FileLock, withLock } from "../lock/file-lock.js";
import { LockFile, lockFilePath } from "../lock/lock-file.js";
import { MAINTENANCE_WAIT_MS } from "../lock/lock-timing.js";
import type { Namer } from "../log-files/backup-names.js";
import { namedBackups } from "../log-files/named-backups.js";
import { checkNamer } from "../options/resolve-options.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import type { Clock } from "../platform/clock.js";
import type { Environment } from "../platform/environment.js";
import { Batch, type CommitResult } from "../records/batch.js";
import { dropMarker } from "../records/drop-marker.js";
import { Encoder } from "../records/encoder.js";
import { policyOf } from "../rotation/policy.js";
import { Rotation } from "../rotation/rotation.js";
import type { Trigger } from "../rotation/trigger.js";
import { Spills } from "../spill/orphaned-spills.js";
import type { Spill } from "../spill/spill-file.js";
import { Appender } from "./appender.js";
import { IdleWatch } from "./idle-timer.js";
import { OrphanMerger } from "./orphan-merger.js";
import { SharedSettings } from "./settings-file.js";
import { type Counts, sum } from "./stats.js";
import type { RemoteWriter, WriterRole } from "./writer-role.js";

/** Everything that happens under the lock of one log. Knows nothing of queues and users. */
export class LogWriter {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly events: News;
  readonly encoder: Encoder;
  readonly #idleWatch: IdleWatch;
  readonly #spills: Spills;
  readonly #cursors: Cursors;
  readonly #orphans: OrphanMerger;
  readonly #lock: FileLock;
  readonly #mount: Mount;
  readonly #file: ActiveFile;
  readonly #durability: Durability;
  readonly #appender: Appender;
  readonly #settings: SharedSettings | undefined;
  readonly #trigger: Trigger;
  readonly rotation: Rotation;
  readonly #failures: Failures;
  readonly #warning: LogFileError | undefined;
  readonly #trace: ((message: string) => void) | undefined;
  readonly #counts = { lockTimeouts: 0, failures: 0 };
  readonly #maintenanceWait: number;
  #namer: Namer | undefined;
  /** The batch that #append writes. */
  #batch = new Batch();
  #isWriting = false;
  #isFresh = true;
  #isKeptOpen: boolean;
  #isRotationForced = false;
  #empties: boolean;
  #mergesOrphans: boolean;
  /** Set by a delivery whose records another thread writes. */
  remote: RemoteWriter | undefined;
  /** Records that a delivery has dropped. */
  dropped = 0;

  constructor(options: ResolvedOptions, machine: Environment, events: News, role: WriterRole = {}) {
    const environment = namedBackups(machine, options.filename, options);
    const { clock } = environment;
    const { filename, lockFileDirectory } = options;
    const { isStandby = false, leavesSettings = true, warning } = role;
    this.options = options;
    this.clock = clock;
    this.events = events;
    this.encoder = new Encoder(options);
    const { terminator } = this.encoder;
    this.#warning = warning;
    this.#maintenanceWait = Math.min(MAINTENANCE_WAIT_MS, options.lockTimeout);
    this.#namer = options.namer;
    this.#empties = options.mode === "w" && !isStandby;
    this.#mergesOrphans = !isStandby;
    this.#isKeptOpen = options.keepFileOpen !== false;
    this.#trace = tracer(options.debug);
    const permissions = new Permissions(options, (warning) => events.tell("warning", warning));
    const rotatesWhenIdle = options.rotateWhenIdle && !isStandby;
    this.#idleWatch = new IdleWatch({
      clock,
      letGo: () => this.#file.letGo(),
      rotate: rotatesWhenIdle ? () => this.commit(new Batch(), this.#maintenanceWait) : undefined,
      boundary: () => this.#trigger.boundary ?? Number.POSITIVE_INFINITY,
    });
    this.#failures = new Failures((error) => events.tell("error", error), clock);
    this.#mount = new Mount(environment, filename);
    const lockPath = lockFilePath(filename, lockFileDirectory);
    const lockFile = new LockFile(lockPath, this.#mount.at(lockPath), permissions);
    this.#lock = new FileLock(lockFile, clock, true);
    this.#durability = new Durability(options.sync, this.#mount, clock, (error) => events.tell("error", error));
    if (leavesSettings) this.#settings = new SharedSettings(options, this.encoder, this.#mount, permissions);
    this.#file = new ActiveFile(filename, this.#mount, clock, permissions, this.encoder, {
      onOpened: (path, isAnother) => {
        this.#trace?.(`opened ${path}`);
        if (isAnother) this.#durability.name(path);
        if (this.#isKeptOpen) this.#idleWatch.start();
      },
      onHealed: (path) => events.tell("recovered", { path }),
      onHeaderFailed: (error) => events.tell("error", error),
    });
    const { trigger, backups } = policyOf(options, environment, { lockFile, namer: () => this.namer });
    this.#trigger = trigger;
    const underLock = (body: () => void) => {
      const isLocked = this.#exclusively(this.#maintenanceWait, body);
      events.catchUp();
      return isLocked;
    };
    this.rotation = new Rotation(options, environment, backups, events.tell, underLock, this.#durability);
    this.#spills = new Spills(filename, this.#mount, permissions, terminator.length, underLock);
    const { countAppended } = this.#spills;
    this.#cursors = new Cursors(filename, this.#mount, permissions, options.sync !== "none", countAppended);
    this.#appender = new Appender(
      this.#file,
      this.#durability,
      this.#mount,
      this.#lock,
      countAppended,
      terminator.length,
    );
    const commit = (batch: Batch) => this.commit(batch, this.#maintenanceWait);
    this.#orphans = new OrphanMerger(this.#spills, clock, commit, events.tell);
    if (rotatesWhenIdle) this.#idleWatch.start();
  }

  get namer(): Namer | undefined {
    return this.#namer;
  }

  /** @throws {LogFileError} `ERR_CLH_OPTION` where backups cannot be named by a function */
  set namer(namer: Namer | undefined) {
    checkNamer(namer, this.options);
    this.#namer = namer;
  }

  /** True while a namer or rotator runs: the lock is held, and what is logged now is written later. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Another writer of this log on this thread holds the lock: its namer or rotator runs. Waiting would be in vain. */
  get isLockedHere(): boolean {
    return this.#lock.isHeldByThisThread;
  }

  /** Counts of this writer, and of the one in another thread. */
  get counts(): Counts {
    const { count: rotations } = this.rotation;
    const here = { ...this.#appender.counts, ...this.#counts, rotations, lockWaits: this.#lock.waits };
    return this.remote === undefined ? here : sum(here, this.remote.counts);
  }

  /**
   * Writes as much of `batch` as can be written. Reports what fails, but for a lock timeout, and throws nothing.
   * @param wait for the lock, in milliseconds
   */
  commit(batch: Batch, wait: number): CommitResult {
    if (this.#isWriting) return "failed"; // a namer or rotator flushes
    try {
      if (!this.#underLock(batch, wait)) return "lock timeout";
      this.#failures.clear();
      return "done";
    } catch (error) {
      if (this.rotation.makesRoomAfter(error)) return this.commit(batch, wait);
      this.#counts.failures++;
      this.#failures.note(error instanceof LogFileError ? error : unexpected(error, this.options.filename));
      return "failed";
    } finally {
      this.events.catchUp();
    }
  }

  /**
   * Opens lock and log file. A lock that is not free is told on a network file system: a host that died may have it.
   * @throws {LogFileError} `ERR_CLH_LOCK`, `ERR_CLH_LOCK_TIMEOUT` or `ERR_CLH_OPEN`
   */
  open(): void {
    const isThrown = !this.#mount.isRemote || this.options.onLockTimeout === "throw";
    const isOpen = this.#underLock(new Batch(), this.options.lockTimeout);
    if (!isOpen) this.noteLockTimeout("The log was not opened.", isThrown);
    this.events.catchUp();
  }

  /** Rotates now, whatever the size; true when that was done. A file without records is left as it is. */
  rotate(): boolean {
    const before = this.rotation.count;
    this.#isRotationForced = true;
    const result = this.commit(new Batch(), this.options.lockTimeout);
    if (result === "lock timeout") this.noteLockTimeout("The log was not rotated.");
    return this.rotation.count > before;
  }

  /**
   * Counts and reports that the lock was not free in time.
   * @param then what becomes of the records, as a sentence
   * @throws {LogFileError} `ERR_CLH_LOCK_TIMEOUT` if `isThrown`, rather than to report it
   */
  noteLockTimeout(then: string, isThrown = false): void {
    this.#counts.failures++;
    this.#counts.lockTimeouts++;
    const error = lockTimeoutError(this.#lock.path, this.options.lockTimeout, then);
    if (isThrown) throw error;
    this.#failures.note(error);
  }

  /**
   * Makes a file for records that wait for the lock.
   * @param after the path of a spill whose records are older
   * @throws a system error, or {LogFileError}
   */
  createSpill(after?: string): Spill {
    return this.#spills.create(after);
  }

  /** Takes over a spill of a thread that has ended; see {@link Spills.adopt}. */
  adoptSpill(path: string): ReturnType<Spills["adopt"]> {
    return this.#spills.adopt(path);
  }

  /**
   * Takes the cursor of a stream, with what its last collector has left open settled.
   * @returns undefined while another collector has it, or when the lock is not free soon
   * @throws {LogFileError} `ERR_CLH_CURSOR`
   */
  takeCursor(stream: string): CursorFile | undefined {
    let cursor: CursorFile | undefined;
    this.#exclusively(this.#maintenanceWait, () => {
      cursor = this.#cursors.take(stream);
    });
    this.events.catchUp();
    return cursor;
  }

  noteSpillFailure(cause: unknown): void {
    this.events.tell("error", this.#spills.failure(cause));
  }

  /** Counts and reports records that a delivery has dropped. */
  noteDrop(count: number): void {
    this.dropped += count;
    this.events.tell("drop", { count });
  }

  /** Counts and reports records that a delivery still had in memory when the process ended. */
  noteLoss(count: number): void {
    this.events.isHeld = false; // it may end within a namer, and nothing comes after this
    this.noteDrop(count);
    this.events.tell("error", lossError(this.options.filename, count));
  }

  /** The record that stands in the file for `count` dropped ones. */
  markerOf(count: number): Batch {
    return new Encoder(this.options).encode(dropMarker(count));
  }

  /** How many of `records` are behind `offset` in `file`, wherever that is now. */
  countAppended(...args: Parameters<Spills["countAppended"]>): number {
    return this.#spills.countAppended(...args);
  }

  /** From now on this writer does what it left to another thread. */
  takeOver(): void {
    this.#mergesOrphans = true;
    this.#orphans.start();
  }

  /** Resolves when nothing is merged or compressed any more that this writer has started, here or in another thread. */
  async whenSwept(): Promise<void> {
    await this.#orphans.whenIdle();
    await this.remote?.whenSwept();
    await this.rotation.swept();
  }

  /** Closes all files. A later commit opens them again. */
  close(): void {
    this.#orphans.close();
    const lock = { close: () => this.#lock.end(this.#maintenanceWait) };
    this.#failures.close([this.#file, lock, ...(this.#settings ? [this.#settings] : [])], this.options.filename);
    this.#idleWatch.stop();
    this.rotation.close(() => this.#failures.close([lock], this.options.filename));
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
      if (!this.#isKeptOpen)
        this.#failures.close([this.#file, { close: () => this.#lock.rest() }], this.options.filename);
    }
  }

  /** The same of anything that is done with the lock held. */
  #exclusively(wait: number, body: () => void): boolean {
    const { isHeld } = this.events;
    this.#isWriting = this.events.isHeld = true;
    try {
      return withLock(this.#lock, wait, body);
    } catch (error) {
      if (error instanceof HeldElsewhere) return false;
      throw error;
    } finally {
      this.#isWriting = false;
      this.events.isHeld = isHeld;
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
    this.#appender.settle(batch);
    // Within a lease nobody else has had the lock, and only what is to be rotated is looked at.
    let isKnown = this.#lock.isContinued && this.#file.isKnown && this.#whyRotate(batch) === undefined;
    do {
      if (!isKnown) this.#file.refresh();
      const why = isKnown ? undefined : this.#whyRotate(batch);
      isKnown = false;
      if (why !== undefined) {
        if (!this.#lock.isStillShared()) return; // the lock file was replaced: take the new one, then ask again
        this.#rotate(why);
        this.#file.refresh(); // also when that failed: it may have failed after the file was moved
      }
      if (!batch.isDone) this.#appender.append(batch, batch.endWithin(this.#trigger.room(this.#file.size)));
    } while (!batch.isDone);
    this.#lock.mayBeKept = this.#isKeptOpen;
  }

  #whyRotate(batch: Batch): RotationReason | undefined {
    const { size, recordBytes } = this.#file;
    const due = this.#trigger.due(recordBytes > 0 ? size : 0, batch.firstLength);
    if (this.#isRotationForced) return recordBytes > 0 ? (due ?? "manual") : undefined;
    return this.rotation.isAllowed ? due : undefined;
  }

  /** Called with the lock held. */
  #rotate(why: RotationReason): void {
    this.#trace?.(`${this.options.filename} has ${this.#file.size} bytes and is to be rotated (${why})`);
    this.#spills.settle(this.events.tell);
    this.#cursors.settle(this.events.tell);
    if (!this.rotation.rotate(why)) return;
    this.events.add(() => this.#tidy());
    this.#file.close();
    this.#trigger.rotated?.(why);
  }

  /** Before the first record. Called with the lock held. */
  #begin(): void {
    const warn = (warning: LogFileError) => this.events.tell("warning", warning);
    const notDeleted = this.#empties ? this.#file.empty() : undefined;
    this.#isFresh = this.#empties = false;
    const unsafeMount = unsafeMountWarning(this.#mount, this.options.filename);
    for (const warning of [this.#warning, notDeleted, unsafeMount]) if (warning !== undefined) warn(warning);
    const limit = this.#settings?.agree(this.namer, warn, this.#trace);
    if (limit !== undefined) this.#trigger.limitTo(limit);
    this.#isKeptOpen = this.#durability.mayStayOpen(this.options.keepFileOpen);
    this.#file.isShared = this.#mount.isRemote && !this.#isKeptOpen;
    this.rotation.recover();
    this.events.add(() => this.#tidy());
  }

  /** When a handler begins and after each rotation: what others have left, then compression and retention. */
  #tidy(): void {
    if (this.#mergesOrphans) this.#orphans.start();
    this.rotation.tidy();
  }
}
