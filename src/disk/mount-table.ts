import { join, sep } from "node:path";
import { reason } from "../base/system-errors.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";

export interface MountEntry {
  readonly device: string;
  readonly point: string;
  /** As mount(8) calls it: "ext4", "fuse.sshfs", "nfs4". */
  readonly type: string;
  readonly options: readonly string[];
}

const MAX_PROC_FILE_BYTES = 4 * 1024 ** 2;

// Translators and mount options by which a client remembers what another host changes (docs/concepts/locking.md).
const GLUSTER_CACHE = /-(md-cache|open-behind|quick-read|io-cache|read-ahead|write-behind|readdir-ahead)$/;
const GLUSTER_TIMEOUTS = ["attribute-timeout", "entry-timeout"];

/** proc_pid_mountinfo(5). By device, since the path may lead through symbolic links; else by the longest mount point. */
export function mountOf(fs: FileSystem, path: string): MountEntry | undefined {
  const mounts = (readSmallFile(fs, "/proc/self/mountinfo", MAX_PROC_FILE_BYTES) ?? "").split("\n").flatMap(parseMount);
  const status = new FileStatus();
  fs.status(new FilePath(path), status);
  const { major, minor } = status.place;
  const isAbove = ({ point }: MountEntry) =>
    path === point || path.startsWith(point.endsWith(sep) ? point : point + sep);
  const byLength = (a: MountEntry, b: MountEntry) => a.point.length - b.point.length;
  const same = mounts.filter(({ device }) => device === `${major}:${minor}`);
  return same.filter(isAbove).sort(byLength).at(-1) ?? same.at(-1) ?? mounts.filter(isAbove).sort(byLength).at(-1);
}

function parseMount(line: string): MountEntry[] {
  const [own, tail] = line.split(" - ");
  const [, , device, , point, options] = own!.split(" ");
  const [type, , superOptions] = tail?.split(" ") ?? [];
  if (device === undefined || point === undefined || type === undefined) return [];
  const text = point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return [{ device, point: text, type, options: `${options},${superOptions ?? ""}`.split(",") }];
}

/** The reason why hosts that write one log on a mount lose records, if one is known; measured between hosts. */
export function whyUnsafe(fs: FileSystem, { type, options, point }: MountEntry): string | undefined {
  if (type === "fuse.glusterfs") return cachesOfGluster(fs, point);
  if (type === "fuse.sshfs") return "sshfs keeps locks to its own host";
  const found = options.find((option) =>
    /^(nolock|local_lock=(all|flock)|nobrl|mfsnobsdlocks|locallocks|localflocks)$/.test(option),
  );
  if (found !== undefined) return `the mount option ${found} keeps locks to this host`;
  // Two hosts had the lock at once, or nobody got it any more, in three of seven runs; with nolease in none (test:shares).
  const mayCache = /^(cifs|smb3)$/.test(type) && !options.includes("nolease");
  return mayCache ? "without the mount option nolease, Linux may keep a lock on SMB to its own host" : undefined;
}

/** GlusterFS shows in a hidden directory of each mount by which translators and options its client works. */
function cachesOfGluster(fs: FileSystem, point: string): string | undefined {
  const meta = join(point, ".meta");
  try {
    const caches = fs.readdir(join(meta, "graphs", "active")).flatMap((name) => GLUSTER_CACHE.exec(name)?.[1] ?? []);
    const said = readSmallFile(fs, join(meta, "cmdline"), MAX_PROC_FILE_BYTES) ?? "";
    const lasting = GLUSTER_TIMEOUTS.filter((timeout) => !said.includes(`--${timeout}=0`));
    if (caches.length === 0 && lasting.length === 0) return undefined;
    return `GlusterFS hides from a host what others have changed: ${[...caches, ...lasting].join(", ")} must be off`;
  } catch (error) {
    return `whether the caches of GlusterFS are off cannot be seen (${reason(error)})`;
  }
}
