import { dirname } from "node:path";
import { hasCode } from "../base/errors.js";
import type { FileSystem } from "../platform/file-system.js";

/** `f_type` of statfs(2) (linux/magic.h). FUSE is not among them: most of what it mounts is local. */
const NETWORK_TYPES = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2 and 3
  0x01021997, // 9p
  0x00c36400, // Ceph
  0x5346414f, // AFS
]);

/** Whether other hosts may write the log as well, as far as its file system tells. Asks of what is there of its path. */
export function isOnNetwork(fs: FileSystem, log: string): boolean {
  for (let path = log; ; path = dirname(path)) {
    try {
      return NETWORK_TYPES.has(fs.fileSystemType(path) >>> 0);
    } catch (error) {
      // ENOENT: it is yet to be made. Anything else will be met, and told, when the file is opened.
      if (!hasCode(error, "ENOENT") || dirname(path) === path) return false;
    }
  }
}
