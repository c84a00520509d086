import type { JetStreamClient } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { ANSWER_MS, type ConnectionManner, connectTo } from "./connection.js";
import { natsPackages } from "./packages.js";
import type { ResolvedServers } from "./server-options.js";

/** The answer of the stream to a message. */
interface Answer {
  /** Its place in the stream, from 1 on; 0 when the server does not say where it is. */
  readonly seq: number;
  /** The server had one with this id before. */
  readonly duplicate: boolean;
}

/** A connection as a writer uses it. Tests pass their own. */
export interface Engine {
  /** Bytes of headers and payload together that a message may have. */
  readonly maxPayload: number;
  /** Resolves when the stream has the message; rejects with an error of the client, also when the answer is late. */
  publish(
    subject: string,
    payload: Buffer,
    headers: readonly (readonly [name: string, value: string])[],
  ): Promise<Answer>;
  /** Hears what is published there, until the connection ends. */
  subscribe(subject: string, heard: (data: Uint8Array) => void, failed: (error: Error) => void): void;
  /** Resolves when the connection has ended, with the reason if there was one. */
  closed(): Promise<unknown>;
  close(): Promise<void>;
}

/** @throws what the client throws */
export async function connectEngine(servers: ResolvedServers, manner: ConnectionManner): Promise<Engine> {
  return new NatsEngine(await connectTo(servers, manner));
}

// Where a server does not tell; it always does.
const USUAL_PAYLOAD = 1024 ** 2;

class NatsEngine implements Engine {
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  /** What the server has said of publishing itself: the client tells the caller of it no more than that no answer came. */
  #refusal: Error | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#stream = natsPackages().jetstream().jetstream(connection, { timeout: ANSWER_MS });
    void this.#hear();
  }

  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? USUAL_PAYLOAD;
  }

  async publish(subject: string, payload: Buffer, pairs: readonly (readonly [string, string])[]): Promise<Answer> {
    const headers = natsPackages().transport().headers();
    for (const [name, value] of pairs) headers.set(name, value);
    this.#refusal = undefined;
    try {
      const { seq, duplicate } = await this.#stream.publish(subject, payload, { headers, timeout: ANSWER_MS });
      return { seq, duplicate };
    } catch (error) {
      throw this.#refusal ?? error;
    }
  }

  subscribe(subject: string, heard: (data: Uint8Array) => void, failed: (error: Error) => void): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => (error ? failed(error) : heard(message.data)),
    });
  }

  closed(): Promise<unknown> {
    return this.#connection.closed();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #hear(): Promise<void> {
    for await (const status of this.#connection.status()) if (status.type === "error") this.#refusal = status.error;
  }
}
