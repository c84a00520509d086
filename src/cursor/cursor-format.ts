import { crc32 } from "node:zlib";
import { FileStatus, type FileSystem } from "../platform/file-system.js";
import { readChunks } from "../platform/read-chunks.js";

/*
 * The form of a cursor, written and read here alone:
 *
 *   0, 512       intents, written in turn: a torn one leaves the one before it
 *   4096         slot 0
 *   4096 + 8 MiB slot 1, which has no end
 *
 * A slot is a chain of entries: first one that has all writers, then such as have those that have changed, each with the
 * batch that is about to be appended. An entry is written behind the last one, or at the start of the other slot: so
 * whatever is torn, the state before it is there.
 */

const SLOT_BYTES = 8 * 1024 ** 2;
/** Where they begin: before them are the intents. */
export const SLOTS = 4096;
const INTENT_BYTES = 64;
const INTENT_CRC = 56;
const INTENT_PLACES = 512;
const ENTRY_MAGIC = 0x43484c43;
const HEAD_BYTES = 32;
const CHECKED = 8;
const CHUNK = 1024 ** 2;

/** How far a writer is. */
export interface WriterPlace {
  /** Number of its last record in the log. */
  readonly last: number;
  /** When the stream got that, in milliseconds since 1970. */
  readonly time: number;
}

/** Where a collector is in its stream. */
export interface StreamPlace {
  /** Tells the stream from a later one of its name; empty before the first look at one. */
  readonly stream: string;
  /** All messages up to this one are in the log. */
  readonly sequence: number;
  /** As far as messages were looked at: those of numbered writers may have to be read again, all others not. */
  readonly seen: number;
  /** False when writers may be unknown that have written before: forgotten ones, or those of messages that were deleted. */
  readonly isComplete: boolean;
}

/** The content of one entry. */
export interface Entry {
  readonly generation: number;
  readonly place: StreamPlace;
  /** All writers, and not only those that have changed. */
  readonly isWhole: boolean;
  readonly writers: readonly (readonly [name: string, place: WriterPlace])[];
  /** The batch that was about to be appended. */
  readonly bytes: Buffer;
  /** Where each record ends in it. */
  readonly ends: readonly number[];
}

/** The bytes that are about to be appended, or have been, and the file that gets them. */
export interface Intent {
  /** Of the entry whose batch is meant. */
  generation: number;
  /** Bytes of the batch that are in the log. */
  done: number;
  /** Up to where the batch is about to be appended; 0 when nothing is. */
  end: number;
  file: FileStatus;
  /** Where in that. */
  offset: number;
  /** Counts intents. */
  serial: number;
}

/** A slot as it was read. */
export interface Slot {
  readonly index: number;
  /** The state that its entries make together; undefined when there is none. */
  readonly entry: Entry | undefined;
  /** Where the last whole entry ends in the file. */
  readonly end: number;
  /** Something was written there, or behind it. */
  readonly isUsed: boolean;
}

export function newIntent(): Intent {
  return { generation: 0, done: 0, end: 0, file: new FileStatus(), offset: 0, serial: 0 };
}

export function startOfSlot(index: number): number {
  return SLOTS + index * SLOT_BYTES;
}

/** Whether a slot has room for so many bytes from `position` on. */
export function hasRoom(index: number, position: number, length: number): boolean {
  return position + length <= startOfSlot(index) + SLOT_BYTES;
}

export function entryToBytes({ generation, place, isWhole, writers, bytes, ends }: Entry): Buffer {
  const { stream, sequence, seen, isComplete } = place;
  const rows = writers.map(([name, { last, time }]) => [name, last, time]);
  const state = Buffer.from(JSON.stringify([stream, sequence, seen, isComplete, rows]));
  const endsAt = HEAD_BYTES + state.length;
  const all = Buffer.allocUnsafe(endsAt + 4 * ends.length + bytes.length);
  all.writeUInt32LE(ENTRY_MAGIC, 0);
  all.writeDoubleLE(generation, CHECKED);
  all.writeUInt32LE(isWhole ? 1 : 0, 16);
  all.writeUInt32LE(state.length, 20);
  all.writeUInt32LE(ends.length, 24);
  all.writeUInt32LE(bytes.length, 28);
  state.copy(all, HEAD_BYTES);
  for (const [i, end] of ends.entries()) all.writeUInt32LE(end, endsAt + 4 * i);
  bytes.copy(all, endsAt + 4 * ends.length);
  all.writeUInt32LE(crc32(all.subarray(CHECKED)), 4);
  return all;
}

