import { refused } from "../../options/validation.js";
import { decode, encode, findCodec } from "../../records/encodings.js";
import { Header } from "../../records/header.js";
import type { SettingsLeft } from "../../writer/settings-file.js";
import { AUTO, type RecordFormat } from "../fields/record-format.js";

/** How the records of a log are told apart and become text. */
export class LineFormat {
  /** What ends a record, in bytes. */
  readonly end: Buffer;
  /** What else of the terminator stands before that. */
  readonly beforeEnd: Buffer;
  /** Bytes of the smallest character. */
  readonly unit: number;
  readonly byteOrderMark: Buffer;
  readonly isUtf8: boolean;
  readonly header: Header | undefined;
  /** The form of its records. */
  readonly records: RecordFormat;
  readonly #codec: string;

  constructor(encoding: string, terminator: string, records = AUTO, header = "") {
    this.records = records;
    const codec = findCodec(encoding);
    if (codec === undefined) throw refused("encoding", encoding, 'an encoding such as "utf-8", "latin-1" or "cp1252"');
    this.#codec = codec.name;
    this.isUtf8 = codec.name === "utf8";
    this.byteOrderMark = codec.byteOrderMark;
    // A record that was cut off ends with a bare line feed, whatever the terminator.
    const end = terminator.endsWith("\n") || terminator === "" ? "\n" : terminator;
    this.end = this.#encode(end);
    this.beforeEnd = this.#encode(terminator.slice(0, Math.max(0, terminator.length - end.length)));
    this.unit = this.#encode("\n").length;
    if (header !== "") this.header = new Header(this.#encode(header));
  }

  decode(bytes: Buffer, start = 0, end = bytes.length): string {
    if (this.isUtf8) return bytes.toString("utf8", start, end); // a view of a part would take as long again
    return decode(bytes.subarray(start, end), this.#codec);
  }

  /**
   * How many bytes at the head of a file are no record: its byte order mark, and its header; undefined when that has begun
   * and is not whole.
   */
  headLength(bytes: Buffer): number | undefined {
    const length = this.markLength(bytes);
    const found = this.header?.find(bytes, length);
    if (found === undefined) return length;
    return found.missing.length === 0 ? length + found.length : undefined;
  }

  /** The same without the header. */
  markLength(bytes: Buffer): number {
    const { byteOrderMark: mark } = this;
    return bytes.subarray(0, mark.length).equals(mark) ? mark.length : 0;
  }

  /** Where the last record that is whole ends in `bytes`, looking from `from` on; 0 when none does. */
  lastEnd(bytes: Buffer, from: number): number {
    let at = bytes.lastIndexOf(this.end);
    while (at >= from && at % this.unit !== 0) at = at === 0 ? -1 : bytes.lastIndexOf(this.end, at - 1);
    return at >= from ? at + this.end.length : 0;
  }

  /** Where the record that begins at `start` ends, its terminator included; -1 when it does not. */
  endOf(bytes: Buffer, start: number): number {
    let at = this.end.length === 1 ? bytes.indexOf(this.end[0]!, start) : bytes.indexOf(this.end, start);
    while (at !== -1 && (at - start) % this.unit !== 0) at = bytes.indexOf(this.end, at + 1);
    return at === -1 ? -1 : at + this.end.length;
  }

  /** How many of the bytes from `start` to `next` are the terminator. */
  terminatorLength(bytes: Buffer, start: number, next: number): number {
    const { end, beforeEnd } = this;
    if (beforeEnd.length === 0) return end.length;
    const at = next - end.length - beforeEnd.length;
    const isLong = at >= start && beforeEnd.equals(bytes.subarray(at, at + beforeEnd.length));
    return end.length + (isLong ? beforeEnd.length : 0);
  }

  #encode(text: string): Buffer {
    return encode(text, this.#codec);
  }
}

/**
 * As the options say; else as the writers of the log have left it beside it; else lines of UTF-8.
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function lineFormatOf(
  given: { encoding?: string | undefined; terminator?: string | undefined; header?: string | undefined },
  left: SettingsLeft | undefined,
  records?: RecordFormat,
): LineFormat {
  const settings = left?.settings ?? {};
  const { encoding, terminator: theirs } = textOptions(settings, given.encoding);
  const terminator = given.terminator ?? theirs;
  const header = given.header === undefined ? settings.header : terminated(given.header, terminator);
  return new LineFormat(encoding, terminator, records, typeof header === "string" ? header : "");
}

/** As writers with this terminator write a text. */
function terminated(text: string, terminator: string): string {
  const written = terminator === "\r\n" ? text.replaceAll("\n", terminator) : text;
  return written === "" || written.endsWith(terminator) ? written : written + (terminator || "\n");
}

/** The options `encoding` and `terminator` of writers that have left such settings. */
export function textOptions(
  { encoding: name = "utf8", terminator = "" }: SettingsLeft["settings"],
  encoding?: string,
): { encoding: string; terminator: string } {
  const [codec, mark] = String(name).split(" ", 2);
  const all = encoding ?? (mark === undefined ? codec! : (MARKED.get(codec!) ?? codec!));
  const text = new LineFormat(all, "\n").decode(Buffer.from(String(terminator), "latin1"));
  return { encoding: all, terminator: text || "\n" };
}

const MARKED = new Map([
  ["utf8", "utf-8-sig"],
  ["utf-16le", "utf-16"],
  ["utf-32le", "utf-32"],
]);
