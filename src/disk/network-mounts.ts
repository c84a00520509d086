import { dirname } from "node:path";
import { hasCode } from "../base/system-errors.js";
import type { FileSystem } from "../platform/file-system.js";
import { mountOf, whyUnsafe } from "./mount-table.js";

/** A file system to which other hosts may write as well. */
export interface Network {
  readonly kind: "nfs" | "smb" | "other";
  /** The reason why hosts that write one log there lose records, if one is known. */
  readonly whyUnsafe: string | undefined;
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

/** FUSE has one `f_type` for all that it mounts, most of which is local. */
const FUSE = 0x65735546;

/** FUSE mounts of what other hosts have, by the names that mount(8) has for them. */
const NETWORK_FUSE =
  /^(virtiofs|fuse\.(glusterfs|sshfs|mfs|lizardfs|moosefs|ceph.*|juicefs.*|seaweedfs|rclone|s3fs|gcsfuse|goofys|mountpoint-s3|davfs.*|curlftpfs|smbnetfs|grpcfuse|osxfs|vmhgfs-fuse|blobfuse.*))$/i;

/** The network file system of `path`; undefined where it is local. A path that is yet to be made has that of its directory. */
export function networkOf(fs: FileSystem, path: string): Network | undefined {
  const there = placeOf(fs, path);
  if (there === undefined) return undefined;
  const kind = KINDS.get(there.type);
  if (kind === undefined && there.type !== FUSE) return undefined;
  const mount = mountOf(fs, there.path);
  if (kind === undefined && !NETWORK_FUSE.test(mount?.type ?? "")) return undefined;
  return { kind: kind ?? "other", whyUnsafe: mount && whyUnsafe(fs, mount) };
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
