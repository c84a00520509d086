import { resolve, sep } from "node:path";
import { isOnNetwork } from "../../disk/network-mounts.js";
import { FilePath, FileStatus, type FileSystem } from "../../platform/file-system.js";
import { readSmallFile } from "../../platform/small-file.js";
import { lyingLocks } from "./lying-locks.js";

/** What a directory is on, as far as the system tells. */
export interface KindOfFileSystem {
  readonly kind: "local" | "memory" | "overlay" | "fuse" | "network" | "unknown";
  /** As mount(8) calls it: "ext4", "fuse.sshfs", "nfs4". */
  readonly type: string;
  /** Where it is mounted. */
  readonly mountPoint: string;
  readonly isNetwork: boolean;
  /** A program copies what is in it to other machines. */
  readonly isSynced: boolean;
  /** Why its locks keep out this host's processes only, if that is known; then two hosts write at once. */
  readonly lyingLocks: string | undefined;
}

interface Mount {
  readonly device: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

const LONGEST = 4 * 1024 ** 2;
const MEMORY = new Set(["tmpfs", "ramfs"]);
const NETWORK =
  /^(nfs4?|cifs|smb3|9p|ceph|afs|lustre|gfs2|ocfs2|beegfs|glusterfs)$|^fuse\.(sshfs|glusterfs|mfs|rclone|s3fs|gcsfuse|juicefs|davfs)/;
const SYNCED =
  /^(Dropbox|OneDrive.*|Google Drive|GoogleDrive|My Drive|CloudStorage|Mobile Documents|iCloud.*|Nextcloud|ownCloud|pCloud.*|MEGA|Syncthing|Sync)$/i;
const SYNC_MARKS = [".dropbox", ".dropbox.cache", ".stfolder", ".sync", ".owncloudsync.log", ".nextcloudsync.log"];

export function recognise(fs: FileSystem, directory: string): KindOfFileSystem {
  const path = resolve(directory);
  const mount = mountOf(fs, path);
  const type = mount?.type ?? "unknown";
  const isNetwork = isOnNetwork(fs, path) || NETWORK.test(type);
  return {
    kind: kindOf(type, isNetwork),
    type,
    mountPoint: mount?.point ?? "unknown",
    isNetwork,
    isSynced: isSynced(fs, path),
    lyingLocks: lyingLocks(type, mount?.options ?? []),
  };
}

function kindOf(type: string, isNetwork: boolean): KindOfFileSystem["kind"] {
  if (isNetwork) return "network";
  if (type === "unknown") return "unknown";
  if (MEMORY.has(type)) return "memory";
  if (type === "overlay") return "overlay";
  return type.startsWith("fuse") ? "fuse" : "local";
}

/** proc_pid_mountinfo(5). By device, since the path may lead through symbolic links; else by the longest mount point. */
function mountOf(fs: FileSystem, path: string): Mount | undefined {
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

function isSynced(fs: FileSystem, path: string): boolean {
  const parts = path.split(sep);
  if (parts.some((part) => SYNCED.test(part))) return true;
  const above = parts.map((_, i) => parts.slice(0, i + 1).join(sep) || sep);
  return above.some((directory) => SYNC_MARKS.some((mark) => fs.exists(`${directory}${sep}${mark}`)));
}
