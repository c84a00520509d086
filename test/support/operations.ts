import { appendFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Mount } from "../../src/disk/mount.js";
import { Permissions } from "../../src/disk/permissions.js";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../src/index.js";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../../src/index.js";
import { FileLock } from "../../src/lock/file-lock.js";
import { LockFile, lockFilePath } from "../../src/lock/lock-file.js";
import { hiddenFormPath, sweepLockPath, unfinishedPath } from "../../src/log-files/hidden-names.js";
import { type BackupNaming, namedBackups } from "../../src/log-files/named-backups.js";
import { listPending } from "../../src/log-files/pending-files.js";
import { pendingPath } from "../../src/log-files/pending-names.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { sweep } from "../../src/rotation/compression/sweep.js";
import { NumberedBackups } from "../../src/rotation/numbered-backups.js";
import { rotate } from "../../src/rotation/rotate.js";
import { makeLock } from "./locks.js";
import { type Expected, recordOf } from "./log-oracle.js";
import { Mortal } from "./mortal.js";
import { hiddenPendingPath } from "./older-version.js";

/* What a handler does with its files, each as a thing that can be interrupted anywhere. */

type Handler = ConcurrentRotatingFileHandler | ConcurrentTimedRotatingFileHandler;

/** Whose records wait in a spill, of a process that has died. */
export const SPILLER = "s";

/** A log and its one writer, who says of each record that it is in the file. */
export class Scene {
  readonly log: string;
  readonly writer: string;
  readonly #acknowledge: (writer: string) => void;
  /** Records that were written so far. */
  count = 0;
  /** Records that were left in a spill. */
  spilled = 0;

  /** @param acknowledge told the name of the writer of each record that will be in the log whatever comes */
  constructor(directory: string, writer = "w", acknowledge: (writer: string) => void = () => {}) {
    this.log = join(directory, "app.log");
    this.writer = writer;
    this.#acknowledge = acknowledge;
  }

  write(handler: Handler, records: number): void {
    for (let i = 0; i < records; i++) {
      if (handler.write(recordOf(this.writer, this.count++))) this.#acknowledge(this.writer);
    }
  }

  /** Records of a process that could not have the lock, and has died. */
  leaveSpill(records: number): void {
    const holder = makeLock(lockFilePath(this.log));
    holder.acquire(0);
    const owner = new Mortal();
    const handler = makeHandler(this.log, { options: { lockTimeout: 0 } }, owner.environment);
    handler.on("error", () => {});
    for (let i = 0; i < records; i++) {
      handler.write(recordOf(SPILLER, this.spilled++));
      this.#acknowledge(SPILLER);
    }
    owner.die();
    holder.close();
  }

  /** With a handler of its own, which is closed again. */
  writeWith(options: RotatingFileHandlerOptions, records: number, environment?: Environment): void {
    const handler = makeHandler(this.log, { options }, environment);
    this.write(handler, records);
    handler.close();
  }
}

export interface Operation {
  /** Of the handler that comes after it. */
  readonly options: TimedRotatingFileHandlerOptions;
  readonly isTimed?: boolean;
  readonly limits: Omit<Expected, "acknowledged">;
  /** It finds files that wait under the hidden names of an older version. */
  readonly waitsHidden?: boolean;
  /** Makes what the operation finds. */
  prepare(scene: Scene): void | Promise<void>;
  run(scene: Scene, environment: Environment): void | Promise<void>;
}

export function makeHandler(
  log: string,
  { options, isTimed = false }: Pick<Operation, "options" | "isTimed">,
  environment: Environment = systemEnvironment(),
): Handler {
  return isTimed
    ? new ConcurrentTimedRotatingFileHandler(log, options, environment)
    : new ConcurrentRotatingFileHandler(log, options as RotatingFileHandlerOptions, environment);
}

/** What a handler does when it is started after the end of another, with the compression in this thread. */
export async function restart(scene: Scene, operation: Operation, environment: Environment): Promise<void> {
  const { useGzip, ...options } = operation.options;
  const handler = makeHandler(scene.log, { ...operation, options }, environment);
  const sweepLock = makeLock(sweepLockPath(scene.log));
  sweepLock.tryAcquire();
  scene.write(handler, 1);
  await handler.swept();
  handler.close();
  sweepLock.close();
  if (useGzip) await sweepLog(scene.log, environment, handler.toJSON() as BackupNaming);
}

