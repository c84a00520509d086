import type { OnLockTimeout } from "../options/options.js";
import type { Batch } from "../records/batch.js";
import type { LogWriter } from "../writer/log-writer.js";

/** How records get from a handler to its file. */
export interface Delivery {
  /**
   * Takes over the records of `batch`, which is the caller's again on return. Delivery `sync`: true when all of them are
   * in the file. The others: false when so many wait that the caller should pause, until the event `drain`.
   */
  push(batch: Batch): boolean;
  /**
   * Where one record of at most so many bytes may be put in place of {@link push}; {@link filled} follows. Undefined when
   * there is no such place. The same object each time.
   */
  reserve(longest: number): Place | undefined;
  /** The place that was reserved has a record of `length` bytes now. Returns what `push` would. */
  filled(length: number): boolean;
  /** As {@link push}, without writing anything yet. */
  keep(batch: Batch): void;
  /** Records that are not in the file yet. */
  readonly pending: number;
  /** True from when {@link push} asks for a pause until the event `drain`. */
  readonly needsDrain: boolean;
  /**
   * Resolves when the last record that was pushed is in the file; rejects with `ERR_CLH_FLUSH` when it cannot be, and with
   * the reason of `signal` when that is aborted before. Then what waits is written all the same.
   */
  written(signal?: AbortSignal): Promise<void>;
  /** As {@link written}, of everything that was pushed before. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Writes what can be written, now; true when nothing is pending. */
  flushSync(): boolean;
  /** Lets go of what it holds, after {@link flushSync}; a record that is pushed later takes it again. */
  close(): void;
}

export interface Place {
  readonly bytes: Buffer;
  readonly start: number;
}

/** The part of a {@link LogWriter} that a delivery uses. */
export type DeliveryWriter = Pick<
  LogWriter,
  | "options"
  | "clock"
  | "events"
  | "commit"
  | "isLockedHere"
  | "markerOf"
  | "noteDrop"
  | "noteLoss"
  | "noteLockTimeout"
  | "createSpill"
  | "adoptSpill"
  | "noteSpillFailure"
>;

/** The part of it that a queue uses, wherever its records go. */
export type QueueOwner = Pick<DeliveryWriter, "clock" | "events" | "markerOf" | "noteDrop" | "noteLoss"> & {
  /** `filename`: where the records go, as people are told. */
  readonly options: Pick<DeliveryWriter["options"], "filename" | "lockTimeout">;
};

/** Delays between tries of a disk that fails. */
export const FIRST_RETRY_MS = 10;
export const LONGEST_RETRY_MS = 1000;

/** What becomes of records when the lock was not free in time. */
export const TIMED_OUT: Readonly<Record<OnLockTimeout, string>> = {
  spill: "Records wait beside the log and are merged into it.",
  wait: "It is waited for.",
  throw: "The record was not written, and is not kept.",
};
