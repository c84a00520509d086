import type { Batch, CommitResult } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";
import { mergeSpill } from "../writer/merge-spill.js";
import type { DeliveryWriter } from "./delivery.js";

/** The records of one handler that wait on disk for the lock, in front of those that wait in memory. */
export class Spilled {
  readonly #writer: DeliveryWriter;
  readonly #onLost: (count: number) => void;
  #spill: Spill | undefined;
  #count = 0;

  /** @param onLost is told how many records a spill had that the disk does not give back */
  constructor(writer: DeliveryWriter, onLost: (count: number) => void) {
    this.#writer = writer;
    this.#onLost = onLost;
  }

  /** Records. */
  get count(): number {
    return this.#count;
  }

  get isEmpty(): boolean {
    return this.#spill === undefined;
  }

  /** Puts all records of `batch` into the spill; false when that failed, and none of them is in it. */
  put(batch: Batch): boolean {
    try {
      this.#spill ??= this.#writer.createSpill();
      this.#spill.append(batch);
      this.#count += batch.count;
      return true;
    } catch (error) {
      this.#writer.noteSpillFailure(error);
      return false;
    }
  }

  /** Brings it into the log. What the disk does not give back is lost, and its spill stays where it is. */
  merge(wait: number): CommitResult {
    if (this.#spill === undefined) return "done";
    const result = mergeSpill(this.#spill, {
      commit: (batch) => this.#writer.commit(batch, wait),
      onFailure: (cause) => this.#writer.noteSpillFailure(cause),
      onMerged: (records) => {
        this.#count -= records;
      },
      onDone: () => {
        this.#spill = undefined;
      },
    });
    return result === "unreadable" ? this.#giveUp() : result;
  }

  #giveUp(): "done" {
    const lost = this.#count;
    this.#spill = undefined;
    this.#count = 0;
    this.#onLost(lost);
    return "done";
  }
}
