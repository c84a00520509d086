import { Permissions } from "../../src/disk/permissions.js";
import { FileLock } from "../../src/lock/file-lock.js";
import { LockFile } from "../../src/lock/lock-file.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import type { LockBackend } from "../../src/platform/lock-backend.js";

/** A lock as it should be, or broken in one way, to see that the tests notice. */
export type LockKind = "real" | "no lock" | "never looks again";

export function makeLock(
  path: string,
  kind: LockKind = "real",
  { fs, clock, lockBackend } = systemEnvironment(),
): FileLock {
  const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, () => {});
  const file =
    kind === "never looks again" ? new TrustingLockFile(path, fs, permissions) : new LockFile(path, fs, permissions);
  return new FileLock(file, kind === "no lock" ? noLock : lockBackend, clock);
}

const noLock: LockBackend = { tryLock: () => true, unlock() {} };

class TrustingLockFile extends LockFile {
  override isCurrent(): boolean {
    return true;
  }
}
