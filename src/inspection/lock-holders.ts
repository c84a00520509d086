import { isOnNetwork } from "../disk/network-mounts.js";
import type { FileStatus, FileSystem } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";
import { ofdHolders, seesAllProcesses } from "./processes.js";

const LONGEST = 16 * 1024 ** 2;
// What old kernels call a process of another namespace.
const NOBODY_SEEN = 0;
// A lock of an open file, and not of a process: on SMB mounts (F_OFD_SETLK).
const OF_OPEN_FILE = -1;
// "1: FLOCK  ADVISORY  WRITE 1234 fe:00:262145 0 EOF"; one that only waits has "->" behind the number (proc_locks(5)), or
// a lock on a single byte (lock/waiting-line.ts).
const LOCK = /^\d+: (?:FLOCK|POSIX|OFDLCK)\s+\S+\s+WRITE\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) 0 EOF$/gm;

/**
 * Which processes hold a lock on files, as /proc/locks tells. Asking takes no lock, so that nobody is disturbed.
 * Undefined where that is not known: on other systems than Linux, of files on a network file system, which other hosts
 * lock, and when none is seen from within a pid namespace, where the locks of processes outside are left out.
 */
export function lockHolders(fs: FileSystem): (path: string, file: FileStatus) => number[] | undefined {
  const text = readSmallFile(fs, "/proc/locks", LONGEST);
  if (text === undefined) return () => undefined;
  const seesAll = seesAllProcesses(fs);
  const locks = [...text.matchAll(LOCK)].map(([, pid, major, minor, inode]) => ({
    pid: Number(pid),
    inode: Number(inode),
    major: Number.parseInt(major!, 16),
    minor: Number.parseInt(minor!, 16),
  }));
  return (path, file) => {
    const { inode, major, minor } = file.place;
    const same = locks.filter((lock) => lock.inode === inode);
    const exact = same.filter((lock) => lock.major === major && lock.minor === minor);
    // overlayfs and btrfs give a file another device number than their locks.
    const pids = new Set((exact.length > 0 ? exact : same).map(({ pid }) => pid));
    if (pids.has(OF_OPEN_FILE)) return ofdHolders(fs, path);
    const isKnown = pids.size > 0 ? !pids.has(NOBODY_SEEN) : seesAll && !isOnNetwork(fs, path);
    return isKnown ? [...pids] : undefined;
  };
}
