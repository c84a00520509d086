import { Backoff } from "../base/backoff.js";
import { LogFileError } from "../base/errors.js";
import { advice, reason } from "../base/system-errors.js";
import type { CursorFile } from "../cursor/cursor-file.js";
import type { StreamPlace } from "../cursor/cursor-format.js";
import { Failures } from "../events/throttled-reporter.js";
import { MAINTENANCE_WAIT_MS } from "../lock/lock-timing.js";
import type { Batch } from "../records/batch.js";
import type { LogWriter } from "../writer/log-writer.js";
import { type CollectCounts, Collector, type CollectorEvents } from "./collector.js";
import type { StreamMessage, StreamSource } from "./stream-message.js";

// Appended at once: so much that one more byte makes it no cheaper, and little enough for other writers to have their turn.
const APPEND_BYTES = 1024 ** 2;

// Milliseconds between two looks whether another collector has ended.
const TAKE_OVER_MS = 200;

const FIRST_RETRY_MS = 1;
const LONGEST_RETRY_MS = 1000;

/** A writer that has been silent for longer than any spill may lie about is forgotten. */
const KEEP_WRITERS_MS = 7 * 24 * 3_600_000;

export interface DrainEvents extends CollectorEvents {
  /** This collector has the cursor: no other one of the same file system works. */
  leading(): void;
  /** The last batch is in the log: records of these writers, and the stream up to this place. */
  written(place: StreamPlace, writers: ReadonlyMap<string, { readonly last: number }>): void;
}

/** Drains a stream into a log, each record once, until it is told to end. */
export class Drain {
  readonly #writer: LogWriter;
  readonly #source: StreamSource;
  readonly #events: DrainEvents;
  readonly #signal: AbortSignal;
  readonly #failures: Failures;
  /** Ends the wait that is under way. */
  #stop = () => {};
  #cursor: CursorFile | undefined;
  #counts: CollectCounts | undefined;

