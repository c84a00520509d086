import type { Tell } from "../events/handler-events.js";
import type { Clock } from "../platform/clock.js";
import type { Batch, CommitResult } from "../records/batch.js";
import type { Spills } from "../spill/orphaned-spills.js";
import type { Spill } from "../spill/spill-file.js";
import { mergeSpill } from "./merge-spill.js";

// Milliseconds between two slices, in which the application and other writers have their turn.
const PAUSE_MS = 1;

/** Merges the spills of processes that have ended, in slices: a part at once, the rest off the caller's way. */
export class OrphanMerger {
  readonly #spills: Spills;
  readonly #clock: Clock;
  readonly #commit: (batch: Batch) => CommitResult;
  readonly #tell: Tell;
  #paths: string[] = [];
  #spill: Spill | undefined;
  #cancel: (() => void) | undefined;

  constructor(spills: Spills, clock: Clock, commit: (batch: Batch) => CommitResult, tell: Tell) {
    this.#spills = spills;
    this.#clock = clock;
    this.#commit = commit;
    this.#tell = tell;
  }

  /** Merges what is there now, unless a merge is under way. What cannot be had at once is left to the next rotation. */
  start(): void {
    if (this.#cancel !== undefined || this.#spill !== undefined) return;
    this.#paths = this.#spills.list(this.#tell);
    this.#merge();
  }

  /** Resolves when no merge is under way. */
  async whenIdle(): Promise<void> {
    while (this.#cancel !== undefined) await this.#clock.delay(PAUSE_MS);
  }

  /** Gives up what is not merged yet: the next process goes on with it. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#paths = [];
    this.#letGo();
  }

  #merge(): void {
    this.#cancel = undefined;
    while (this.#spill !== undefined || this.#paths.length > 0) {
      const path = this.#spill?.path ?? this.#paths.shift()!;
      try {
        const result = this.#mergeSlice(path);
        if (result === "unfinished") {
          this.#cancel = this.#clock.after(PAUSE_MS, () => this.#merge());
          return;
        }
        if (result === "stopped") {
          this.close();
          return;
        }
      } catch (cause) {
        this.#letGo();
        this.#spills.cannotMerge(path, cause, this.#tell);
      }
    }
  }

  #mergeSlice(path: string): "done" | "unfinished" | "stopped" {
    const adopted = this.#spill ?? this.#spills.adopt(path);
    if (adopted === "lock timeout") return "stopped";
    if (adopted === "held" || adopted === "gone") return "done";
    this.#spill = adopted;
    const onFailure = (cause: unknown) => this.#tell("error", this.#spills.failure(cause));
    const result = mergeSpill(adopted, this.#clock, { commit: this.#commit, onFailure });
    if (result === "unfinished") return result;
    if (result === "lock timeout" || result === "failed") return "stopped";
    this.#spill = undefined;
    this.#tell("recovered", { path });
    return "done";
  }

  #letGo(): void {
    const spill = this.#spill;
    this.#spill = undefined;
    try {
      spill?.close();
    } catch (cause) {
      this.#spills.cannotMerge(spill!.path, cause, this.#tell); // a file whose close fails is closed all the same
    }
  }
}
