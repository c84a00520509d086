import { sep } from "node:path";
import { FilePath, FileStatus, type FileSystem } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";

interface Mount {
  readonly device: string;
  readonly point: string;
  /** As mount(8) calls it: "ext4", "fuse.sshfs", "nfs4". */
  readonly type: string;
  readonly options: readonly string[];
}

const LONGEST = 4 * 1024 ** 2;

/** proc_pid_mountinfo(5). By device, since the path may lead through symbolic links; else by the longest mount point. */
export function mountOf(fs: FileSystem, path: string): Mount | undefined {
  const mounts = (readSmallFile(fs, "/proc/self/mountinfo", LONGEST) ?? "").split("\n").flatMap(parseMount);
  const status = new FileStatus();
  fs.status(new FilePath(path), status);
  const { major, minor } = status.place;
  const isAbove = ({ point }: Mount) => path === point || path.startsWith(point.endsWith(sep) ? point : point + sep);
  const byLength = (a: Mount, b: Mount) => a.point.length - b.point.length;
  const same = mounts.filter(({ device }) => device === `${major}:${minor}`);
  return same.filter(isAbove).sort(byLength).at(-1) ?? same.at(-1) ?? mounts.filter(isAbove).sort(byLength).at(-1);
}

function parseMount(line: string): Mount[] {
  const [own, tail] = line.split(" - ");
  const [, , device, , point, options] = own!.split(" ");
  const [type, , superOptions] = tail?.split(" ") ?? [];
  if (device === undefined || point === undefined || type === undefined) return [];
  const text = point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return [{ device, point: text, type, options: `${options},${superOptions ?? ""}`.split(",") }];
}

/** The reason why a mount keeps locks to its own host though it grants them, if one is known; measured between hosts. */
export function lyingLocks(type: string, options: readonly string[]): string | undefined {
  if (type === "fuse.sshfs") return "sshfs keeps locks to its own host";
  const found = options.find((option) =>
    /^(nolock|local_lock=(all|flock)|nobrl|mfsnobsdlocks|locallocks|localflocks)$/.test(option),
  );
  if (found !== undefined) return `the mount option ${found} keeps locks to this host`;
  // Two hosts had the lock at once, or nobody got it any more, in three of seven runs; with nolease in none (test:shares).
  const mayCache = /^(cifs|smb3)$/.test(type) && !options.includes("nolease");
  return mayCache ? "without the mount option nolease, Linux may keep a lock on SMB to its own host" : undefined;
}
