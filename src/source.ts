import type { Batch } from "./batch.js";

/** Records that wait to be written, oldest first. */
export interface Queue {
  /** Records. */
  readonly count: number;
  /** The oldest ones, as many as are written under one lock; undefined when there are none. {@link settle} follows. */
  take(): Batch | undefined;
  /** The batch that was taken is to be put into a spill; false when it must not be, since it was taken over by others. */
  mayPutAside(): boolean;
  /**
   * What is written of the batch that was taken is forgotten, the rest is taken again next time.
   * @param spilled records in front of it that are in a spill
   */
  settle(batch: Batch, spilled: number): void;
  /** Records that were dropped, and have no marker yet. */
  readonly dropped: number;
  /** There is a marker for so many of them now. */
  marked(count: number): void;
}

/** What brings records from a queue into the file. */
export interface Pump {
  /** Writes now what can be written; true when nothing is left. */
  run(): boolean;
  /** The last attempt failed; the next one is due later. */
  readonly isStuck: boolean;
  /** Records in a spill, in front of those in the queue. */
  readonly spilled: number;
}

/** Where a handler finds its records, in place of its own `write`: in a queue that another thread fills. */
export interface Source {
  readonly queue: Queue;
  readonly attach: (pump: Pump) => void;
  /** Called after each attempt to write. */
  readonly onProgress: () => void;
}
