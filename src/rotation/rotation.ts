import { dirname } from "node:path";
import { Backoff } from "../base/backoff.js";
import { LogFileError } from "../base/errors.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import type { Durability } from "../disk/durability.js";
import type { HandlerEvents, RotationReason, Tell } from "../events/handler-events.js";
import { Failures } from "../events/throttled-reporter.js";
import { lockFilePath } from "../lock/lock-file.js";
import { FORMATS } from "../log-files/compression-formats.js";
import { pathOnDisk } from "../log-files/named-backups.js";
import { listLeftHidden, listPending } from "../log-files/pending-files.js";
import type { Rotator } from "../options/options.js";
import { checkFunctions, checkRotator } from "../options/resolve-options.js";
import type { Limits, ResolvedOptions } from "../options/resolved-options.js";
import type { Environment } from "../platform/environment.js";
import { ArchiveHook } from "./archived/archive-hook.js";
import type { Backups } from "./backups.js";
import { Sweeper } from "./compression/compression-thread.js";
import type { SweepJob } from "./compression/sweep-job.js";
import { type Backup, missingSpace, toFree, toPrune } from "./retention.js";
import { type Rotated, rotate } from "./rotate.js";

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

type Doomed = HandlerEvents["removed"][0];

// For files that were set aside when compression was on, and is off now.
const LEFT_BEHIND = { format: "gzip" } as const;

/** The rotations of one handler: the act itself, what comes after it, and patience when it fails. */
export class Rotation {
  readonly #options: ResolvedOptions;
  readonly #environment: Environment;
  readonly #backups: Backups;
  readonly #tell: Tell;
  readonly #underLock: (body: () => void) => boolean;
  readonly #sweeper: Sweeper;
  readonly #hook: ArchiveHook | undefined;
  readonly #durability: Durability;
  readonly #pruneFailures: Failures;
  #rotator: Rotator | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  readonly #retries = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
  #hasSetAside = false;
  /** A sweep was asked for, and has not ended since. */
  #isSweeping = false;
  /** Rotations that this handler did. */
  count = 0;

