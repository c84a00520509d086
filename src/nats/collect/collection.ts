import { EventEmitter } from "node:events";
import type { LogFileError } from "../../base/errors.js";
import type { CollectCounts, Gap } from "../../collect/collector.js";
import { Drain } from "../../collect/drain.js";
import type { StreamPlace } from "../../cursor/cursor-format.js";
import { News } from "../../events/event-queue.js";
import type { HandlerEvents } from "../../events/handler-events.js";
import { tracer } from "../../events/trace.js";
import { isTimed } from "../../handler/create-handler.js";
import { resolveRotatingOptions, resolveTimedOptions } from "../../options/resolve-options.js";
import { type Environment, systemEnvironment } from "../../platform/environment.js";
import { LogWriter } from "../../writer/log-writer.js";
import { natsPackages } from "../packages.js";
import { type CollectOptions, resolveCollectOptions } from "./collect-options.js";
import { JetStreamSource } from "./jetstream-source.js";
import { StreamConnection } from "./stream-connection.js";
import { Upkeep } from "./upkeep.js";

/** The events of a {@link Collection}: those of the handlers, and its own. */
export interface CollectEvents extends HandlerEvents {
  /** It works: no other collector of the stream has this log. One that waits for another one's end has not told it yet. */
  leading: [];
  /** Records that the stream had acknowledged are missing in it; `error` (`ERR_CLH_GAP`) says so as well. */
  gap: [Gap];
}

/** What a {@link Collection} has done since it was made. */
export interface CollectStats extends Readonly<CollectCounts> {
  /** False while another collector of the stream has the log. */
  readonly isLeading: boolean;
  /** All messages of the stream up to this one are in the log; undefined while it is not known. */
  readonly sequence: number | undefined;
  /** Rotations of the log by this collector. */
  readonly rotations: number;
}

const NO_COUNTS: CollectCounts = { messages: 0, records: 0, bytes: 0, doubled: 0, gaps: 0, missing: 0 };

/** A stream that is being collected into a log; see {@link collect}. */
export class Collection extends EventEmitter<CollectEvents> {
  /** Resolves when it has ended, in order; rejects with {LogFileError} when it cannot be begun. */
  readonly done: Promise<CollectStats>;
  readonly #end = new AbortController();
  readonly #writer: LogWriter;
  readonly #drain: Drain;
  readonly #connection: StreamConnection;
  readonly #upkeep: Upkeep;
  #isLeading = false;
  #sequence: number | undefined;

  /** @internal */
  constructor(filename: string | URL, options: CollectOptions, environment: Environment = systemEnvironment()) {
    super();
    const { servers, stream, keep, signal, file } = resolveCollectOptions(options);
    const { fs, clock } = environment;
    const resolve = isTimed(file) ? resolveTimedOptions : resolveRotatingOptions;
    const resolved = resolve(filename, file, fs);
    natsPackages();
    const news = new News(this as unknown as EventEmitter<HandlerEvents>, tracer(resolved.debug));
    this.#writer = new LogWriter(resolved, environment, news);
    this.#connection = new StreamConnection({ servers, stream }, environment, this.#end.signal, news.tell);
    const source = new JetStreamSource(this.#connection);
    const events = {
      gap: (gap: Gap, error: LogFileError) => {
        news.add(() => this.emit("gap", gap));
        news.tell("error", error);
      },
      warning: (warning: LogFileError) => news.tell("warning", warning),
      asked: (writer: string) => this.#upkeep.asked(writer),
      leading: () => {
        this.#isLeading = true;
        news.add(() => this.emit("leading"));
        this.#upkeep.start();
      },
      written: (place: StreamPlace, writers: ReadonlyMap<string, unknown>) => {
        this.#sequence = place.sequence;
        this.#upkeep.written(place, writers.keys());
      },
    };
    this.#drain = new Drain(this.#writer, source, events, this.#end.signal);
    this.#upkeep = new Upkeep(this.#connection, clock, keep, (writer) => this.#drain.lastOf(writer));
    if (signal?.aborted) this.end();
    else signal?.addEventListener("abort", () => this.end(), { once: true, signal: this.#end.signal });
    this.done = this.#run(keep);
  }

  /** Ends it in order: what was taken from the stream is written, and {@link done} resolves. */
  end(): void {
    this.#end.abort();
  }

  /** Counts what this collector has done so far; after {@link done} as well. */
  stats(): CollectStats {
    return {
      ...(this.#drain.counts ?? NO_COUNTS),
      isLeading: this.#isLeading,
      sequence: this.#sequence,
      rotations: this.#writer.counts.rotations,
    };
  }

  async #run(keep: number): Promise<CollectStats> {
    await null; // who has made it is to listen first
    try {
      this.#writer.open();
      await this.#drain.run(Number.isFinite(keep) ? keep : 0);
    } finally {
      this.#end.abort();
      this.#isLeading = false;
      try {
        await this.#upkeep.end();
        await this.#connection.close();
      } finally {
        this.#writer.close();
      }
    }
    await this.#writer.whenSwept();
    return this.stats();
  }
}

/**
 * Brings the records of a stream of NATS JetStream into a log, each once and in the order of its writer, until it is told to
 * end. Of several that collect one stream into one log, one works, and the next one goes on when that has ended or died.
 * What is in the log is deleted from the stream.
 * @param filename the log: a path, or a `file:` URL
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong or unknown option, or where the packages of NATS are not installed;
 *   `ERR_CLH_NATIVE` where files cannot be locked
 *
 * @example
 * const collection = collect("all.log", { nats: { servers: "nats://log1,log2,log3", stream: "logs" }, maxBytes: "100MiB", backupCount: 50 });
 * process.once("SIGTERM", () => collection.end());
 * await collection.done;
 */
export function collect(filename: string | URL, options: CollectOptions): Collection {
  return new Collection(filename, options);
}
