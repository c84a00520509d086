import { hasCode, isError } from "../base/system-errors.js";
import type { Clock } from "../platform/clock.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";

/** A process, as /proc tells; `command` and `since` are left out where this user may not know them. */
export interface ProcessInfo {
  /** Its process id. */
  readonly pid: number;
  /** Its command line, with blanks between the arguments. */
  readonly command?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
}

const LONGEST = 64 * 1024;
// sysconf(_SC_CLK_TCK): a hundred on every Linux.
const TICKS = 100;
const O_ACCMODE = 3;

/** @internal */
export function processInfo(fs: FileSystem, clock: Clock, pid: number): ProcessInfo {
  const command = readSmallFile(fs, `/proc/${pid}/cmdline`, LONGEST)?.split("\0").join(" ").trim();
  // The name, in parentheses, may hold anything; starttime is the 20th field behind it (proc(5)).
  const started = readSmallFile(fs, `/proc/${pid}/stat`, LONGEST)
    ?.replace(/^.*\) /s, "")
    .split(" ")[19];
  const uptime = readSmallFile(fs, "/proc/uptime", LONGEST)?.split(" ")[0];
  return {
    pid,
    ...(command && { command }),
    ...(started && uptime && { since: clock.now() - (Number(uptime) - Number(started) / TICKS) * 1000 }),
  };
}

// Of the namespace that all processes are in (PROC_PID_INIT_INO, linux/proc_ns.h).
const FIRST_PID_NAMESPACE = 0xeffffffc;

/** Whether /proc tells of all processes of this machine: within a pid namespace (a container) it leaves out the others. @internal */
export function seesAllProcesses(fs: FileSystem): boolean {
  const namespace = new FileStatus();
  return fs.status(new FilePath("/proc/self/ns/pid"), namespace) && namespace.place.inode === FIRST_PID_NAMESPACE;
}

/**
 * Processes that have a file open for writing, as far as this user may know; undefined where that is not known: on other
 * systems than Linux, and when none is seen, but there are processes into which this user, or this pid namespace, cannot look.
 * @internal
 */
export function writersOf(fs: FileSystem, path: string): number[] | undefined {
  return openersOf(fs, path, (info) => {
    const flags = /^flags:\s+([0-7]+)/m.exec(info)?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & O_ACCMODE) !== 0;
  });
}

/** Processes that hold a lock on a file by `F_OFD_SETLK`: /proc/locks names none for it (proc_locks(5)). @internal */
export function ofdHolders(fs: FileSystem, path: string): number[] | undefined {
  return openersOf(fs, path, (info) => /^lock:\s.* OFDLCK .* WRITE /m.test(info));
}

/** @param isWanted told what /proc says of an open descriptor, if this user may know it */
function openersOf(fs: FileSystem, path: string, isWanted: (info: string) => boolean): number[] | undefined {
  const file = new FileStatus();
  if (!fs.exists("/proc/self/fd")) return undefined;
  if (!fs.status(new FilePath(path), file)) return [];
  let seesAll = seesAllProcesses(fs);
  const isOpenIn = (pid: number) => {
    const descriptors = descriptorsOf(fs, pid);
    seesAll &&= descriptors !== undefined;
    return (
      descriptors?.some(
        (fd) =>
          leadsTo(fs, `/proc/${pid}/fd/${fd}`, file) &&
          isWanted(readSmallFile(fs, `/proc/${pid}/fdinfo/${fd}`, LONGEST) ?? ""),
      ) === true
    );
  };
  const pids = processIds(fs);
  if (pids === undefined) return undefined;
  const openers = pids.filter(isOpenIn);
  return openers.length > 0 || seesAll ? openers : undefined;
}

/** Undefined where this program may not ask: in Deno, without `--allow-all`. */
function processIds(fs: FileSystem): number[] | undefined {
  try {
    return fs
      .readdir("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch (error) {
    if (isError(error, "NotCapable")) return undefined;
    throw error;
  }
}

/** Undefined of a process that this user may not look into. */
function descriptorsOf(fs: FileSystem, pid: number): string[] | undefined {
  try {
    return fs.readdir(`/proc/${pid}/fd`);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH")) return []; // it has ended
    if (hasCode(error, "EACCES", "EPERM")) return undefined; // another user's
    throw error;
  }
}

function leadsTo(fs: FileSystem, path: string, file: FileStatus): boolean {
  const status = new FileStatus();
  try {
    return fs.status(new FilePath(path), status) && status.isSameFile(file);
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM", "ESRCH", "ENXIO", "ENOTDIR", "ELOOP")) return false;
    throw error;
  }
}