  /** @param underLock does something with the lock held; false when the lock could not be had */
  constructor(
    options: ResolvedOptions,
    environment: Environment,
    backups: Backups,
    tell: Tell,
    underLock: (body: () => void) => boolean,
    durability: Durability,
  ) {
    this.#options = options;
    this.#environment = environment;
    this.#backups = backups;
    this.#tell = tell;
    this.#underLock = underLock;
    this.#durability = durability;
    this.#rotator = options.rotator;
    this.#pruneFailures = new Failures((error) => tell("error", error), environment.clock);
    const sweepFailures = new Failures((error) => tell("error", error), environment.clock);
    this.#sweeper = new Sweeper(
      environment,
      () => this.#sweepJob(),
      (event) => tell(event.type, { path: event.path }),
      (type, error) => (type === "error" ? sweepFailures.note(error, error.message) : tell(type, error)),
      () => {
        this.#isSweeping = false;
        this.#prune();
        this.#hook?.start();
      },
    );
    const { onArchived } = options;
    // Rotations rename numbered backups: one that is missed in between would be taken for gone.
    const holdStill = (look: () => void) => {
      if (!("schedule" in options)) return underLock(look);
      look();
      return true;
    };
    if (onArchived !== undefined)
      this.#hook = new ArchiveHook(options, onArchived, environment, () => this.#list(), holdStill, tell);
  }

  get rotator(): Rotator | undefined {
    return this.#rotator;
  }

  /** @throws {LogFileError} `ERR_CLH_OPTION` where a function cannot move the file */
  set rotator(rotator: Rotator | undefined) {
    checkRotator(rotator, this.#options.compression);
    checkFunctions(this.#options.delivery, { rotator });
    this.#rotator = rotator;
  }

  /** False while a failed rotation is not to be tried again yet. */
  get isAllowed(): boolean {
    return this.#environment.clock.monotonic() >= this.#notBefore;
  }

  /**
   * Moves the active file out of the way; true when that was done. A failed rotation costs disk space, never a record.
   * Called with the lock held, and with the file closed by the caller afterwards; {@link tidy} follows when it is
   * released.
   */
  rotate(why: RotationReason): boolean {
    const { filename } = this.#options;
    let rotated: Rotated;
    try {
      this.recover(); // now, while what is left behind is the newest of all
      rotated = this.#move();
    } catch (cause) {
      this.#postpone(cause);
      return false;
    }
    const to = rotated.to === undefined ? undefined : this.#onDisk(rotated.to);
    // The new file that follows brings the log's own directory to the disk.
    if (to !== undefined && dirname(to) !== dirname(filename)) this.#durability.name(to);
    this.count++;
    this.#retries.reset();
    this.#hasSetAside = this.#options.compression !== undefined && to !== undefined;
    this.#tell("rotated", { from: filename, to, reason: why });
    for (const path of rotated.removed) this.#tell("removed", { path: this.#onDisk(path) });
    return true;
  }

  /** Takes in what upstream left when it was killed in a rotation. Called with the lock held. */
  recover(): void {
    const { compression, filename } = this.#options;
    try {
      const extension = compression === undefined ? "" : FORMATS[compression.format].extension;
      for (const path of this.#backups.adopt(extension)) this.#tell("recovered", { path });
    } catch (cause) {
      const message = `Cannot give rotated files of ${filename} that Python's handler left behind their numbers: ${reason(cause)}. ${advice(cause)}They stay as they are until the next rotation.`;
      this.#tell("error", new LogFileError("ERR_CLH_ROTATE", message, { cause, path: filename }));
    }
  }

  /** After a rotation, and when a handler begins: compresses what waits for it, and deletes what has to go. */
  tidy(): void {
    // Retention follows the sweep, when files have the size that they keep; but it does not wait for one without end.
    const isToSweep = this.#hasSetAside || this.#hasWaiting();
    if (this.#isSweeping || !isToSweep) this.#prune();
    else this.#makeRoom(); // a compressed file needs space before its original frees any
    if (isToSweep) {
      this.#isSweeping = true;
      this.#sweeper.start();
    }
    this.noteBackups();
  }

  /**
   * Deletes the oldest backups after a write has failed for want of space, as far as there is less than is to stay free;
   * true when one is gone, so that another attempt is worth while. Called without the lock.
   */
  makesRoomAfter(error: unknown): boolean {
    return hasCode((error as Error).cause ?? error, "ENOSPC", "EDQUOT") && this.#makeRoom();
  }

  /**
   * There may be new backups, of this handler or of others.
   * @param isClosed the handler is, and they are the last that come from it
   */
  noteBackups(isClosed = false): void {
    if (!isClosed) this.#hook?.reopen();
    this.#hook?.start();
  }

  /** Resolves when no sweep that this handler has started is under way, nor a hook. */
  async swept(): Promise<void> {
    await this.#sweeper.idle();
    await this.#hook?.idle();
  }

  /**
   * The handler is closed; what is under way goes on.
   * @param letGo called when that may have opened the lock file again
   */
  close(letGo: () => void): void {
    if (this.#hook === undefined) return;
    this.#hook.close();
    void this.swept().then(letGo);
  }

  #hasWaiting(): boolean {
    const { filename, backupCount } = this.#options;
    if (backupCount === 0) return false; // who keeps no backups deletes none of others either
    try {
      const { fs } = this.#environment;
      const names = fs.readdir(dirname(filename));
      return listPending(fs, filename, names).length > 0 || listLeftHidden(fs, filename, names).length > 0;
    } catch (cause) {
      const message =
        `Cannot look for rotated files of ${filename} that are not compressed yet: ${reason(cause)}. ${advice(cause)}`.trimEnd();
      this.#tell("error", new LogFileError("ERR_CLH_COMPRESS", message, { cause, path: filename }));
      return false;
    }
  }

  /** Deletes the backups that are too many, too old or too large. What cannot be deleted is tried again next time. */
  #prune(): void {
    this.#pruneWhere(() => this.#isLimited() || this.#missing() > 0, this.#options.limits);
  }

  /** Deletes no more backups than the disk needs; true when one is gone. */
  #makeRoom(): boolean {
    return this.#pruneWhere(() => this.#missing() > 0);
  }

  #pruneWhere(mayBeNeeded: () => boolean, limits?: Limits): boolean {
    let count = 0;
    try {
      // A namer is called with the lock held, and nowhere else.
      if (!mayBeNeeded() || (!this.#backups.asksForNames && this.#surplus(limits).length === 0)) return false;
      const body = () => {
        count = this.#delete(this.#surplus(limits));
      };
      // Under the lock: no name means another file by then, and none is there twice, as while it is published.
      if (!this.#underLock(body)) throw new Error("the lock was not free in time");
    } catch (cause) {
      this.#cannotPrune(this.#options.filename, cause);
    }
    return count > 0;
  }

  #isLimited(): boolean {
    const { count, ...others } = this.#options.limits;
    // Rotations keep the number in each format.
    const isCounted = Number.isFinite(count) && !this.#backups.asksForNames;
    return Object.values(others).some(Number.isFinite) || (isCounted && this.#backups.mayBeMoreThan(count));
  }

  /** Bytes that the disk lacks of what is to stay free. */
  #missing(): number {
    const { minFreeBytes, minFreePercent, filename } = this.#options;
    if (minFreeBytes == null && minFreePercent == null) return 0;
    return missingSpace(this.#options, this.#environment.fs.space(dirname(filename)));
  }

  #list(): Backup[] {
    return this.#backups.list(this.#environment.clock.now() / 1000);
  }

  #surplus(limits: Limits | undefined): Doomed[] {
    const now = this.#environment.clock.now() / 1000;
    const backups = this.#list();
    const tooMuch = limits === undefined ? [] : toPrune(backups, limits, now);
    const missing = tooMuch.reduce((bytes, { size }) => bytes - size, this.#missing());
    const inTheWay = toFree(backups.slice(tooMuch.length), missing);
    return [
      ...tooMuch.map(({ path }) => ({ path })),
      ...inTheWay.map(({ path }) => ({ path, reason: "space" as const })),
    ];
  }

  /** Returns how many are gone. */
  #delete(doomed: readonly Doomed[]): number {
    let count = 0;
    for (const backup of doomed) {
      try {
        this.#environment.fs.unlink(backup.path);
        this.#tell("removed", { ...backup, path: this.#onDisk(backup.path) });
        count++;
      } catch (error) {
        if (!hasCode(error, "ENOENT")) this.#cannotPrune(backup.path, error); // ENOENT: another process was quicker
      }
    }
    return count;
  }

  #onDisk(path: string): string {
    return pathOnDisk(this.#environment.fs, path);
  }

  #cannotPrune(backup: string, cause: unknown): void {
    const path = this.#onDisk(backup);
    const message = `Cannot delete old backups of ${this.#options.filename} (${path}): ${reason(cause)}. ${advice(cause)}It is tried again after the next rotation.`;
    this.#pruneFailures.note(new LogFileError("ERR_CLH_PRUNE", message, { cause, path }));
  }

  #move(): Rotated {
    const { filename, backupCount, compression } = this.#options;
    return rotate({
      fs: this.#environment.fs,
      log: filename,
      backupCount,
      backups: this.#backups,
      extension: compression === undefined ? "" : FORMATS[compression.format].extension,
      rotator: this.#rotator,
    });
  }

  #postpone(cause: unknown): void {
    const { filename } = this.#options;
    const retry = this.#retries.next();
    const message =
      `Cannot rotate ${filename}: ${reason(cause)}. ${advice(cause)}Records go on being written to it; ` +
      `the rotation is tried again in ${retry / 1000} s.`;
    this.#tell("error", new LogFileError("ERR_CLH_ROTATE", message, { cause, path: filename }));
    this.#notBefore = this.#environment.clock.monotonic() + retry;
  }

  #sweepJob(): SweepJob {
    const { filename, lockFileDirectory, lockTimeout, chmod, umask, owner, compression, delayCompression } =
      this.#options;
    const { backupName, archiveDirectory } = this.#options;
    return {
      log: filename,
      naming: { backupName, archiveDirectory },
      lockPath: lockFilePath(filename, lockFileDirectory),
      lockTimeout,
      permissions: { chmod, umask, owner },
      publisher: this.#backups.publisher(),
      compression: compression ?? LEFT_BEHIND,
      isDelayed: delayCompression && compression !== undefined,
    };
  }
}
