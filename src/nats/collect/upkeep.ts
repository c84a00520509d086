import type { StreamPlace } from "../../cursor/cursor-format.js";
import type { Clock } from "../../platform/clock.js";
import { natsPackages } from "../packages.js";
import { positionSubject } from "../wire.js";
import type { Connected, StreamConnection } from "./stream-connection.js";

const PURGE_EVERY_MS = 1000;
/** As often, in the time for which messages are kept. */
const PURGES_WHILE_KEPT = 24;
const TELL_EVERY_MS = 200;
// Writers that are told at once: others have their turn after them.
const MOST_TOLD = 1000;

/** The oldest server that loses nothing when a stream is purged and it is killed then (nats-server #4196). */
const SAFE_PURGE = [2, 9, 18] as const;

type Place = Pick<StreamPlace, "stream" | "sequence">;

/** Does for others what a collector owes them: makes room in the stream, and tells writers how far their records are in the log. */
export class Upkeep {
  readonly #connection: StreamConnection;
  readonly #clock: Clock;
  readonly #keep: number;
  readonly #lastOf: (writer: string) => number;
  readonly #news = new Set<string>();
  #place: Place = { stream: "", sequence: 0 };
  #purged = 0;
  #cancels: (() => void)[] = [];

  /**
   * @param keep milliseconds for which messages that are in the log stay in the stream; infinite: for ever
   * @param lastOf number of the last record of a writer in the log
   */
  constructor(connection: StreamConnection, clock: Clock, keep: number, lastOf: (writer: string) => number) {
    this.#connection = connection;
    this.#clock = clock;
    this.#keep = keep;
    this.#lastOf = lastOf;
  }

  start(): void {
    const every = Math.max(PURGE_EVERY_MS, this.#keep / PURGES_WHILE_KEPT);
    this.#repeat(0, every, () => this.#purge());
    this.#repeat(1, TELL_EVERY_MS, () => this.#tell());
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  /** The log has the stream up to this place, and more records of these writers. */
  written(place: Place, writers: Iterable<string>): void {
    if (place.stream !== this.#place.stream || place.sequence < this.#place.sequence) this.#purged = 0;
    this.#place = place;
    for (const writer of writers) this.#news.add(writer);
  }

  /** A writer wants to hear how far it is. */
  asked(writer: string): void {
    this.#news.add(writer);
  }

  /** Tells what is still to be told. */
  async end(): Promise<void> {
    this.stop();
    while (this.#news.size > 0 && this.#connection.connected !== undefined) this.#tell();
    await this.#purge();
  }

  #repeat(slot: number, every: number, action: () => unknown): void {
    this.#cancels[slot] = this.#clock.after(every, async () => {
      await action();
      if (this.#cancels.length > 0) this.#repeat(slot, every, action);
    });
  }

  #tell(): void {
    const { connected, stream } = this.#connection;
    if (connected === undefined) return;
    let count = 0;
    for (const writer of this.#news) {
      if (count++ === MOST_TOLD) break;
      this.#news.delete(writer);
      connected.connection.publish(positionSubject(stream, writer), String(this.#lastOf(writer)));
    }
  }

  async #purge(): Promise<void> {
    const { connected, stream } = this.#connection;
    const { stream: identity, sequence } = this.#place;
    if (connected === undefined || sequence <= this.#purged) return;
    if (this.#keep === Number.POSITIVE_INFINITY || !this.#isSafe(connected)) return;
    try {
      const { created, state } = await connected.manager.streams.info(stream);
      // Of a stream that was made anew, or has gone back, it would delete what nobody has read: servers do not refuse that.
      if (created !== identity || state.last_seq < sequence) return;
      const upTo = this.#keep === 0 ? sequence : Math.min(sequence, await this.#oldest(connected));
      if (upTo > 0) await connected.manager.streams.purge(stream, { seq: upTo + 1 });
      if (this.#keep === 0) this.#purged = sequence;
    } catch (error) {
      const then = "The log is written all the same, and the stream grows up to its limit.";
      this.#connection.warn(error, "Cannot delete what is in the log from the stream", then);
    }
  }

  /** Sequence of the newest message that is older than messages are kept. */
  async #oldest({ client }: Connected): Promise<number> {
    const { DeliverPolicy } = natsPackages().jetstream();
    const consumer = await client.consumers.get(this.#connection.stream, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(this.#clock.now() - this.#keep).toISOString(),
      headers_only: true,
    });
    try {
      const young = await consumer.next({ expires: 1000 });
      return young === null ? this.#place.sequence : young.seq - 1;
    } finally {
      await consumer.delete();
    }
  }

  #isSafe({ connection }: Connected): boolean {
    const version = connection.info?.version;
    if (version === undefined) return false; // it is just connecting again: the next time will tell
    const numbers = version.split(/[.-]/).map(Number);
    const at = SAFE_PURGE.findIndex((least, i) => numbers[i] !== least);
    if (at === -1 || numbers[at]! > SAFE_PURGE[at]!) return true;
    const then = "It is left as it is: update the servers to 2.10.27 or later, or give the stream an age (max_age).";
    const cause = new Error(`server ${version} may lose other messages when it is killed afterwards`);
    this.#connection.warn(cause, "Cannot delete what is in the log from the stream", then);
    return false;
  }
}
