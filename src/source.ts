import type { Batch } from "./batch.js";

/** Records that wait to be written, oldest first. */
export interface Queue {
  /** Records. */
  readonly count: number;
  /** The oldest ones, as many as are written under one lock; undefined when there are none. {@link settle} follows. */
  take(): Batch | undefined;
  /** What is written of the batch that was taken is forgotten, the rest is taken again next time. */
  settle(batch: Batch): void;
  /** How many of the oldest were dropped since this was last asked. */
  takeDropped(): number;
}

/** What brings records from a queue into the file. */
export interface Pump {
  /** Writes now what can be written; true when nothing is left. */
  run(): boolean;
  /** The last attempt failed; the next one is due later. */
  readonly isStuck: boolean;
  /** Records that are not in the file yet. */
  readonly pending: number;
}

/** Where a handler finds its records, in place of its own `write`: in a queue that another thread fills. */
export interface Source {
  readonly queue: Queue;
  readonly attach: (pump: Pump) => void;
  /** Called after each attempt to write. */
  readonly onProgress: () => void;
}
