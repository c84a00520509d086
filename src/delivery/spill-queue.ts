import type { Batch, CommitResult } from "../records/batch.js";
import type { Spill } from "../spill/spill-file.js";
import { type MergeResult, mergeSpill } from "../writer/merge-spill.js";
import type { DeliveryWriter } from "./delivery.js";

/** A spill with records of this handler: its own, or one that it has inherited and not opened yet. */
interface Waiting {
  readonly path: string;
  spill: Spill | undefined;
  /** Records. */
  count: number;
}

/** The records of one handler that wait on disk for the lock, in front of those that wait in memory. */
export class Spilled {
  readonly #writer: DeliveryWriter;
  readonly #onLost: (count: number) => void;
  /** Oldest first. */
  readonly #waiting: Waiting[] = [];
  #isFull = false;

  /** @param onLost is told how many records a spill had that the disk does not give back */
  constructor(writer: DeliveryWriter, onLost: (count: number) => void) {
    this.#writer = writer;
    this.#onLost = onLost;
  }

  /** Records. */
  get count(): number {
    return this.#waiting.reduce((sum, { count }) => sum + count, 0);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Where the last records are; undefined when there are none. */
  get path(): string | undefined {
    return this.#waiting.at(-1)?.path;
  }

  /** Records that a thread of this process has put into a spill, and does not merge any more. */
  inherit(path: string, count: number): void {
    this.#waiting.push({ path, spill: undefined, count });
  }

  /** Puts all records of `batch` into the spill; false when that failed or it is full, and none of them is in it. */
  put(batch: Batch): boolean {
    if (!this.#hasRoomFor(batch)) return false;
    try {
      const last = this.#last();
      last.spill.append(batch);
      last.count += batch.count;
      return true;
    } catch (error) {
      this.#writer.noteSpillFailure(error);
      return false;
    }
  }

  /** Brings a slice of the oldest into the log. What the disk does not give back is lost, and its spill stays where it is. */
  merge(wait: number): Exclude<MergeResult, "unreadable"> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const result = this.#mergeFirst(first, wait);
      if (result !== "done") return result;
    }
    return "done";
  }

  /** Reports once, until something is merged, that there is no more room. */
  #hasRoomFor(batch: Batch): boolean {
    const { maxSpillBytes } = this.#writer.options;
    const bytes = this.#waiting.reduce((sum, { spill }) => sum + (spill?.size ?? 0), 0);
    if (bytes + batch.length <= maxSpillBytes) return true;
    if (!this.#isFull) this.#writer.noteSpillFailure(new Error(`it has the ${bytes} bytes that maxSpillBytes allows`));
    this.#isFull = true;
    return false;
  }

  #mergeFirst(first: Waiting, wait: number): Exclude<MergeResult, "unreadable"> {
    const spill = first.spill ?? this.#open(first);
    if (typeof spill === "string") return spill;
    const result = mergeSpill(spill, this.#writer.clock, {
      commit: (batch) => this.#writer.commit(batch, wait),
      onFailure: (cause) => this.#writer.noteSpillFailure(cause),
      onMerged: (records) => {
        first.count -= records;
        this.#isFull = false;
      },
      onDone: () => this.#waiting.shift(),
    });
    if (result !== "unreadable") return result;
    this.#waiting.shift();
    this.#onLost(first.count);
    return "done";
  }

  /** Opens an inherited spill. While its thread still has it, newer records wait behind it, as for the lock. */
  #open(inherited: Waiting): Spill | CommitResult {
    let adopted: ReturnType<DeliveryWriter["adoptSpill"]>;
    try {
      adopted = this.#writer.adoptSpill(inherited.path);
    } catch (error) {
      this.#writer.noteSpillFailure(error);
      return "failed";
    }
    if (adopted === "gone") {
      this.#waiting.shift(); // merged by its thread, or by another process
      return "done";
    }
    if (adopted === "held" || adopted === "lock timeout") return "lock timeout";
    inherited.spill = adopted;
    return adopted;
  }

  /** The spill for the next record: the last one, if it is open. */
  #last(): Waiting & { readonly spill: Spill } {
    const last = this.#waiting.at(-1);
    if (last?.spill !== undefined) return last as Waiting & { spill: Spill };
    const spill = this.#writer.createSpill(last?.path);
    const made = { path: spill.path, spill, count: 0 };
    this.#waiting.push(made);
    return made;
  }
}