/** The entry at `at`, and where it ends; undefined for one that is not whole. */
function readEntry(slot: Buffer, at: number): { entry: Entry; end: number } | undefined {
  if (at + HEAD_BYTES > slot.length || slot.readUInt32LE(at) !== ENTRY_MAGIC) return undefined;
  const [stateLength, count, length] = [20, 24, 28].map((place) => slot.readUInt32LE(at + place)) as [
    number,
    number,
    number,
  ];
  const endsAt = at + HEAD_BYTES + stateLength;
  const bytesAt = endsAt + 4 * count;
  const end = bytesAt + length;
  if (end > slot.length || crc32(slot.subarray(at + CHECKED, end)) !== slot.readUInt32LE(at + 4)) return undefined;
  const [stream, sequence, seen, isComplete, rows] = JSON.parse(slot.toString("utf8", at + HEAD_BYTES, endsAt)) as [
    string,
    number,
    number,
    boolean,
    [string, number, number][],
  ];
  const entry = {
    generation: slot.readDoubleLE(at + CHECKED),
    place: { stream, sequence, seen, isComplete },
    isWhole: slot.readUInt32LE(at + 16) === 1,
    writers: rows.map(([name, last, time]) => [name, { last, time }] as const),
    bytes: slot.subarray(bytesAt, end),
    ends: Array.from({ length: count }, (_, i) => slot.readUInt32LE(endsAt + 4 * i)),
  };
  return { entry, end };
}

/** Reads the entries of a slot, up to the first that is torn, or is left from before. */
export function readSlot(fs: FileSystem, fd: number, index: number): Slot {
  const start = startOfSlot(index);
  const limit = index === 0 ? startOfSlot(1) : Number.POSITIVE_INFINITY;
  const bytes = Buffer.concat([...readChunks(fs, fd, CHUNK, start, limit)]);
  let last: Entry | undefined;
  const writers = new Map<string, WriterPlace>();
  let at = 0;
  for (let read = readEntry(bytes, 0); read !== undefined; read = readEntry(bytes, at)) {
    const { entry } = read;
    if (last === undefined ? !entry.isWhole : entry.generation !== last.generation + 1) break;
    if (entry.isWhole) writers.clear();
    for (const [name, writer] of entry.writers) writers.set(name, writer);
    last = entry;
    at = read.end;
  }
  const entry = last && { ...last, isWhole: true, writers: [...writers], bytes: Buffer.from(last.bytes) };
  return { index, entry, end: start + at, isUsed: bytes.length > 0 };
}

export function writeIntent(fs: FileSystem, fd: number, intent: Intent): void {
  const bytes = Buffer.alloc(INTENT_BYTES);
  bytes.writeDoubleLE(intent.generation, 0);
  bytes.writeDoubleLE(intent.done, 8);
  bytes.writeDoubleLE(intent.end, 16);
  intent.file.writeIdentity(bytes, 24);
  bytes.writeDoubleLE(intent.offset, 40);
  bytes.writeDoubleLE(intent.serial, 48);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, INTENT_CRC)), INTENT_CRC);
  fs.writeAt(fd, bytes, (intent.serial % 2) * INTENT_PLACES);
}

/** The last one that is whole. */
export function readIntent(fs: FileSystem, fd: number): Intent {
  let last = newIntent();
  for (const place of [0, INTENT_PLACES]) {
    const bytes = Buffer.alloc(INTENT_BYTES);
    if (fs.read(fd, bytes, 0, INTENT_BYTES, place) < INTENT_BYTES) continue;
    if (crc32(bytes.subarray(0, INTENT_CRC)) !== bytes.readUInt32LE(INTENT_CRC)) continue;
    const serial = bytes.readDoubleLE(48);
    if (serial <= last.serial) continue;
    const file = new FileStatus();
    file.readIdentity(bytes, 24);
    last = {
      generation: bytes.readDoubleLE(0),
      done: bytes.readDoubleLE(8),
      end: bytes.readDoubleLE(16),
      file,
      offset: bytes.readDoubleLE(40),
      serial,
    };
  }
  return last;
}