/** Two records to a file. */
const MAX_BYTES = 100;
/** More than there will be: where a limit is not at stake, it may hide no loss. */
const BACKUPS = 1000;
const SPILLED = 4;
const HEADER = "writer-number-filling";
const GZIP = { maxBytes: MAX_BYTES, backupCount: BACKUPS, useGzip: true };

function byWriting(
  options: RotatingFileHandlerOptions,
  before: number,
  records: number,
  limits: Operation["limits"] = {},
): Operation {
  const { maxTotalBytes: _, useGzip: __, ...plain } = options;
  return {
    options,
    limits: { maxBytes: Number(options.maxBytes ?? Infinity), ...limits },
    prepare: (scene) => scene.writeWith(plain, before),
    run: (scene, environment) => scene.writeWith(options, records, environment),
  };
}

/** Names of the user's own, in a directory of their own. */
const ARCHIVE = { backupName: "{stem}.{n}{ext}", archiveDirectory: "old" };

/** How many seconds before now a log is rotated by time. */
const AGO = 50;
const SECONDLY = { when: "s", backupCount: 100 } as const;

export type OperationName =
  | "append"
  | "rotation by size"
  | "rotation by time"
  | "cascade of 5 backups"
  | "header"
  | "rotation into an archive"
  | "setting aside"
  | "compression"
  | "compression into an archive"
  | "pruning"
  | "merging a spill"
  | "recovery"
  | "recovery of an older version";

export const OPERATIONS: Record<OperationName, Operation> = {
  append: byWriting({}, 2, 3),
  "rotation by size": byWriting({ maxBytes: MAX_BYTES, backupCount: BACKUPS }, 3, 3),
  "rotation by time": {
    options: SECONDLY,
    isTimed: true,
    limits: {},
    prepare: (scene) => writeAt(scene, 100, 2),
    run: (scene, environment) => writeAt(scene, AGO, 2, environment),
  },
  "cascade of 5 backups": byWriting({ maxBytes: MAX_BYTES, backupCount: 5 }, 12, 1, {
    backupCount: 5,
    keeps: 5 * 2 + 1,
  }),
  header: byWriting({ maxBytes: MAX_BYTES + HEADER.length, backupCount: BACKUPS, header: HEADER }, 3, 3, {
    header: HEADER,
  }),
  "rotation into an archive": byWriting({ maxBytes: MAX_BYTES, backupCount: 3, ...ARCHIVE }, 7, 3, {
    backupCount: 3,
    keeps: 3 * 2 + 1,
  }),
  "setting aside": byWriting(GZIP, 2, 1),
  compression: {
    options: GZIP,
    limits: { maxBytes: MAX_BYTES },
    async prepare(scene) {
      setAside(scene);
      await sweepLog(scene.log, systemEnvironment());
      for (let i = 0; i < 2; i++) setAside(scene);
    },
    run: ({ log }, environment) => sweepLog(log, environment),
  },
  "compression into an archive": {
    options: { ...GZIP, ...ARCHIVE },
    limits: { maxBytes: MAX_BYTES },
    async prepare(scene) {
      setAside(scene, ARCHIVE);
      await sweepLog(scene.log, systemEnvironment(), ARCHIVE);
      for (let i = 0; i < 2; i++) setAside(scene, ARCHIVE);
    },
    run: ({ log }, environment) => sweepLog(log, environment, ARCHIVE),
  },
  pruning: byWriting({ maxBytes: MAX_BYTES, backupCount: 10, maxTotalBytes: 300 }, 14, 1, {
    maxTotalBytes: 300,
    keeps: 3 * 2 + 1,
  }),
  "merging a spill": {
    // The merge comes within the write of a record: that one is in the log, and not acknowledged, when the merge is cut off.
    ...byWriting({ maxBytes: MAX_BYTES, backupCount: BACKUPS }, 1, 1, { unfinished: 2 }),
    prepare(scene) {
      scene.writeWith({}, 1);
      scene.leaveSpill(SPILLED);
    },
  },
  recovery: {
    options: { ...GZIP, maxBytes: 1000 },
    limits: { maxBytes: 1000, unfinished: 1 },
    prepare: leaveARuin,
    run: (scene, environment) => restart(scene, OPERATIONS.recovery, environment),
  },
  "recovery of an older version": {
    options: { ...GZIP, maxBytes: 1000 },
    limits: { maxBytes: 1000, unfinished: 1 },
    waitsHidden: true,
    prepare: leaveAnOldRuin,
    run: (scene, environment) => restart(scene, OPERATIONS["recovery of an older version"], environment),
  },
};

