import type { Batch } from "../records/batch.js";
import type { WireRecords } from "./wire.js";

/** Records of one writer that are sent together, and put on the disk together. */
export interface Shipment {
  /** Number of the first one, from 1 on. */
  readonly first: number;
  readonly count: number;
  /** All of them, each with its line feed. */
  readonly bytes: Buffer;
  /** Bytes of each; undefined where each ends at its first line feed. */
  readonly lengths?: readonly number[] | undefined;
}

/** A message: a shipment, or a part of one that is larger than a message may be. */
export interface Piece {
  readonly records: WireRecords;
  readonly bytes: Buffer;
}

// Bytes of a message that its headers may take, and of one length in them: a number of up to nine digits, and a comma.
const MOST_HEADERS = 8 * 1024;
const OTHER_HEADERS = 512;
const LENGTH_IN_HEADER = 10;

const LINE_FEED = 0x0a;

/** The number of the last record. */
export function lastOf({ first, count }: Pick<Shipment, "first" | "count">): number {
  return first + count - 1;
}

/** Copies what waits in a batch. */
export function shipmentOf(batch: Batch, first: number): Shipment {
  const { count } = batch;
  const bytes = Buffer.from(batch.bytes.subarray(batch.start, batch.end));
  if (countLines(bytes) === count) return { first, count, bytes };
  return { first, count, bytes, lengths: [...batch.records()].map(({ length }) => length) };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

/** Several that follow one another, as one. */
export function joined(shipments: readonly Shipment[]): Shipment {
  if (shipments.length === 1) return shipments[0]!;
  const count = shipments.reduce((sum, each) => sum + each.count, 0);
  const isPlain = shipments.every(({ lengths }) => lengths === undefined);
  return {
    first: shipments[0]!.first,
    count,
    bytes: Buffer.concat(shipments.map(({ bytes }) => bytes)),
    ...(!isPlain && { lengths: shipments.flatMap(lengthsOf) }),
  };
}

/**
 * As messages of which none is larger than a server takes.
 * @param maxPayload bytes of headers and payload together, as the server tells
 */
export function* cut(shipment: Shipment, writer: string, maxPayload: number): Generator<Piece> {
  const headers = Math.min(MOST_HEADERS, Math.floor(maxPayload / 2));
  const room = maxPayload - headers;
  const most = Math.max(1, Math.floor((headers - OTHER_HEADERS) / LENGTH_IN_HEADER));
  const { first, count, bytes, lengths } = shipment;
  if (bytes.length <= room && (lengths?.length ?? 0) <= most) {
    yield { records: { writer, first, count, lengths }, bytes };
    return;
  }
  const all = lengthsOf(shipment);
  for (let i = 0, start = 0, next = 0; i < count; i = next) {
    let end = start + all[i]!;
    for (next = i + 1; next < count && end + all[next]! - start <= room && next - i < most; next++) end += all[next]!;
    const these = lengths === undefined ? undefined : all.slice(i, next);
    const records = { writer, first: first + i, count: next - i, lengths: these };
    if (end - start <= room) yield { records, bytes: bytes.subarray(start, end) };
    else yield* partsOf(writer, first + i, bytes.subarray(start, end), room);
    start = end;
  }
}

function* partsOf(writer: string, first: number, record: Buffer, room: number): Generator<Piece> {
  for (let offset = 0; offset < record.length; offset += room) {
    const part = { offset, total: record.length };
    yield { records: { writer, first, count: 1, part }, bytes: record.subarray(offset, offset + room) };
  }
}

function lengthsOf({ bytes, count, lengths }: Shipment): readonly number[] {
  if (lengths !== undefined) return lengths;
  const found: number[] = [];
  for (let start = 0; found.length < count; ) {
    const end = bytes.indexOf(LINE_FEED, start) + 1;
    found.push(end - start);
    start = end;
  }
  return found;
}
