import { Mount } from "../../src/disk/mount.js";
import { Permissions } from "../../src/disk/permissions.js";
import { FileLock } from "../../src/lock/file-lock.js";
import { LockFile } from "../../src/lock/lock-file.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import type { LockBackend } from "../../src/platform/lock-backend.js";

/** A lock as it should be, or broken in one way, to see that the tests notice. */
export type LockKind = "real" | "no lock" | "never looks again";

export function makeLock(path: string, kind: LockKind = "real", environment = systemEnvironment()): FileLock {
  const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, () => {});
  const mount = new Mount(kind === "no lock" ? { ...environment, lockBackend: noLock } : environment, path);
  const file =
    kind === "never looks again"
      ? new TrustingLockFile(path, mount, permissions)
      : new LockFile(path, mount, permissions);
  return new FileLock(file, environment.clock);
}

const noLock: LockBackend = { tryLock: () => true, unlock() {} };

class TrustingLockFile extends LockFile {
  override isCurrent(): boolean {
    return true;
  }
}
