import type { Batch, CommitResult } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";

export interface SpillMerge {
  readonly commit: (batch: Batch) => CommitResult;
  /** Told what the disk did not do. */
  readonly onFailure: (cause: unknown) => void;
  /** Told after each commit how many records it has brought into the log. */
  readonly onMerged?: (records: number) => void;
  /** Told when all of it is in the log, before the file is removed. */
  readonly onDone?: () => void;
}

/**
 * Brings what is left of a spill into the log, batch by batch, and removes the file.
 * @returns `unreadable` when the disk does not give the records back; the file stays, closed
 */
export function mergeSpill(
  spill: Spill,
  { commit, onFailure, onMerged, onDone }: SpillMerge,
): CommitResult | "unreadable" {
  while (!spill.isMerged) {
    let batch: Batch | undefined;
    try {
      batch = spill.next();
    } catch (error) {
      onFailure(error);
      return "failed";
    }
    if (batch === undefined) {
      onFailure(new Error(`${spill.path} cannot be read`));
      spill.close();
      return "unreadable";
    }
    const { count } = batch;
    const result = commit(batch);
    onMerged?.(count - batch.count);
    if (result !== "done") return result;
  }
  onDone?.();
  try {
    spill.remove();
  } catch (error) {
    onFailure(error); // all of it is merged, which its header says: whoever finds it removes it
  }
  return "done";
}
