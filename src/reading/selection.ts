import type { LogFile } from "../log-files/list-files.js";
import { timeOf } from "./record-time.js";
import type { Block, LogRecord } from "./records/block.js";

/** Which records of a log are wanted. All conditions that are given hold. */
export interface Selection {
  /**
   * Only records of this time and later: a date, or milliseconds since 1970. The time is what the record itself says, as
   * an ISO 8601 date or in a JSON key such as `time`; one that says nothing belongs to the one before it.
   */
  readonly since?: Date | number;
  /** Only records before this time. */
  readonly until?: Date | number;
  /** Only records whose text matches. */
  readonly grep?: RegExp;
  /** Only the last so many of them. */
  readonly last?: number;
}

/**
 * Those of the records of `blocks` that are wanted, in order.
 * @param isEnded asked before each record; then no more come
 * @internal
 */
export async function* select(
  blocks: AsyncIterable<Block>,
  selection: Selection,
  isEnded: () => boolean = () => false,
): AsyncGenerator<LogRecord, void> {
  const { last } = selection;
  if (last === undefined) {
    yield* matching(blocks, selection, isEnded);
    return;
  }
  // A ring: the oldest of the last ones is overwritten.
  const kept: LogRecord[] = [];
  let count = 0;
  if (last > 0)
    for await (const record of matching(blocks, selection, isEnded)) kept[count++ % last] = record.detached();
  for (let i = Math.max(0, count - last); i < count && !isEnded(); i++) yield kept[i % last]!;
}

async function* matching(
  blocks: AsyncIterable<Block>,
  { since, until, grep }: Selection,
  isEnded: () => boolean,
): AsyncGenerator<LogRecord, void> {
  const isTimed = since !== undefined || until !== undefined;
  const from = Number(since ?? Number.NEGATIVE_INFINITY);
  const to = Number(until ?? Number.POSITIVE_INFINITY);
  const pattern = grep === undefined ? undefined : new RegExp(grep.source, grep.flags.replace(/[gy]/g, ""));
  let time: number | undefined;
  for await (const block of blocks) {
    for (const record of block.records()) {
      if (isEnded()) return;
      if (isTimed) {
        time = timeOf(record.text) ?? time;
        if (time === undefined || !(time >= from && time < to)) continue;
      }
      if (pattern?.test(record.text) === false) continue;
      yield record;
    }
  }
}

// Milliseconds that a date without a zone, taken for a local one, may be off: from UTC-12 to UTC+14.
const ZONES = 26 * 3_600_000;

/** False when all records of the file are older than wanted: it was not written since. @internal */
export function isWantedFile({ since }: Selection, { status, kind }: LogFile): boolean {
  return since === undefined || kind === "active" || status.modifiedAt * 1000 + ZONES >= Number(since);
}
