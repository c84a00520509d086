import type { LockFile } from "../lock/lock-file.js";
import type { Namer } from "../log-files/backup-names.js";
import type { Backups } from "./backups.js";
import type { Trigger } from "./trigger.js";

/** What makes a handler the one it is: when it rotates, and what becomes of the file. */
export interface Policy {
  readonly trigger: Trigger;
  readonly backups: Backups;
}

/** What a policy may ask the handler for. */
export interface PolicyContext {
  readonly lockFile: LockFile;
  readonly namer: () => Namer | undefined;
}
