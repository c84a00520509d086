import type { WireRecords } from "../../src/nats/wire.js";

const LINE_FEED = 0x0a;

/** The records of a message that is no part of one, each with its line feed. */
export function* recordsOf({ count, lengths }: WireRecords, data: Buffer): Generator<Buffer> {
  for (let i = 0, start = 0, end = 0; i < count; i++, start = end) {
    end = lengths === undefined ? data.indexOf(LINE_FEED, start) + 1 : start + lengths[i]!;
    yield data.subarray(start, end);
  }
}
