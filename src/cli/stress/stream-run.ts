import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { HandlerOptions } from "../../handler/create-handler.js";
import { type Collection, collect } from "../../nats/collect/collection.js";
import { resolveNatsOptions } from "../../nats/resolve-nats-options.js";
import { makeStream, withStreams } from "../../nats/stream-check.js";
import { sweepSpools } from "../../nats/sweep-spools.js";
import { systemEnvironment } from "../../platform/environment.js";
import { STRESS_STREAM } from "./record.js";

const MAX_BYTES = 256 * 1024 ** 2;
const LOOK_EVERY = 50;
// Milliseconds without a step forward after which a cluster is taken for dead.
const PATIENCE = 60_000;

/** The flags that the command line gives it. */
interface StreamFlags {
  readonly replicas: number;
  readonly acknowledge: unknown;
}

/** A stream of a stress test's own, and its collector in this process: any other stream may have somebody's records. */
export class StressStream {
  readonly name: string = STRESS_STREAM + randomBytes(4).toString("hex");
  /** Options of its writers, as JSON. */
  readonly writerOptions: object;
  readonly #resolved: ReturnType<typeof resolveNatsOptions>;
  readonly #replicas: number;
  readonly #collect: () => Collection;
  #collection: Collection | undefined;
  #removed = 0;

  /**
   * @param file the log into which it is collected
   * @param options of that
   * @param servers options that say where the servers are, and who asks
   * @throws {LogFileError} `ERR_CLH_OPTION`
   */
  constructor(
    file: string,
    options: HandlerOptions,
    servers: Record<string, unknown>,
    { replicas, acknowledge }: StreamFlags,
    onError: (error: Error) => void,
  ) {
    const spillDirectory = join(dirname(file), ".clh-stress-spool");
    const own = { stream: this.name, subject: this.name, spillDirectory, timeout: PATIENCE };
    this.writerOptions = { ...servers, ...own, ...(acknowledge !== undefined && { acknowledge }) };
    this.#resolved = resolveNatsOptions(this.writerOptions);
    this.#replicas = replicas;
    const nats = { ...servers, stream: this.name } as Parameters<typeof collect>[1]["nats"];
    this.#collect = () => {
      const collection = collect(file, { ...options, nats });
      collection.on("error", onError);
      collection.on("warning", onError);
      collection.on("removed", () => {
        this.#removed++;
      });
      collection.done.catch(onError);
      return collection;
    };
  }

  get rotations(): number {
    return this.#collection?.stats().rotations ?? 0;
  }

  get removedBackups(): number {
    return this.#removed;
  }

  /**
   * Makes it, and begins to collect it.
   * @throws {LogFileError} `ERR_CLH_ENGINE`
   */
  async make(): Promise<void> {
    const plan = { stream: this.name, subjects: [`${this.name}.>`], replicas: this.#replicas, maxBytes: MAX_BYTES };
    await this.#with("Cannot make a stream for the test", (manager) => makeStream(manager, plan));
    this.#collection = this.#collect();
  }

  /** Sends what the writers have left on the disk, and waits until all is in the log, for as long as it goes forward. */
  async drain(): Promise<void> {
    const { clock } = systemEnvironment();
    await sweepSpools(this.#resolved, systemEnvironment());
    const last = await this.#with("Cannot ask how much is in the stream", async (manager) => {
      const { state } = await manager.streams.info(this.name);
      return state.last_seq;
    });
    let seen = -1;
    for (let since = clock.monotonic(); clock.monotonic() - since < PATIENCE; ) {
      const sequence = this.#collection?.stats().sequence ?? 0;
      if (sequence >= last) break;
      if (sequence > seen) since = clock.monotonic();
      seen = sequence;
      await clock.delay(LOOK_EVERY);
    }
    await this.end();
  }

  /** Ends the collector. */
  async end(): Promise<void> {
    this.#collection?.end();
    await this.#collection?.done;
  }

  /** Deletes the stream. */
  async remove(): Promise<void> {
    await this.#with("Cannot delete the stream of the test", (manager) => manager.streams.delete(this.name));
  }

  #with<Result>(what: string, use: Parameters<typeof withStreams<Result>>[4]): Promise<Result> {
    return withStreams(systemEnvironment().fs, this.#resolved.servers, this.name, what, use);
  }
}
