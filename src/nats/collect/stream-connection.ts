import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { Backoff } from "../../base/backoff.js";
import { LogFileError } from "../../base/errors.js";
import type { StreamState } from "../../collect/stream-message.js";
import { Failures } from "../../events/throttled-reporter.js";
import type { Clock } from "../../platform/clock.js";
import type { FileSystem } from "../../platform/file-system.js";
import { ANSWER_MS, connectTo } from "../connection.js";
import { EngineError } from "../engine-errors.js";
import { natsPackages } from "../packages.js";
import { describeServers, type ResolvedServers } from "../server-options.js";

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;

const THEN = "Nothing is lost: collecting goes on from the same place when this can be done.";

/** Servers, and the stream that is read there. */
export interface StreamAddress {
  readonly servers: ResolvedServers;
  readonly stream: string;
}

/** The parts of a connection that a collector uses. */
export interface Connected {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** A connection to the servers of a stream, which is made anew for ever. Each kind of failure is told once. */
export class StreamConnection {
  readonly #address: StreamAddress;
  readonly #fs: FileSystem;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #failures: Failures;
  readonly #warn: (warning: LogFileError) => void;
  readonly #warned = new Set<string>();
  #connected: Connected | undefined;

  constructor(
    address: StreamAddress,
    { fs, clock }: { readonly fs: FileSystem; readonly clock: Clock },
    signal: AbortSignal,
    tell: (name: "error" | "warning", error: LogFileError) => void,
  ) {
    this.#address = address;
    this.#fs = fs;
    this.#clock = clock;
    this.#signal = signal;
    this.#warn = (warning) => tell("warning", warning);
    this.#failures = new Failures((error) => tell("error", error), clock);
  }

  get stream(): string {
    return this.#address.stream;
  }

  /** Undefined while there is none. */
  get connected(): Connected | undefined {
    return this.#connected;
  }

  /**
   * Waits until the stream is to be had; for ever when it was told to end.
   * @throws {LogFileError} `ERR_CLH_ENGINE` for a stream that cannot be collected
   */
  async look(): Promise<StreamState> {
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
    while (!this.#signal.aborted) {
      try {
        const { manager } = await this.#connect();
        const { created, config, state } = await manager.streams.info(this.stream);
        if (String(config.retention) !== "limits") throw this.#wrongRetention(String(config.retention));
        this.#failures.clear();
        return { identity: created, first: state.first_seq, last: state.last_seq };
      } catch (cause) {
        if (cause instanceof StreamUnfit) throw cause;
        this.note(cause, "Cannot read the stream");
        if (this.#connected?.connection.isClosed()) this.#connected = undefined;
      }
      await this.#clock.delay(backoff.next());
    }
    return new Promise(() => {}); // nobody waits any more
  }

  /** Tells a failure, unless it is told already. */
  note(cause: unknown, what: string): void {
    if (this.#signal.aborted) return;
    const { servers, stream } = this.#address;
    const error = new EngineError(cause, what, { servers: describeServers(servers), stream }, THEN);
    this.#failures.note(error, error.failure);
  }

  /** The same of something without which collecting goes on: once. */
  warn(cause: unknown, what: string, then: string): void {
    if (this.#signal.aborted) return;
    const { servers, stream } = this.#address;
    this.warnOnce(new EngineError(cause, what, { servers: describeServers(servers), stream }, then));
  }

  warnOnce(warning: LogFileError): void {
    if (this.#warned.size !== this.#warned.add(warning.message).size) this.#warn(warning);
  }

  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.connection.close();
  }

  async #connect(): Promise<Connected> {
    if (this.#connected !== undefined) return this.#connected;
    const name = `concurrent-log-handler collects ${this.stream}`;
    const connection = await connectTo(this.#address.servers, { fs: this.#fs, name, isLasting: true });
    if (this.#signal.aborted) await connection.close();
    const { jetstream, jetstreamManager } = natsPackages().jetstream();
    const options = { timeout: ANSWER_MS };
    this.#connected = {
      connection,
      client: jetstream(connection, options),
      manager: await jetstreamManager(connection, { ...options, checkAPI: false }),
    };
    return this.#connected;
  }

  #wrongRetention(retention: string): LogFileError {
    const { servers, stream } = this.#address;
    const message = `The stream ${stream} on ${describeServers(servers)} has the retention "${retention}", with which servers that were killed may deliver a message twice or never. Make it anew with "limits": clh nats setup nats://… --stream ${stream}.`;
    return new StreamUnfit("ERR_CLH_ENGINE", message);
  }
}

/** No try helps. */
class StreamUnfit extends LogFileError {}