export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];

/** So many seconds ago. */
function writeAt(scene: Scene, ago: number, records: number, environment = systemEnvironment()): void {
  const handler = makeHandler(scene.log, { options: SECONDLY, isTimed: true }, before(ago, environment));
  scene.write(handler, records);
  handler.close();
}

function before(seconds: number, environment: Environment): Environment {
  return { ...environment, clock: { ...environment.clock, now: () => Date.now() - seconds * 1000 } };
}

/** Where and when an operation runs. */
export function environmentOf({ isTimed = false }: Operation): Environment {
  return isTimed ? before(AGO, systemEnvironment()) : systemEnvironment();
}

/** Writes a file and rotates it, to be compressed. */
function setAside(scene: Scene, naming: BackupNaming & RotatingFileHandlerOptions = {}): void {
  const { fs } = namedBackups(systemEnvironment(), scene.log, naming);
  scene.writeWith(naming, 2);
  const backups = new NumberedBackups(fs, scene.log, BACKUPS);
  rotate({ fs, log: scene.log, backupCount: BACKUPS, backups, extension: ".gz", rotator: undefined });
}

/** How many whole records there are in a ruin, and what is behind them. */
export const RUIN = { records: 5, cutOff: "w-cut off" };

/** What a sweep that was killed leaves, and a record that is cut off. */
function leaveARuin(scene: Scene): void {
  const { log } = scene;
  setAside(scene);
  setAside(scene);
  const [first] = listPending(systemEnvironment().fs, log);
  const form = pendingPath(log, { ...first!, extension: ".gz" });
  writeFileSync(form, gzipSync(textOfFirst(scene)));
  sameTime(first!.path, form);
  writeFileSync(unfinishedPath(log, first!.sequence + 1, "0123abcd"), gzipSync("cut off").subarray(0, 12));
  scene.writeWith({}, 1);
  appendFileSync(log, RUIN.cutOff);
}

/** The same of a version that let files wait under hidden names, and was killed twice. */
function leaveAnOldRuin(scene: Scene): void {
  const { log } = scene;
  setAside(scene);
  setAside(scene);
  const names = [1, 2].map((sequence) => ({ sequence, place: "0", state: "pending" as const }));
  for (const [i, { path }] of listPending(systemEnvironment().fs, log).entries()) {
    renameSync(path, hiddenPendingPath(log, names[i]!));
  }
  const form = hiddenFormPath(log, { sequence: 1, extension: ".gz" });
  writeFileSync(form, gzipSync(textOfFirst(scene)));
  sameTime(hiddenPendingPath(log, names[0]!), form);
  renameSync(hiddenPendingPath(log, names[0]!), hiddenPendingPath(log, { ...names[0]!, state: "published" }));
  writeFileSync(hiddenFormPath(log, { sequence: 2, extension: ".gz" }), gzipSync("cut off").subarray(0, 12));
  scene.writeWith({}, 1);
  appendFileSync(log, RUIN.cutOff);
}

/** As a file and its compressed form have. */
function sameTime(...paths: string[]): void {
  for (const path of paths) utimesSync(path, 1_700_000_000, 1_700_000_000);
}

function textOfFirst({ writer }: Scene): string {
  return `${recordOf(writer, 0)}\n${recordOf(writer, 1)}\n`;
}

export async function sweepLog(log: string, machine: Environment, naming: BackupNaming = {}): Promise<void> {
  const environment = namedBackups(machine, log, naming);
  const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, () => {});
  const { fs } = environment;
  const mount = new Mount(environment, log);
  const lock = new FileLock(new LockFile(lockFilePath(log), mount, permissions), environment.clock);
  const sweepLock = new LockFile(sweepLockPath(log), mount, permissions);
  const publisher = new NumberedBackups(fs, log, BACKUPS);
  const compression = { format: "gzip" } as const;
  const plan = { fs, log, lock, lockTimeout: 1000, sweepLock, publisher, compression, isDelayed: false };
  await sweep({ ...plan, extension: ".gz" }, () => {});
}