  constructor(writer: LogWriter, source: StreamSource, events: DrainEvents, signal: AbortSignal) {
    this.#writer = writer;
    this.#source = source;
    this.#events = events;
    this.#signal = signal;
    this.#failures = new Failures((error) => writer.events.tell("error", error), writer.clock);
    signal.addEventListener("abort", () => this.#stop(), { once: true });
  }

  /** Counts of the records that are in the log; undefined before there are any. */
  get counts(): CollectCounts | undefined {
    return this.#counts;
  }

  /** Number of the last record of a writer that is in the log, also when it has ended. */
  lastOf(writer: string): number {
    return this.#cursor?.writers.get(writer)?.last ?? 0;
  }

  /**
   * Resolves when it was told to end, and all that was taken is in the log; or when the log cannot be written then, and the
   * stream or the cursor has what is not.
   * @param keepWriters milliseconds after which a silent writer is forgotten, if longer than a week
   * @throws {LogFileError} `ERR_CLH_CURSOR`
   */
  async run(keepWriters = 0): Promise<void> {
    const { options, encoder } = this.#writer;
    const cursor = await this.#lead();
    if (cursor === undefined) return;
    try {
      cursor.keepWriters = Math.max(keepWriters, KEEP_WRITERS_MS);
      this.#cursor = cursor;
      const collector = new Collector(this.#source.stream, cursor, encoder, this.#events);
      this.#counts = { ...collector.counts };
      this.#events.leading();
      if (!(await this.#commit(cursor.batch))) return;
      if (!cursor.isNew) this.#events.written(cursor.place, new Map());
      while (!this.#signal.aborted) {
        const state = await this.#firstOf(this.#source.look());
        if (state === "stopped") return;
        if (!(await this.#pump(this.#source.read(collector.startAt(state)), collector))) return;
      }
    } finally {
      this.#failures.close([cursor], options.filename);
    }
  }

  async #lead(): Promise<CursorFile | undefined> {
    while (!this.#signal.aborted) {
      const cursor = this.#writer.takeCursor(this.#source.stream);
      if (cursor !== undefined) return cursor;
      await this.#firstOf(this.#writer.clock.delay(TAKE_OVER_MS));
    }
    return undefined;
  }

  /** Appends messages until they end, or it is told to; false when the log cannot be written then. */
  async #pump(messages: AsyncIterator<StreamMessage>, collector: Collector): Promise<boolean> {
    let next = messages.next();
    let turn: Promise<"turn"> | undefined;
    try {
      for (;;) {
        if (collector.hasPending) turn ??= this.#turn();
        const got = await this.#firstOf<IteratorResult<StreamMessage> | "turn">(next, turn);
        if (got === "turn" || got === "stopped" || got.done === true) {
          turn = undefined;
          if (!(await this.#flush(collector))) return false;
          if (got === "turn") continue;
          return true;
        }
        next = messages.next();
        collector.add(got.value);
        if (collector.pendingBytes >= APPEND_BYTES && !(await this.#flush(collector))) return false;
      }
    } finally {
      next.catch(() => {}); // of a stream that is left: `look` tells of what it cannot do
      await messages.return?.();
    }
  }

  /** The first that comes of one or two, or of the end. Nothing is left behind in a promise that never comes. */
  #firstOf<Result>(...promises: (Promise<Result> | undefined)[]): Promise<Result | "stopped"> {
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return resolve("stopped");
      this.#stop = () => resolve("stopped");
      for (const promise of promises) promise?.then(resolve, reject);
    });
  }

  /** Resolves at the end of this turn of the event loop, whose messages are appended together. */
  #turn(): Promise<"turn"> {
    return new Promise((resolve) => this.#writer.clock.soon(() => resolve("turn")));
  }

  async #flush(collector: Collector): Promise<boolean> {
    const cursor = this.#cursor!;
    if (!collector.hasPending) return true;
    const pending = collector.take();
    const counts = { ...collector.counts };
    const stage = { place: pending.place, writers: pending.writers, bytes: pending.bytes, ends: pending.ends };
    let isStaged = false;
    const isDone = await this.#tryOn(() => {
      if (!isStaged) cursor.stage(stage);
      isStaged = true;
      return this.#commitNow(cursor.batch);
    });
    if (!isDone) return false;
    this.#counts = counts;
    this.#events.written(cursor.place, pending.writers);
    return true;
  }

  #commit(batch: Batch): Promise<boolean> {
    return this.#tryOn(() => this.#commitNow(batch));
  }

  #commitNow(batch: Batch): "done" | "lock timeout" | "failed" {
    return batch.isDone
      ? "done"
      : this.#writer.commit(batch, Math.min(MAINTENANCE_WAIT_MS, this.#writer.options.lockTimeout));
  }

  /** Tries until it is done; or, once told to end, for no longer than `lockTimeout`. */
  async #tryOn(attempt: () => "done" | "lock timeout" | "failed"): Promise<boolean> {
    const { clock, options } = this.#writer;
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
    let since = clock.monotonic();
    for (;;) {
      let result: "done" | "lock timeout" | "failed";
      try {
        result = attempt();
      } catch (cause) {
        this.#failures.note(this.#cannotStage(cause));
        result = "failed";
      }
      if (result === "done") {
        this.#failures.clear();
        return true;
      }
      const isLate = clock.monotonic() - since >= options.lockTimeout;
      if (isLate && result === "lock timeout") this.#writer.noteLockTimeout(THEN);
      if (isLate && this.#signal.aborted) return false;
      if (isLate) since = clock.monotonic();
      await clock.delay(result === "failed" ? backoff.next() : FIRST_RETRY_MS);
    }
  }

  #cannotStage(cause: unknown): LogFileError {
    const { path } = this.#cursor!;
    const message = `Cannot write to ${path}: ${reason(cause)}. ${advice(cause)}${THEN}`;
    return new LogFileError("ERR_CLH_CURSOR", message, { cause, path });
  }
}

const THEN = "Nothing more is taken from the stream until it can be done.";
