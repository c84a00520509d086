import type { News, Tell } from "../events/handler-events.js";
import type { OnLockTimeout } from "../options/options.js";
import type { Clock } from "../platform/clock.js";
import type { Batch } from "../records/batch.js";
import type { CountAppended } from "../spill/appended-records.js";
import type { Spill } from "../spill/spill-file.js";
import type { Counts } from "../writer/stats.js";

/** How records get from a handler to its file. */
export interface Delivery {
  /**
   * Takes over the records of `batch`, which is the caller's again on return. Delivery `sync`: true when all of them are
   * in the file. The others: false when so many wait that the caller should pause, until `onDrain`.
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
  /** True from when {@link push} asks for a pause until `onDrain`. */
  readonly needsDrain: boolean;
  /** Merges what a process that has ended could not; true when all of it is in the file. */
  adopt(spill: Spill): boolean;
  /** Resolves when the last record that was pushed is in the file; rejects with `ERR_CLH_FLUSH` when it cannot be. */
  written(): Promise<void>;
  /** Resolves when everything pushed before is in the file; rejects with `ERR_CLH_FLUSH` when it cannot be. */
  flush(): Promise<void>;
  /** Writes what can be written, now; true when nothing is pending. */
  flushSync(): boolean;
  /** Lets go of what it holds, after {@link flushSync}; a record that is pushed later takes it again. */
  close(): void;
  /** Resolves when nothing that was rotated on its behalf is being compressed. */
  swept(): Promise<void>;
  /** What a handler has done elsewhere on behalf of this one. */
  readonly counts: Counts | undefined;
}

export interface Place {
  readonly bytes: Buffer;
  readonly start: number;
}

/**
 * How an attempt to write a batch ended; unless it is `done`, some of its records may be written and some not. `failed`
 * is told already, or a namer or rotator is under way and flushes.
 */
export type CommitResult = "done" | "lock timeout" | "failed";

/** What every delivery gets from its handler. */
export interface DeliveryOptions {
  /**
   * Writes as much of a batch as it can. Reports its failures, but for a lock timeout, and does not throw.
   * @param wait for the lock, in milliseconds
   */
  readonly commit: (batch: Batch, wait: number) => CommitResult;
  /**
   * The lock was not free in time, and that is to be told.
   * @param then what becomes of the records, as a sentence
   * @throws {LogFileError} if `isThrown`, rather than to report it
   */
  readonly onTimedOut: (then: string, isThrown?: boolean) => void;
  /** The lock is held by this thread: a namer or rotator of another handler of the log writes to this one. */
  readonly isLockedHere: () => boolean;
  /** The record that stands in the file for `count` dropped ones. */
  readonly markerOf: (count: number) => Batch;
  readonly onDrop: (count: number) => void;
  /** The caller may go on after {@link Delivery.push} has asked for a pause. */
  readonly onDrain: () => void;
  readonly clock: Clock;
  readonly onLockTimeout: OnLockTimeout;
  /** Makes a file for records that wait for the lock. */
  readonly createSpill: () => Spill;
  readonly onSpillFailure: (cause: unknown) => void;
  /** Milliseconds. */
  readonly lockTimeout: number;
  readonly path: string;
  /** Takes over what processes and threads that have ended have left. */
  readonly mergeOrphans: () => void;
  readonly countAppended: CountAppended;
  readonly tell: Tell;
  readonly news: News;
}

export const MERE_TRY = -1;
/** So many milliseconds is the lock waited for by what is for all processes to do, and may as well be done later. */
export const TIDYING = 100;
// A lock that was not had in time once is not waited for again at every record, but for so many milliseconds.
export const WAIT_AFTER_TIMEOUT = 2;
/** Milliseconds between tries of a disk that fails. */
export const FIRST_RETRY = 10;
export const LONGEST_RETRY = 1000;

/** What becomes of records when the lock was not free in time. */
export const TIMED_OUT: Readonly<Record<OnLockTimeout, string>> = {
  spill: "Records wait beside the log and are merged into it.",
  wait: "It is waited for.",
  throw: "The record was not written, and is not kept.",
};

/** The text of the record that stands in the file for dropped ones. */
export function dropMarker(count: number): string {
  return `[concurrent-log-handler] ${count.toLocaleString("en")} records dropped: they could not be written in time, and no more fitted into memory`;
}
