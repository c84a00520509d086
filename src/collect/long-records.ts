import type { StreamMessage } from "./stream-message.js";

// Milliseconds, by the time of the stream. A writer that died over a record would keep all behind it in the stream.
const LONGEST_WAIT = 3_600_000;

interface LongRecord {
  readonly writer: string;
  /** Its number. */
  readonly number: number;
  readonly total: number;
  readonly parts: Buffer[];
  length: number;
  /** The sequence of the message with its first part. */
  readonly sequence: number;
  time: number;
}

/** Records that are longer than a message may be, and have come in part. */
export class LongRecords {
  readonly #open = new Map<string, LongRecord>();

  /** The sequence of the oldest message that is needed still. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { sequence } of this.#open.values()) oldest = Math.min(oldest, sequence);
    return oldest;
  }

  /** Adds a part; the whole record when it was the last one. What does not go on where the last part ended is left out. */
  add({ sequence, time, bytes, records }: StreamMessage): Buffer | undefined {
    const { writer, first: number, part } = records!;
    const { offset, total } = part!;
    if (offset === 0) this.#open.set(writer, { writer, number, total, parts: [], length: 0, sequence, time });
    const record = this.#open.get(writer);
    if (record === undefined || record.number !== number || record.total !== total || record.length !== offset)
      return undefined;
    record.parts.push(bytes);
    record.length += bytes.length;
    record.time = time;
    if (record.length < total) return undefined;
    this.#open.delete(writer);
    return Buffer.concat(record.parts, total);
  }

  /** Gives up what was begun and not ended: of a writer that is past it, or that is silent for too long. */
  forget(writer: string | undefined, time: number): void {
    if (writer !== undefined) this.#open.delete(writer);
    for (const record of this.#open.values()) if (time - record.time > LONGEST_WAIT) this.#open.delete(record.writer);
  }
}
