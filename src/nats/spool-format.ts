import { crc32 } from "node:zlib";
import type { FileSystem } from "../platform/file-system.js";
import type { Shipment } from "./shipment.js";
import { isWriterName } from "./wire.js";

/*
 * The form of a file of a spool, written and read here alone:
 *
 *   0  magic     8  sent up to     16  length of the identity, its CRC-32     24  identity: JSON
 *   4096 frames, each: length of the rest, its CRC-32, number of the first record, how many, how many lengths;
 *        the lengths; the records
 */

const MAGIC = Buffer.from("CLHNATS1");
const SENT_AT = 8;
const IDENTITY_AT = 24;
const FRAME_HEAD = 8;
const NUMBERS = 16;

/** Where the first frame begins. */
export const FRAMES = 4096;

/** Whose records these are, and where they are to go. */
export interface SpoolIdentity {
  readonly writer: string;
  /** With the writer as its last part. */
  readonly subject: string;
  readonly stream: string;
  readonly servers: readonly string[];
  /** `"written"`: its records are needed until they are in the log. */
  readonly acknowledge: string;
}

/** The disk does not give back what was written. */
export class DamagedFrame extends Error {
  override readonly name = "DamagedFrame";

  constructor(at: number) {
    super(`its bytes from ${at} on are not what was written`);
  }
}

/** A frame of which all bytes are there. */
export interface Frame {
  readonly shipment: Shipment;
  /** Where the next one begins. */
  readonly end: number;
}

/** @throws RangeError for an identity that does not fit */
export function writeHeader(fs: FileSystem, fd: number, identity: SpoolIdentity): void {
  const json = Buffer.from(JSON.stringify(identity));
  if (IDENTITY_AT + json.length > FRAMES) throw new RangeError("the names of servers, stream and subject are too long");
  const bytes = Buffer.alloc(FRAMES);
  MAGIC.copy(bytes);
  bytes.writeDoubleLE(FRAMES, SENT_AT);
  bytes.writeUInt32LE(json.length, 16);
  bytes.writeUInt32LE(crc32(json), 20);
  json.copy(bytes, IDENTITY_AT);
  fs.writeAt(fd, bytes, 0);
}

export function writeSent(fs: FileSystem, fd: number, sent: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(sent, 0);
  fs.writeAt(fd, bytes, SENT_AT);
}

/**
 * `"empty"` for a file whose process was killed before its header was there; undefined for what is no spool.
 * A place that cannot be is the beginning: what is sent again is told apart by its numbers.
 */
export function readHeader(
  fs: FileSystem,
  fd: number,
): { identity: SpoolIdentity; sent: number } | "empty" | undefined {
  const bytes = Buffer.alloc(FRAMES);
  const length = fs.read(fd, bytes, 0, FRAMES, 0);
  if (length < FRAMES)
    return bytes.subarray(0, Math.min(length, 8)).equals(MAGIC.subarray(0, length)) ? "empty" : undefined;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const size = bytes.readUInt32LE(16);
  const json = bytes.subarray(IDENTITY_AT, IDENTITY_AT + size);
  if (json.length < size || crc32(json) !== bytes.readUInt32LE(20)) return undefined;
  const identity = identityOf(JSON.parse(json.toString()));
  const sent = bytes.readDoubleLE(SENT_AT);
  return identity && { identity, sent: Number.isSafeInteger(sent) && sent >= FRAMES ? sent : FRAMES };
}

function identityOf(value: Partial<Record<keyof SpoolIdentity, unknown>>): SpoolIdentity | undefined {
  const { writer, subject, stream, servers, acknowledge } = value;
  const isOne = typeof writer === "string" && typeof subject === "string" && typeof stream === "string";
  if (!isOne || !isWriterName(writer) || !subject.endsWith(`.${writer}`) || !Array.isArray(servers)) return undefined;
  return { writer, subject, stream, servers: servers.map(String), acknowledge: String(acknowledge) };
}

export function toFrame({ first, count, bytes, lengths = [] }: Shipment): Buffer {
  const rest = NUMBERS + 4 * lengths.length + bytes.length;
  const frame = Buffer.allocUnsafe(FRAME_HEAD + rest);
  frame.writeUInt32LE(rest, 0);
  frame.writeDoubleLE(first, FRAME_HEAD);
  frame.writeUInt32LE(count, FRAME_HEAD + 8);
  frame.writeUInt32LE(lengths.length, FRAME_HEAD + 12);
  for (const [i, length] of lengths.entries()) frame.writeUInt32LE(length, FRAME_HEAD + NUMBERS + 4 * i);
  bytes.copy(frame, FRAME_HEAD + NUMBERS + 4 * lengths.length);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEAD)), 4);
  return frame;
}

/**
 * The frame at `at`; undefined when it is not whole: a kill has cut it off, and no write has returned for it.
 * @throws {DamagedFrame} where it has all its bytes, and they are others than were written
 */
export function readFrame(fs: FileSystem, fd: number, at: number, end: number): Frame | undefined {
  const head = Buffer.alloc(FRAME_HEAD);
  if (at + FRAME_HEAD > end || fs.read(fd, head, 0, FRAME_HEAD, at) < FRAME_HEAD) return undefined;
  const length = head.readUInt32LE(0);
  if (at + FRAME_HEAD + length > end) return undefined;
  const rest = Buffer.allocUnsafe(length);
  if (fs.read(fd, rest, 0, length, at + FRAME_HEAD) < length) return undefined;
  if (length < NUMBERS || crc32(rest) !== head.readUInt32LE(4)) throw new DamagedFrame(at);
  const lengths = Array.from({ length: rest.readUInt32LE(12) }, (_, i) => rest.readUInt32LE(NUMBERS + 4 * i));
  const shipment: Shipment = {
    first: rest.readDoubleLE(0),
    count: rest.readUInt32LE(8),
    bytes: rest.subarray(NUMBERS + 4 * lengths.length),
    ...(lengths.length > 0 && { lengths }),
  };
  return { shipment, end: at + FRAME_HEAD + length };
}
