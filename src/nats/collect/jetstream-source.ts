import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { LogFileError } from "../../base/errors.js";
import type { StreamMessage, StreamSource, StreamState } from "../../collect/stream-message.js";
import { natsPackages } from "../packages.js";
import { isKept, readMessage } from "../wire.js";
import type { Connected, StreamConnection } from "./stream-connection.js";

// Bytes that are asked for at once, and so in memory, unless one message may be longer; and how long one waits for them.
const FETCH_BYTES = 4 * 1024 ** 2;
const FETCH_MS = 2000;
const SUBJECT_AND_HEADERS = 64 * 1024;

/** Milliseconds after which servers forget a consumer that nobody reads. */
const CONSUMER_MS = 60_000;

/** A stream of JetStream, read by sequence: the servers keep no place for us. */
export class JetStreamSource implements StreamSource {
  readonly #connection: StreamConnection;

  constructor(connection: StreamConnection) {
    this.#connection = connection;
  }

  get stream(): string {
    return this.#connection.stream;
  }

  look(): Promise<StreamState> {
    return this.#connection.look();
  }

  read(sequence: number): AsyncIterator<StreamMessage> {
    return new Reading(this.#connection, sequence);
  }
}

/** Messages, as they are asked for: no more than one request is under way, so that what waits is bounded. */
class Reading implements AsyncIterator<StreamMessage> {
  readonly #connection: StreamConnection;
  readonly #sequence: number;
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #iterator: AsyncIterator<JsMsg> | undefined;
  #isOver = false;

  constructor(connection: StreamConnection, sequence: number) {
    this.#connection = connection;
    this.#sequence = sequence;
  }

  async next(): Promise<IteratorResult<StreamMessage>> {
    while (!this.#isOver) {
      try {
        const { connected } = this.#connection;
        if (connected === undefined) break;
        this.#iterator ??= await this.#fetch(connected);
        const { value, done } = await this.#iterator.next();
        if (done !== true) return { value: this.#toMessage(value), done: false };
        this.#iterator = undefined;
      } catch (error) {
        this.#iterator = undefined;
        if (!isUsedUp(error)) this.#connection.note(error, "Cannot read the stream");
        // The client throws before it has given all that came with this; from the consumer these never come again.
        else if (this.#messages!.getPending() === 0) continue;
        break;
      }
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<StreamMessage>> {
    this.#isOver = true;
    this.#messages?.stop();
    return { value: undefined, done: true };
  }

  async #fetch({ client, connection }: Connected): Promise<AsyncIterator<JsMsg>> {
    const { DeliverPolicy } = natsPackages().jetstream();
    this.#consumer ??= await client.consumers.get(this.#connection.stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#sequence + 1,
      inactive_threshold: CONSUMER_MS,
    });
    const longest = (connection.info?.max_payload ?? 0) + SUBJECT_AND_HEADERS;
    this.#messages = await this.#consumer.fetch({ max_bytes: Math.max(FETCH_BYTES, longest), expires: FETCH_MS });
    if (this.#isOver) this.#messages.stop();
    return this.#messages[Symbol.asyncIterator]();
  }

  #toMessage(message: JsMsg): StreamMessage {
    const { seq: sequence, data, subject } = message;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const read = readMessage(message);
    const common = { sequence, time: Math.floor(message.info.timestampNanos / 1e6), bytes };
    if (read === undefined) return common;
    if (!("malformed" in read)) return { ...common, records: { ...read, writer: subject, isKept: isKept(message) } };
    const warning = `A message on ${subject} in the stream ${this.stream} is not as its headers say: ${read.malformed}. Such messages are appended as they are, and may be twice.`;
    this.#connection.warnOnce(new LogFileError("ERR_CLH_ENGINE", warning));
    return common;
  }

  private get stream(): string {
    return this.#connection.stream;
  }
}

/** The server ends a request in this way when it has had its messages, or the next one has more bytes than are left. */
function isUsedUp(error: unknown): boolean {
  return /exceeds max\s?bytes|batch completed/i.test(String(error));
}
