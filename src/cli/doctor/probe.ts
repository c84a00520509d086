import { join } from "node:path";
import { hasCode } from "../../base/system-errors.js";
import { Mount } from "../../disk/mount.js";
import { Permissions } from "../../disk/permissions.js";
import { FileLock, withLock } from "../../lock/file-lock.js";
import { LockFile } from "../../lock/lock-file.js";
import type { Environment } from "../../platform/environment.js";
import {
  closing,
  FileStatus,
  type FileSystem,
  O_APPEND,
  O_NOFOLLOW,
  O_RDWR,
  O_WRONLY,
} from "../../platform/file-system.js";
import { readUpTo } from "../../platform/small-file.js";

/* What the processes of `clh doctor` do in a directory, with the lock, the appends and the renames of the handlers. */

const WAIT = 30_000;
const LONGEST = 16 * 1024 ** 2;
const VISITS = 3;
const SYNCS = 5;

const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, () => {});

export function probeLock(environment: Environment, directory: string): FileLock {
  return lockAt(environment, lockPath(directory));
}

export function lockAt(environment: Environment, path: string): FileLock {
  return new FileLock(lockFileAt(environment, path), environment.clock);
}

function lockFileAt(environment: Environment, path: string): LockFile {
  return new LockFile(path, new Mount(environment, path), permissions);
}

/** What is locked in `directory`. */
function lockPath(directory: string): string {
  return join(directory, ".__probe.lock");
}

/** Takes the lock and keeps it until the returned function is called; undefined when it is not free. */
export function hold(environment: Environment, directory: string): (() => void) | undefined {
  const file = lockFileAt(environment, lockPath(directory));
  if (file.tryLock()) return () => file.close();
  file.close();
  return undefined;
}

/** Asks for the lock as one that waits for it does, who then closes the lock file. */
export function visit(environment: Environment, directory: string): void {
  for (let times = 0; times < VISITS; times++) hold(environment, directory)?.();
}

/** Locks a file that others may read meanwhile, until the returned function is called; undefined when it is locked already. */
export function holdReadable(environment: Environment, path: string): (() => void) | undefined {
  const mount = new Mount(environment, path);
  const fd = openProbe(mount.fs, path, O_RDWR);
  mount.guard(fd, path);
  if (mount.locks.tryLock(fd, true)) return () => mount.close(fd);
  mount.close(fd);
  return undefined;
}

/** Opens, as a handler would, what is no other file by a link that somebody has put there. */
export function openProbe(fs: FileSystem, path: string, flags: number, status = new FileStatus()): number {
  const { fd } = permissions.open(fs, { path, flags: flags | O_NOFOLLOW, mode: 0o600 }, status);
  if (status.links <= 1) return fd;
  fs.close(fd);
  throw new Error(`${path} has ${status.links} names: somebody else has put it there`);
}

/** Opens it as a handler opens a log that other hosts write. Called with the lock held. */
function openShared(environment: Environment, path: string, flags: number): number {
  const status = new FileStatus();
  const fd = openProbe(environment.fs, path, flags, status);
  if (new Mount(environment, path).claim(fd, status)) return fd;
  environment.fs.close(fd);
  throw new Error(`another host has ${path} open, though the lock is held here`);
}

/** Adds one to the number in a file, `times` times, each under the lock: of two that do so at once, one is lost. */
export function count(environment: Environment, directory: string, times: number): void {
  const { fs } = environment;
  const lock = probeLock(environment, directory);
  const path = join(directory, "counter");
  for (let i = 0; i < times; i++) {
    const isLocked = withLock(lock, WAIT, () => {
      closing(fs, openShared(environment, path, O_RDWR), (fd) => {
        const bytes = Buffer.alloc(16);
        const number = Number(bytes.toString("latin1", 0, fs.read(fd, bytes, 0, bytes.length, 0)).trim());
        fs.writeAt(fd, Buffer.from(String(number + 1).padStart(bytes.length)), 0);
        fs.fsync(fd);
      });
    });
    if (!isLocked) throw new Error(`the lock was not free within ${WAIT} ms`);
  }
  lock.close();
}

export function countedTo({ fs }: Environment, directory: string): number {
  return Number(readUpTo(fs, join(directory, "counter"), LONGEST).toString());
}

/** A line that can be told from any other, and from a part of one. */
function probeLine(writer: string, number: number): string {
  return `${`${writer} ${number} `.padEnd(200, "x")}.`;
}

/** Appends lines, each with one write, to what a handler would open: with the lock held, as one that other hosts write. */
export function append(
  environment: Environment,
  path: string,
  writer: string,
  [first, last]: readonly [number, number],
  isShared = false,
): void {
  const { fs } = environment;
  const flags = O_WRONLY | O_APPEND;
  closing(fs, isShared ? openShared(environment, path, flags) : openProbe(fs, path, flags), (fd) => {
    for (let number = first; number <= last; number++) {
      const bytes = Buffer.from(`${probeLine(writer, number)}\n`);
      const written = fs.write(fd, bytes, 0, bytes.length);
      if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were taken`);
    }
    if (isShared) fs.fsync(fd);
  });
}

/** Milliseconds that it takes to bring a record to the disk: the middle of several. */
export function timeOfSync({ fs, clock }: Environment, directory: string): number {
  const times = closing(fs, openProbe(fs, join(directory, "synced"), O_WRONLY | O_APPEND), (fd) =>
    Array.from({ length: SYNCS }, () => {
      const bytes = Buffer.from(probeLine("w", 1));
      fs.write(fd, bytes, 0, bytes.length);
      const begin = clock.monotonic();
      fs.fsync(fd);
      return clock.monotonic() - begin;
    }),
  );
  return times.sort((a, b) => a - b)[SYNCS >> 1]!;
}

/** Whose line comes first in an open file; undefined when it was deleted on another host, and is not known any more. */
export function readProbe(fs: FileSystem, fd: number): string | undefined {
  const bytes = Buffer.alloc(probeLine("", 1).length);
  try {
    return bytes.toString("latin1", 0, fs.read(fd, bytes, 0, bytes.length, 0)).split(" ")[0];
  } catch (error) {
    if (!hasCode(error, "ESTALE")) throw error;
    return undefined;
  }
}

/** How many of the lines of these writers, each with `count` of them, are not there exactly once; others count too. */
export function wrongLines({ fs }: Environment, path: string, writers: readonly string[], lines: number): number {
  const expected = new Set(
    writers.flatMap((writer) => Array.from({ length: lines }, (_, i) => probeLine(writer, i + 1))),
  );
  const found = readUpTo(fs, path, LONGEST).toString("latin1").split("\n").filter(Boolean);
  return expected.size - new Set(found.filter((line) => expected.has(line))).size + found.length - new Set(found).size;
}
