import type { Clock } from "../platform/clock.js";
import type { Batch, CommitResult } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";

// A merge goes on for so long, or so far, before the caller gets its turn: a spill may be of any size.
const SLICE_MS = 10;
const SLICE_BYTES = 1024 ** 2;

/** As {@link CommitResult}; `unfinished`: the slice is over. `unreadable`: the disk does not give the records back. */
export type MergeResult = CommitResult | "unfinished" | "unreadable";

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
 * Brings a slice of what is left of a spill into the log, and removes the file after the last one. An unreadable file
 * stays, closed.
 */
export function mergeSpill(
  spill: Spill,
  clock: Clock,
  { commit, onFailure, onMerged, onDone }: SpillMerge,
): MergeResult {
  const end = clock.monotonic() + SLICE_MS;
  for (let bytes = 0; !spill.isMerged; ) {
    if (bytes >= SLICE_BYTES || (bytes > 0 && clock.monotonic() >= end)) return "unfinished";
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
    const { count, length } = batch;
    const result = commit(batch);
    onMerged?.(count - batch.count);
    if (result !== "done") return result;
    bytes += length;
  }
  onDone?.();
  try {
    spill.remove();
  } catch (error) {
    onFailure(error); // all of it is merged, which its header says: whoever finds it removes it
  }
  return "done";
}
