import { basename, dirname } from "node:path";
import { hasCode } from "../base/system-errors.js";
import { beneath } from "../log-files/named-backups.js";
import type { Environment } from "../platform/environment.js";
import { type FileStatus, type FileSystem, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../platform/file-system.js";
import type { LockBackend } from "../platform/lock-backend.js";
import { type Network, networkOf } from "./network-mounts.js";

const OPEN_FILES = "/proc/self/fd";

/** The purpose for which a descriptor was opened. */
type Use = "lock" | "read";

interface Kept {
  /** Descriptors that must not be closed yet, by path. */
  readonly parked: Readonly<Record<Use, Map<string, number[]>>>;
  /** Maps a descriptor that is locked to the one that {@link Mount.guard} has opened with it. */
  readonly guards: Map<number, number>;
}

/** All mounts of a thread share what its file system keeps open. */
const keptOf = new WeakMap<FileSystem, Kept>();

/**
 * The file system that a file is on: how files are locked, and let go, there. It is asked for what it is once, when that is
 * first needed.
 *
 * On SMB mounts of Linux, the lock of a file is released on the server when its process closes any descriptor of that file
 * (cifs.ko, `smb2_unlock_range`). So descriptors are kept there which are closed elsewhere.
 */
export class Mount {
  readonly fs: FileSystem;
  readonly #environment: Pick<Environment, "fs" | "lockBackend" | "smbLocks">;
  readonly #path: string;
  readonly #kept: Kept;
  #network: Network | undefined;
  #locks: LockBackend | undefined;

  /** @param path of a file on it, or of one that is yet to be made */
  constructor(environment: Pick<Environment, "fs" | "lockBackend" | "smbLocks">, path: string) {
    this.fs = environment.fs;
    this.#environment = environment;
    this.#path = path;
    const fs = beneath(this.fs);
    this.#kept = keptOf.get(fs) ?? { parked: { lock: new Map(), read: new Map() }, guards: new Map() };
    keptOf.set(fs, this.#kept);
  }

  /** The mount of another file: this one where both are in one directory. */
  at(path: string): Mount {
    return dirname(path) === dirname(this.#path) ? this : new Mount(this.#environment, path);
  }

  /** The kind of network file system; undefined when no other host can write there, as far as the mount tells. */
  get network(): Network | undefined {
    this.#ask();
    return this.#network;
  }

  /** True when other hosts may write there as well. */
  get isRemote(): boolean {
    return this.network !== undefined;
  }

  /** The reason why hosts that write one log there lose records, if one is known. */
  get whyUnsafe(): string | undefined {
    const { smbLocks } = this.#environment;
    if (this.network?.kind === "smb" && smbLocks === undefined && process.platform === "linux")
      return "on SMB mounts, locks are safe on 64-bit Linux only";
    return this.network?.whyUnsafe;
  }

  /** How files are locked there. */
  get locks(): LockBackend {
    return this.#locks ?? this.#ask();
  }

  /** True where the lock of a file ends when its process closes another descriptor of that file. */
  get releasesByClose(): boolean {
    return this.locks === this.#environment.smbLocks;
  }

  /**
   * Called before a file is locked. A host that alone has a file of SMB open in one way was seen to confuse the locks of two of
   * its processes; a second open, of another kind, prevented it. Locks that stay on the host want `nolease` all the same.
   */
  guard(fd: number, path: string): void {
    if (this.releasesByClose) this.#kept.guards.set(fd, this.fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  }

  /**
   * Locks what many hosts append to, once it is open. From a client of NFS that was cut off, and has lost its locks, the server
   * then takes no more writes; and one of SMB asks the server for the file, of which it may remember an earlier length, or
   * another one of that name.
   * @param into filled anew, when something was locked
   * @returns false when another host, which also believes to hold the lock of the log, has it open
   */
  claim(fd: number, into: FileStatus): boolean {
    if (this.network?.kind !== "nfs" && !this.releasesByClose) return true;
    if (!this.locks.tryLock(fd, true)) return false;
    this.fs.statusOfOpen(fd, into);
    return true;
  }

  /** Closes a file that is locked, or that nobody in this process has locked. */
  close(fd: number): void {
    const guard = this.#kept.guards.get(fd);
    this.#kept.guards.delete(fd);
    if (guard !== undefined) this.fs.close(guard);
    this.fs.close(fd);
  }

  /** Closes a file that is not locked, unless this process has it open, and maybe locked, by another descriptor. */
  closeInPassing(fd: number, path: string, use: Use): void {
    if (!this.releasesByClose || !this.#isOpenElsewhere(fd, path)) this.close(fd);
    else this.park(fd, path, use);
  }

  /** Keeps `fd` open for {@link unpark}. */
  park(fd: number, path: string, use: Use): void {
    this.#kept.parked[use].set(path, [...(this.#kept.parked[use].get(path) ?? []), fd]);
  }

  /** A descriptor that was parked. */
  unpark(path: string, use: Use): number | undefined {
    const fds = this.#kept.parked[use].get(path);
    const fd = fds?.pop();
    if (fds?.length === 0) this.#kept.parked[use].delete(path);
    return fd;
  }

  /** Closes all that was parked of a file; the caller has locked it, or has deleted it. */
  closeParked(path: string): void {
    for (const use of ["lock", "read"] as const)
      for (let fd = this.unpark(path, use); fd !== undefined; fd = this.unpark(path, use)) this.close(fd);
  }

  #ask(): LockBackend {
    if (this.#locks === undefined) {
      const { lockBackend, smbLocks } = this.#environment;
      this.#network = networkOf(this.fs, this.#path);
      this.#locks = this.#network?.kind === "smb" && smbLocks !== undefined ? smbLocks : lockBackend;
    }
    return this.#locks;
  }

  /** Compares names, since a process may have thousands of files open, and to ask each for its inode takes long. */
  #isOpenElsewhere(fd: number, path: string): boolean {
    const own = [fd, this.#kept.guards.get(fd)].map(String);
    return this.fs.readdir(OPEN_FILES).some((other) => {
      try {
        return !own.includes(other) && basename(this.fs.readlink(`${OPEN_FILES}/${other}`)) === basename(path);
      } catch (error) {
        if (!hasCode(error, "ENOENT")) throw error;
        return false; // closed since
      }
    });
  }
}
