import { LogFileError } from "../base/errors.js";
import type { CursorFile } from "../cursor/cursor-file.js";
import type { WriterPlace } from "../cursor/cursor-format.js";
import type { Encoder } from "../records/encoder.js";
import { LongRecords } from "./long-records.js";
import { PendingBatch } from "./pending-batch.js";
import type { StreamMessage, StreamState } from "./stream-message.js";

/** Records of a writer that the stream has lost. */
export interface Gap {
  /** Name of the stream. */
  readonly stream: string;
  /** The subject on which the writer publishes; its last part is the writer's name. */
  readonly writer: string;
  /** Number of the first record that is missing; each writer counts its records from 1. */
  readonly first: number;
  /** Number of the last one that is missing. */
  readonly last: number;
}

/** Counts of messages, records and bytes that were collected. */
export interface CollectCounts {
  messages: number;
  records: number;
  bytes: number;
  /** Records that were in the log already, and were not written again. */
  doubled: number;
  /** Gaps, and how many records are missing in all of them. */
  gaps: number;
  missing: number;
}

/** Told what there is to say of a stream. */
export interface CollectorEvents {
  gap(gap: Gap, error: LogFileError): void;
  warning(error: LogFileError): void;
  /** A writer wants to know how far its records are in the log, though nothing new is. */
  asked(writer: string): void;
}

type CursorToRead = Pick<CursorFile, "place" | "writers" | "isNew" | "damage" | "path">;

const NOTHING: WriterPlace = { last: 0, time: 0 };

/** Decides what of each message is to be appended: each record of a writer once, and in its order. Touches no disk. */
export class Collector {
  readonly counts: CollectCounts = { messages: 0, records: 0, bytes: 0, doubled: 0, gaps: 0, missing: 0 };
  readonly #stream: string;
  readonly #cursor: CursorToRead;
  readonly #encoder: Encoder;
  readonly #events: CollectorEvents;
  #long = new LongRecords();
  #pending: PendingBatch;

  constructor(stream: string, cursor: CursorToRead, encoder: Encoder, events: CollectorEvents) {
    this.#stream = stream;
    this.#cursor = cursor;
    this.#encoder = encoder;
    this.#events = events;
    this.#pending = new PendingBatch(encoder.terminator, cursor.place);
  }

  /** Bytes that wait to be appended; 0 also when only the place is to be noted. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  get hasPending(): boolean {
    return this.#pending.isUsed;
  }

  /** Where the stream is to be read from, after a look at it. What was taken and not appended is read again. */
  startAt({ identity, first, last }: StreamState): number {
    const { place, isNew, damage, path } = this.#cursor;
    this.#long = new LongRecords();
    let { sequence, seen, isComplete } = place;
    if (isNew || damage !== undefined || place.stream === "") {
      isComplete = first <= 1 && damage === undefined;
      if (damage !== undefined) this.#warn(`${path} is damaged: ${damage}. ${AGAIN}`);
      else if (!isComplete)
        this.#warn(
          `There is no ${path}, though messages of the stream ${this.#stream} were deleted already: it was collected before. ${AGAIN}`,
        );
    } else if (place.stream !== identity || last < seen) {
      const what = place.stream === identity ? "has gone back" : "was deleted and made anew";
      this.#warn(
        `The stream ${this.#stream} ${what}. It is read from its beginning; records that are in the log already are left out by their numbers.`,
      );
      sequence = seen = 0;
    } else if (first > seen + 1)
      this.#warn(
        `Messages of the stream ${this.#stream} were deleted before they were collected: from ${seen + 1} to ${first - 1}. Records that are missing are told of as gaps.`,
      );
    this.#pending = new PendingBatch(this.#encoder.terminator, { stream: identity, sequence, seen, isComplete });
    return sequence;
  }

  add(message: StreamMessage): void {
    const { sequence, time, bytes, records } = message;
    const { place } = this.#pending;
    this.counts.messages++;
    if (records !== undefined) this.#addNumbered(message);
    else if (sequence > place.seen && bytes.length > 0) {
      this.#pending.addRecord(bytes);
      this.counts.records++;
    }
    this.#long.forget(undefined, time);
    const seen = Math.max(sequence, place.seen);
    this.#pending.place = { ...place, seen, sequence: Math.min(sequence, this.#long.oldest - 1) };
    this.#pending.isUsed = true;
  }

  /** Hands over the records that are to be appended next, and begins a new batch. */
  take(): PendingBatch {
    const taken = this.#pending;
    this.counts.bytes += taken.length;
    this.#pending = new PendingBatch(this.#encoder.terminator, taken.place);
    return taken;
  }

  /** Number of the last record of a writer that was taken. */
  #placeOf(writer: string): WriterPlace {
    return this.#pending.writers.get(writer) ?? this.#cursor.writers.get(writer) ?? NOTHING;
  }

  #addNumbered(message: StreamMessage): void {
    const { time, bytes } = message;
    const records = message.records!;
    const { writer, first, count } = records;
    const { last } = this.#placeOf(writer);
    const end = first + count - 1;
    if (end <= last) {
      this.counts.doubled += count;
      this.#events.asked(writer);
      return;
    }
    if (first > last + 1) {
      if (!this.#passGap(writer, last + 1, first - 1, records.isKept === true)) return;
      this.#pending.writers.set(writer, { last: first - 1, time });
    }
    let record: Buffer | undefined;
    if (records.part !== undefined) {
      record = this.#long.add(message);
      if (record === undefined) return;
      this.#pending.addRecord(record);
    } else {
      this.#long.forget(writer, time);
      this.#pending.addRecords(bytes, records, Math.max(0, last + 1 - first));
    }
    const isNews = Math.max(first, last + 1);
    this.counts.doubled += isNews - first;
    this.counts.records += end - isNews + 1;
    this.#pending.writers.set(writer, { last: end, time });
  }

  /** Tells and marks that records are missing; false when their writer still has them, and sends them again. */
  #passGap(writer: string, first: number, last: number, isKept: boolean): boolean {
    const { isComplete } = this.#pending.place;
    if (first === 1 && !isComplete) return true; // its first records may be in the log, and be forgotten
    if (isKept) {
      this.#events.asked(writer);
      return false;
    }
    const count = last - first + 1;
    const missing = `${count.toLocaleString("en")} ${count === 1 ? "record" : "records"} of ${writer} ${count === 1 ? "is" : "are"} missing`;
    this.counts.gaps++;
    this.counts.missing += count;
    const mark = this.#encoder.encode(`[concurrent-log-handler] ${missing}: the stream ${this.#stream} has lost them`);
    this.#pending.addRecord(Buffer.from(mark.bytes.subarray(mark.start, mark.end)));
    const message = `${missing} in the stream ${this.#stream} (numbers ${first} to ${last}). Servers have lost acknowledged messages: see whether several were killed, or lost power or disks. Writers with \`acknowledge: "written"\` send such records again.`;
    this.#events.gap({ stream: this.#stream, writer, first, last }, new LogFileError("ERR_CLH_GAP", message));
    return true;
  }

  #warn(message: string): void {
    this.#events.warning(new LogFileError("ERR_CLH_CURSOR", message, { path: this.#cursor.path }));
  }
}

const AGAIN =
  "The stream is read from its beginning: records that it still has and that are in the log already may be there twice. A copy of the cursor from a backup prevents that.";
