import type { StreamPlace, WriterPlace } from "../cursor/cursor-format.js";
import type { NumberedRecords } from "./stream-message.js";

const LINE_FEED = 0x0a;
const LINE_FEEDS = "\n";

/** Records that were taken from the stream and are to be appended next, with the place that the stream has then. */
export class PendingBatch {
  readonly #terminator: Buffer;
  readonly #parts: Buffer[] = [];
  readonly ends: number[] = [];
  /** Writers that it brings further. */
  readonly writers = new Map<string, WriterPlace>();
  place: StreamPlace;
  length = 0;
  /** True when there is something to note, if only the place. */
  isUsed = false;

  constructor(terminator: Buffer, place: StreamPlace) {
    this.#terminator = terminator;
    this.place = place;
  }

  get bytes(): Buffer {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.length);
  }

  /** Adds one record, with its terminator where that is missing. */
  addRecord(record: Buffer): void {
    this.#push(record);
    if (record.at(-1) !== LINE_FEED && !record.subarray(-this.#terminator.length).equals(this.#terminator))
      this.#push(this.#terminator);
    this.ends.push(this.length);
  }

  /** Adds the records of a message but for the first `skipped`. */
  addRecords(bytes: Buffer, { lengths }: NumberedRecords, skipped: number): void {
    const ends = lengths === undefined ? endsOfLines(bytes) : endsOf(lengths);
    const start = skipped === 0 ? 0 : ends[skipped - 1]!;
    const base = this.length - start;
    for (let i = skipped; i < ends.length; i++) this.ends.push(base + ends[i]!);
    this.#push(bytes.subarray(start));
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.length += bytes.length;
  }
}

function endsOf(lengths: readonly number[]): number[] {
  let end = 0;
  return lengths.map((length) => (end += length));
}

/** By way of a text of one byte a character, in which a line feed is found in a third of the time. */
function endsOfLines(bytes: Buffer): number[] {
  const text = bytes.toString("latin1");
  const ends: number[] = [];
  for (let at = text.indexOf(LINE_FEEDS); at !== -1; at = text.indexOf(LINE_FEEDS, at + 1)) ends.push(at + 1);
  return ends;
}
