import { dirname } from "node:path";
import { hasCode } from "../base/system-errors.js";
import type { FileSystem } from "../platform/file-system.js";
import { lyingLocks, mountOf } from "./mount-table.js";

/** What other hosts may write to as well. */
export interface Network {
  readonly kind: "nfs" | "smb" | "other";
  /** Why its locks keep out this host's processes only, if that is known; then two hosts write at once. */
  readonly lyingLocks: string | undefined;
}

/** By `f_type` of statfs(2) (linux/magic.h). */
const KINDS: ReadonlyMap<number, Network["kind"]> = new Map([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xff534d42, "smb"], // CIFS
  [0xfe534d42, "smb"], // SMB 2 and 3
  [0x01021997, "other"], // 9p
  [0x00c36400, "other"], // Ceph
  [0x5346414f, "other"], // AFS
]);

/** Says nothing of what is mounted: most of that is local. */
const FUSE = 0x65735546;

/** FUSE mounts of what other hosts have, by the names that mount(8) has for them. */
const NETWORK_FUSE =
  /^(virtiofs|fuse\.(glusterfs|sshfs|mfs|lizardfs|moosefs|ceph.*|juicefs.*|seaweedfs|rclone|s3fs|gcsfuse|goofys|mountpoint-s3|davfs.*|curlftpfs|smbnetfs|grpcfuse|osxfs|vmhgfs-fuse|blobfuse.*))$/i;

/** What the file system of `path` is, if other hosts may write there as well. Asks of what is there of the path. */
export function networkOf(fs: FileSystem, path: string): Network | undefined {
  const there = placeOf(fs, path);
  if (there === undefined) return undefined;
  const kind = KINDS.get(there.type);
  if (kind === undefined && there.type !== FUSE) return undefined;
  const mount = mountOf(fs, there.path);
  if (kind === undefined && !NETWORK_FUSE.test(mount?.type ?? "")) return undefined;
  return { kind: kind ?? "other", lyingLocks: mount && lyingLocks(mount.type, mount.options) };
}

export function isOnNetwork(fs: FileSystem, path: string): boolean {
  return networkOf(fs, path) !== undefined;
}

function placeOf(fs: FileSystem, log: string): { path: string; type: number } | undefined {
  for (let path = log; ; path = dirname(path)) {
    try {
      return { path, type: fs.fileSystemType(path) >>> 0 };
    } catch (error) {
      // ENOENT: it is yet to be made. Anything else will be met, and told, when the file is opened.
      if (!hasCode(error, "ENOENT") || dirname(path) === path) return undefined;
    }
  }
}
