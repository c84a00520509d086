import { systemEnvironment } from "../../src/platform/environment.js";
import { FilePath, FileStatus, type FileSystem, O_NOFOLLOW } from "../../src/platform/file-system.js";
import type { LockBackend } from "../../src/platform/lock-backend.js";
import { systemError } from "./environment.js";

/**
 * This machine's file system and locks with the manners of Windows, as Node before 22 meets them: a deleted file keeps
 * its name until everybody has closed it, nothing is renamed over another file, a locked file is read and written by
 * its locker alone (Wine does not do this), a descriptor that only reads cannot be synchronised.
 */
export function windowsLike(): { fs: FileSystem; lockBackend: LockBackend } {
  const { fs, lockBackend } = systemEnvironment();
  const open = new Map<number, { identity: string; isReadOnly: boolean }>();
  const doomed = new Map<string, string>();
  const lockedBy = new Map<string, number>();

  const identityAt = (path: string): string | undefined => {
    const status = new FileStatus();
    return fs.linkStatus(new FilePath(path), status) ? identityOf(status) : undefined;
  };
  const notDoomed = (path: string, syscall: string): void => {
    const identity = identityAt(path);
    if (identity !== undefined && doomed.has(identity)) throw systemError("EPERM", syscall);
  };
  const notLocked = (fd: number, syscall: string): void => {
    const locker = lockedBy.get(open.get(fd)!.identity);
    if (locker !== undefined && locker !== fd) throw systemError("EBUSY", syscall);
  };
  const unlocked = (fd: number): void => {
    const { identity } = open.get(fd)!;
    if (lockedBy.get(identity) === fd) lockedBy.delete(identity);
  };
  const rename = (from: string, to: string): void => {
    notDoomed(from, "rename");
    if (fs.exists(to)) throw systemError("EPERM", "rename");
    fs.rename(from, to);
  };
  const ask = (call: (path: FilePath, into: FileStatus) => boolean) => (path: FilePath, into: FileStatus) => {
    notDoomed(path.text, "stat");
    return call(path, into);
  };

  const windowsFs: FileSystem = {
    ...fs,
    open(path, flags, mode) {
      notDoomed(path, "open");
      const fd = fs.open(path, flags & ~O_NOFOLLOW, mode);
      const status = new FileStatus();
      fs.statusOfOpen(fd, status);
      open.set(fd, { identity: identityOf(status), isReadOnly: (flags & 3) === 0 });
      return fd;
    },
    close(fd) {
      unlocked(fd);
      const { identity } = open.get(fd)!;
      open.delete(fd);
      fs.close(fd);
      const path = doomed.get(identity);
      if (path === undefined || isOpen(identity)) return;
      doomed.delete(identity);
      fs.unlink(path);
    },
    unlink(path) {
      notDoomed(path, "unlink");
      const identity = identityAt(path);
      if (identity !== undefined && isOpen(identity)) doomed.set(identity, path);
      else fs.unlink(path);
    },
    rename,
    renameNew(from, to) {
      if (fs.exists(to)) throw systemError("EEXIST", "rename");
      rename(from, to);
    },
    status: ask(fs.status),
    linkStatus: ask(fs.linkStatus),
    statusWithTime: ask(fs.statusWithTime),
    read(fd, ...rest) {
      notLocked(fd, "read");
      return fs.read(fd, ...rest);
    },
    write(fd, ...rest) {
      notLocked(fd, "write");
      return fs.write(fd, ...rest);
    },
    writeAt(fd, ...rest) {
      notLocked(fd, "write");
      fs.writeAt(fd, ...rest);
    },
    fsync(fd) {
      if (open.get(fd)!.isReadOnly) throw systemError("EPERM", "fsync");
      fs.fsync(fd);
    },
  };
  const isOpen = (identity: string) => [...open.values()].some((other) => other.identity === identity);
  return {
    fs: windowsFs,
    lockBackend: {
      tryLock(fd, isRead) {
        if (!lockBackend.tryLock(fd)) return false;
        if (!isRead) lockedBy.set(open.get(fd)!.identity, fd);
        return true;
      },
      unlock(fd) {
        unlocked(fd);
        lockBackend.unlock(fd);
      },
    },
  };
}

function identityOf(status: FileStatus): string {
  const bytes = Buffer.alloc(16);
  status.writeIdentity(bytes, 0);
  return bytes.toString("hex");
}
