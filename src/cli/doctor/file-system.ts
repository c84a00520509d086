import { resolve, sep } from "node:path";
import { mountOf, whyUnsafe } from "../../disk/mount-table.js";
import { type Network, networkOf } from "../../disk/network-mounts.js";
import type { FileSystem } from "../../platform/file-system.js";

/** What a directory is on, as far as the system tells. */
export interface KindOfFileSystem {
  readonly kind: "local" | "memory" | "overlay" | "fuse" | "network" | "unknown";
  /** As mount(8) calls it: "ext4", "fuse.sshfs", "nfs4". */
  readonly type: string;
  /** Where it is mounted. */
  readonly mountPoint: string;
  readonly isNetwork: boolean;
  /** The protocol by which other hosts have it, where that is known. */
  readonly server: Network["kind"] | undefined;
  /** A program copies what is in it to other machines. */
  readonly isSynced: boolean;
  /** The reason why hosts that write one log there lose records, if one is known. */
  readonly whyUnsafe: string | undefined;
}

const MEMORY = new Set(["tmpfs", "ramfs"]);
/** Shared, and as coherent as a local disk: nothing else is done with them. */
const CLUSTER = /^(lustre|gfs2|ocfs2|beegfs)$/;
const SYNCED =
  /^(Dropbox|OneDrive.*|Google Drive|GoogleDrive|My Drive|CloudStorage|Mobile Documents|iCloud.*|Nextcloud|ownCloud|pCloud.*|MEGA|Syncthing|Sync)$/i;
const SYNC_MARKS = [".dropbox", ".dropbox.cache", ".stfolder", ".sync", ".owncloudsync.log", ".nextcloudsync.log"];

export function recognise(fs: FileSystem, directory: string): KindOfFileSystem {
  const path = resolve(directory);
  const mount = mountOf(fs, path);
  const type = mount?.type ?? "unknown";
  const server = networkOf(fs, path)?.kind;
  const isNetwork = server !== undefined || CLUSTER.test(type);
  return {
    kind: kindOf(type, isNetwork),
    type,
    mountPoint: mount?.point ?? "unknown",
    isNetwork,
    server,
    isSynced: isSynced(fs, path),
    whyUnsafe: mount && whyUnsafe(fs, mount),
  };
}

function kindOf(type: string, isNetwork: boolean): KindOfFileSystem["kind"] {
  if (isNetwork) return "network";
  if (type === "unknown") return "unknown";
  if (MEMORY.has(type)) return "memory";
  if (type === "overlay") return "overlay";
  return type.startsWith("fuse") ? "fuse" : "local";
}

function isSynced(fs: FileSystem, path: string): boolean {
  const parts = path.split(sep);
  if (parts.some((part) => SYNCED.test(part))) return true;
  const above = parts.map((_, i) => parts.slice(0, i + 1).join(sep) || sep);
  return above.some((directory) => SYNC_MARKS.some((mark) => fs.exists(`${directory}${sep}${mark}`)));
}
