/*
 * The form of a message in the stream, built and read here alone; docs/reference/nats-wire.md is its contract. The payload
 * is records as they are to be in the file, each with its line feed; these headers say which ones they are.
 */

/** Lets the engine drop what it has had within its window. */
const ID_HEADER = "Nats-Msg-Id";
/** Name of the writer: also the last part of the subject. */
const WRITER_HEADER = "Clh-Writer";
/** Number of the first record; each writer counts from 1. */
const FIRST_HEADER = "Clh-First";
/** How many records there are. */
const COUNT_HEADER = "Clh-Count";
/** Bytes of each record, with commas between them: only where a record has a line feed before its end. */
const LENGTHS_HEADER = "Clh-Lengths";
/** `written`: the writer keeps its records until they are in the log, and sends them again from where they are missing. */
const ACKNOWLEDGE_HEADER = "Clh-Acknowledge";
/** `offset/total`: the payload is that part of one record which is longer than a message may be. */
const PART_HEADER = "Clh-Part";

/** Bytes of the longest record that goes through a stream: a collector has all of its parts in memory. */
export const LONGEST_RECORD = 64 * 1024 ** 2;

const WRITER = /^[A-Za-z0-9_-]{1,64}$/;
const NUMBER = /^[1-9]\d{0,15}$/;
const PART = /^(0|[1-9]\d{0,8})\/([1-9]\d{0,8})$/;
const LENGTHS = /^[1-9]\d{0,8}(?:,[1-9]\d{0,8})*$/;
const LINE_FEED = 0x0a;

/** A part of one record. */
interface Part {
  /** Where it begins in the record, in bytes. */
  readonly offset: number;
  /** Bytes of the whole record. */
  readonly total: number;
}

/** Which records a message has. */
export interface WireRecords {
  readonly writer: string;
  /** Number of the first one, from 1 on. */
  readonly first: number;
  readonly count: number;
  /** Bytes of each; undefined where each ends at its first line feed. */
  readonly lengths?: readonly number[] | undefined;
  /** The payload is a part of the one record. */
  readonly part?: Part | undefined;
}

/** A message that has our headers, but not as the contract says: why, as a part of a sentence. */
export interface Malformed {
  readonly malformed: string;
}

/** The parts of a message that are read, as every client of NATS has them. */
export interface ReceivedMessage {
  readonly subject: string;
  readonly headers?: { get(name: string): string } | undefined;
  readonly data: Uint8Array;
}

/** True for a name that a writer may have: it is a part of a subject, and of lines that people read. */
export function isWriterName(name: string): boolean {
  return WRITER.test(name);
}

/** The subject on which a collector tells the writer of `subject` up to which record its log has them all. */
export function positionSubject(stream: string, subject: string): string {
  return `clh-written.${stream}.${subject}`;
}

/** The number in a message on {@link positionSubject}; undefined for anything else. */
export function readPosition(data: Uint8Array): number | undefined {
  return data.length > 16 ? undefined : numberOf(Buffer.from(data).toString("latin1"), 0);
}

/**
 * The headers of a message.
 * @param size bytes of its payload
 * @param acknowledge as the option of the writer
 * @param attempt how often these records were taken back and sent anew, so that the engine does not drop them: the first
 *   time, and whenever an answer is only late, 0
 */
export function headersOf(
  { writer, first, count, lengths, part }: WireRecords,
  size: number,
  acknowledge = "spilled",
  attempt = 0,
): [name: string, value: string][] {
  // All that an engine takes for the same must be the same: other limits cut the same records in other places.
  const id = [
    writer,
    first,
    count,
    ...(part ? [`${part.offset}+${size}`] : []),
    ...(attempt > 0 ? [`r${attempt}`] : []),
  ];
  return [
    [ID_HEADER, id.join(":")],
    [WRITER_HEADER, writer],
    [FIRST_HEADER, String(first)],
    [COUNT_HEADER, String(count)],
    ...(lengths === undefined ? [] : [[LENGTHS_HEADER, lengths.join(",")] as [string, string]]),
    ...(part === undefined ? [] : [[PART_HEADER, `${part.offset}/${part.total}`] as [string, string]]),
    ...(acknowledge === "written" ? [[ACKNOWLEDGE_HEADER, acknowledge] as [string, string]] : []),
  ];
}

/** True for the records of a writer that sends them again when they are missing. */
export function isKept({ headers }: ReceivedMessage): boolean {
  return headers?.get(ACKNOWLEDGE_HEADER) === "written";
}

/** Which records a message has; undefined for one of somebody else, which has none of our headers. */
export function readMessage(message: ReceivedMessage): WireRecords | Malformed | undefined {
  const get = (name: string) => message.headers?.get(name) || undefined;
  const [writer, firstText, countText, lengthsText, partText] = [
    get(WRITER_HEADER),
    get(FIRST_HEADER),
    get(COUNT_HEADER),
    get(LENGTHS_HEADER),
    get(PART_HEADER),
  ];
  if ((writer ?? firstText ?? countText ?? lengthsText ?? partText) === undefined) return undefined;
  if (writer === undefined || !isWriterName(writer)) return malformed(WRITER_HEADER, writer);
  if (message.subject.slice(message.subject.lastIndexOf(".") + 1) !== writer)
    return { malformed: `${WRITER_HEADER} is not the last part of its subject` };
  const first = numberOf(firstText);
  const count = numberOf(countText);
  if (first === undefined) return malformed(FIRST_HEADER, firstText);
  if (count === undefined || !Number.isSafeInteger(first + count)) return malformed(COUNT_HEADER, countText);
  const ids = { writer, first, count };
  if (partText !== undefined) return readPart(ids, partText, lengthsText, message.data.length);
  return lengthsText === undefined ? readLines(ids, message.data) : readLengths(ids, lengthsText, message.data.length);
}

function readPart(ids: WireRecords, text: string, lengths: string | undefined, size: number): WireRecords | Malformed {
  const [, offset, total] = PART.exec(text) ?? [];
  const part = { offset: Number(offset), total: Number(total) };
  const isInside = size > 0 && part.offset + size <= part.total && part.total <= LONGEST_RECORD;
  if (!isInside || ids.count !== 1 || lengths !== undefined) return malformed(PART_HEADER, text);
  return { ...ids, part };
}

function readLengths(ids: WireRecords, text: string, size: number): WireRecords | Malformed {
  const lengths = LENGTHS.test(text) ? text.split(",").map(Number) : [];
  const sum = lengths.reduce((all, length) => all + length, 0);
  if (lengths.length !== ids.count || sum !== size) return malformed(LENGTHS_HEADER, text);
  return { ...ids, lengths };
}

function readLines(ids: WireRecords, data: Uint8Array): WireRecords | Malformed {
  let found = 0;
  for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) found++;
  if (found !== ids.count || data[data.length - 1] !== LINE_FEED)
    return { malformed: `${COUNT_HEADER} says ${ids.count} records, and the payload has ${found} whole lines` };
  return ids;
}

/** A whole number in decimal, as small as JavaScript can count; undefined for anything else. */
function numberOf(text: string | undefined, least: 0 | 1 = 1): number | undefined {
  if (text === "0" && least === 0) return 0;
  const value = text !== undefined && NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function malformed(header: string, value: string | undefined): Malformed {
  return {
    malformed: value === undefined ? `${header} is missing` : `${header} is ${JSON.stringify(value.slice(0, 80))}`,
  };
}
