import type { FileStatus, FileSystem } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";

const LONGEST = 16 * 1024 ** 2;
// "1: FLOCK  ADVISORY  WRITE 1234 fe:00:262145 0 EOF"; one that only waits has "->" behind the number (proc_locks(5)).
const LOCK = /^\d+: (?:FLOCK|POSIX|OFDLCK)\s+\S+\s+WRITE\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /gm;

/**
 * Which processes hold a lock on files, as /proc/locks tells. Asking takes no lock, so that nobody is disturbed.
 * Undefined where the system does not tell (other than Linux).
 */
export function lockHolders(fs: FileSystem): ((file: FileStatus) => number[]) | undefined {
  const text = readSmallFile(fs, "/proc/locks", LONGEST);
  if (text === undefined) return undefined;
  const locks = [...text.matchAll(LOCK)].map(([, pid, major, minor, inode]) => ({
    pid: Number(pid),
    inode: Number(inode),
    major: Number.parseInt(major!, 16),
    minor: Number.parseInt(minor!, 16),
  }));
  return (file) => {
    const { inode, major, minor } = file.place;
    const same = locks.filter((lock) => lock.inode === inode);
    const exact = same.filter((lock) => lock.major === major && lock.minor === minor);
    // overlayfs and btrfs give a file another device number than their locks.
    return [...new Set((exact.length > 0 ? exact : same).map(({ pid }) => pid))];
  };
}
