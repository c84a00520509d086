import type { LogFileError } from "../base/errors.js";
import type { Counts } from "./stats.js";

/** How a writer differs from one that writes every record of its handler. */
export interface WriterRole {
  /**
   * Another thread writes, and this writer only when that thread is lost: it never empties the file for `mode: "w"`, does
   * not rotate an idle log, and merges no orphans before `takeOver`.
   */
  readonly isStandby?: boolean;
  /** False: the writer is no lasting one, and its settings are its own. */
  readonly leavesSettings?: boolean;
  /** Told when the writer begins. */
  readonly warning?: LogFileError | undefined;
}

/** A writer in another thread that writes in place of a standby. */
export interface RemoteWriter {
  readonly counts: Counts;
  whenSwept(): Promise<void>;
}
