import type { Batch } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";
import type { CommitResult, DeliveryOptions } from "./delivery.js";

/** The records of one handler that wait on disk for the lock, in front of those that wait in memory. */
export class Spilled {
  readonly #options: Pick<DeliveryOptions, "commit" | "createSpill" | "onSpillFailure">;
  readonly #onLost: (count: number) => void;
  #spill: Spill | undefined;
  #count = 0;

  /** @param onLost is told how many records a spill had that the disk does not give back */
  constructor(
    options: Pick<DeliveryOptions, "commit" | "createSpill" | "onSpillFailure">,
    onLost: (count: number) => void,
  ) {
    this.#options = options;
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
      this.#spill ??= this.#options.createSpill();
      this.#spill.append(batch);
      this.#count += batch.count;
      return true;
    } catch (error) {
      this.#options.onSpillFailure(error);
      return false;
    }
  }

  /** Brings it into the log. */
  merge(wait: number): CommitResult {
    return this.#spill === undefined ? "done" : this.#merge(this.#spill, wait);
  }

  /** The same with that of a process that has ended. */
  adopt(spill: Spill, wait: number): boolean {
    return this.#merge(spill, wait) === "done";
  }

  #merge(spill: Spill, wait: number): CommitResult {
    while (!spill.isMerged) {
      let batch: Batch | undefined;
      try {
        batch = spill.next();
      } catch (error) {
        this.#options.onSpillFailure(error);
        return "failed";
      }
      if (batch === undefined) return this.#giveUp(spill);
      const { count } = batch;
      const result = this.#options.commit(batch, wait);
      if (spill === this.#spill) this.#count -= count - batch.count;
      if (result !== "done") return result;
    }
    if (spill === this.#spill) this.#spill = undefined;
    try {
      spill.remove();
    } catch (error) {
      this.#options.onSpillFailure(error); // all of it is merged, which its header says: whoever finds it removes it
    }
    return "done";
  }

  /** A spill that the disk does not give back stays where it is. */
  #giveUp(spill: Spill): CommitResult {
    this.#options.onSpillFailure(new Error(`${spill.path} cannot be read`));
    if (spill === this.#spill) {
      this.#spill = undefined;
      const lost = this.#count;
      this.#count = 0;
      this.#onLost(lost);
    }
    spill.close();
    return "done";
  }
}
