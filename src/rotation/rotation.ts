import type { Environment } from "../environment.js";
import { LogFileError, reason } from "../errors.js";
import type { RotationReason, Tell } from "../events.js";
import { lockFilePath } from "../lock/lock-file.js";
import type { ResolvedOptions, Rotator } from "../options.js";
import { checkRotator } from "../resolve-options.js";
import { FORMATS } from "./formats.js";
import { type Namer, numberedName } from "./naming.js";
import { NumberedBackups } from "./numbered-backups.js";
import { listPending, type Rotated, rotate } from "./rotate.js";
import type { SweepJob } from "./sweeper.js";
import { Sweeper } from "./sweeper.js";

const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/** The rotations of one handler: the act itself, what comes after it, and patience when it fails. */
export class Rotation {
  readonly #options: ResolvedOptions;
  readonly #environment: Environment;
  readonly #tell: Tell;
  readonly #backups: NumberedBackups;
  readonly #sweeper: Sweeper;
  #rotator: Rotator | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  #retry = FIRST_RETRY;
  namer: Namer | undefined;
  /** Rotations that this handler did. */
  count = 0;

  constructor(options: ResolvedOptions, environment: Environment, tell: Tell) {
    const { filename, backupCount } = options;
    this.#options = options;
    this.#environment = environment;
    this.#tell = tell;
    this.#rotator = options.rotator;
    this.namer = options.namer;
    this.#backups = new NumberedBackups(environment.fs, backupCount, (n) => numberedName(filename, n, this.namer));
    this.#sweeper = new Sweeper(
      () => this.#sweepJob(),
      (event) => tell(event.type, { path: event.path }),
      (type, error) => tell(type, error),
    );
  }

  get rotator(): Rotator | undefined {
    return this.#rotator;
  }

  set rotator(rotator: Rotator | undefined) {
    checkRotator(rotator, this.#options.compression);
    this.#rotator = rotator;
  }

  /** False while a failed rotation is not to be tried again yet. */
  get isAllowed(): boolean {
    return this.#environment.clock.monotonic() >= this.#notBefore;
  }

  /**
   * Moves the active file out of the way; true when that was done. A failed rotation costs disk space, never a record.
   * Called with the lock held, and with the file closed by the caller afterwards.
   */
  rotate(why: RotationReason): boolean {
    const { filename, compression } = this.#options;
    let rotated: Rotated;
    try {
      rotated = this.#move();
    } catch (cause) {
      this.#postpone(cause);
      return false;
    }
    this.count++;
    this.#retry = FIRST_RETRY;
    this.#tell("rotated", { from: filename, to: rotated.to, reason: why });
    for (const path of rotated.removed) this.#tell("removed", { path });
    if (compression !== undefined) this.#sweeper.start();
    return true;
  }

  /** Finishes what a process that has ended left to be compressed. */
  sweepWaiting(): void {
    const { filename, compression } = this.#options;
    if (compression === undefined) return;
    try {
      if (listPending(this.#environment.fs, filename).length > 0) this.#sweeper.start();
    } catch (cause) {
      const message = `Cannot look for rotated files of ${filename} that are not compressed yet: ${reason(cause)}.`;
      this.#tell("error", new LogFileError("ERR_CLH_COMPRESS", message, { cause, path: filename }));
    }
  }

  /** Resolves when no sweep that this handler has started is under way. */
  swept(): Promise<void> {
    return this.#sweeper.idle();
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
    const message =
      `Cannot rotate ${filename}: ${reason(cause)}. Records go on being written to it; ` +
      `the rotation is tried again in ${this.#retry / 1000} s.`;
    this.#tell("error", new LogFileError("ERR_CLH_ROTATE", message, { cause, path: filename }));
    this.#notBefore = this.#environment.clock.monotonic() + this.#retry;
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY);
  }

  #sweepJob(): SweepJob {
    const { filename, lockFileDirectory, lockTimeout, backupCount, chmod, umask, owner, compression } = this.#options;
    const { namer } = this;
    return {
      log: filename,
      lockPath: lockFilePath(filename, lockFileDirectory),
      lockTimeout,
      permissions: { chmod, umask, owner },
      backupCount,
      names: namer && Array.from({ length: backupCount }, (_, i) => numberedName(filename, i + 1, namer)),
      compression: compression!,
    };
  }
}
