import { hasCode } from "../base/system-errors.js";
import type { Mount } from "../disk/mount.js";
import { O_NOFOLLOW, O_NONBLOCK, O_RDWR } from "../platform/file-system.js";

/**
 * Opens a file that a process keeps locked for as long as it lives, and locks it.
 * @param load makes something of the open file; undefined when it is not what was looked for, and is closed
 * @returns undefined also when the process lives, or when there is no such file
 */
export function openLocked<Loaded>(
  path: string,
  mount: Mount,
  load: (fd: number) => Loaded | undefined,
): Loaded | undefined {
  let fd = mount.unpark(path, "lock");
  const isNew = fd === undefined;
  try {
    fd ??= mount.fs.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    if (isNew) mount.guard(fd, path);
    if (!mount.locks.tryLock(fd, true)) {
      mount.closeInPassing(fd, path, "lock");
      return undefined;
    }
    const loaded = load(fd);
    if (loaded !== undefined) return loaded;
  } catch (error) {
    mount.close(fd);
    if (hasCode(error, "ESTALE")) return undefined; // another host has merged and removed it
    throw error;
  }
  mount.close(fd);
  return undefined;
}
