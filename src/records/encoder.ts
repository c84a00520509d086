import { inspect, types } from "node:util";
import { LogFileError } from "../base/errors.js";
import { Batch } from "./batch.js";
import { decode, encode, findCodec } from "./encodings.js";
import { Header, LONGEST_HEADER } from "./header.js";
import { endOfLines, linesOf, part } from "./line-splitter.js";
import { type Oversize, RecordLimit } from "./record-limit.js";

/** What becomes of characters that the encoding lacks: left out, written as "?", or the whole record refused. */
export type UnicodeErrorPolicy = "ignore" | "replace" | "strict";

export interface EncoderOptions {
  readonly encoding: string;
  readonly unicodeErrorPolicy: UnicodeErrorPolicy;
  /** What "\n" is written as: `null` = as the platform does, `""` = as it is. Python's `open(newline=)`. */
  readonly newline: string | null;
  readonly terminator: string;
  /** What each file begins with, or what makes it. */
  readonly header?: string | (() => string) | undefined;
  /** Bytes of a record with its terminator; none = no limit. */
  readonly maxRecordBytes?: number | null | undefined;
  readonly oversize?: Oversize;
}

const KEPT_BYTES = 64 * 1024;
const LONGEST_KEPT = KEPT_BYTES / 4; // characters: up to three bytes each in UTF-8, and room for the terminator
const ASCII = Buffer.from(Array.from({ length: 0x80 }, (_, byte) => byte));
const LINE_FEED = /\n/g;

/** Text to bytes: line endings, terminator, encoding. Touches no disk, and runs before any lock is taken. @internal */
export class Encoder {
  readonly terminator: Buffer;
  readonly byteOrderMark: Buffer;
  /** How a whole record may end: our terminator, or that of a writer with the default one. */
  readonly endings: readonly [Buffer, Buffer];
  readonly #codec: string;
  readonly #isUtf8: boolean;
  readonly #extendsAscii: boolean;
  readonly #policy: UnicodeErrorPolicy;
  readonly #encoding: string;
  readonly #newline: string;
  readonly #terminatorText: string;
  readonly #lastOfTerminator: number;
  readonly #kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
  readonly #keptBatch = new Batch(this.#kept, []);
  readonly #header: EncoderOptions["header"];
  readonly #most: number;
  readonly #limit: RecordLimit;
  readonly #canEncode = new Map<string, boolean>();

  constructor(options: EncoderOptions, platform: NodeJS.Platform = process.platform) {
    const codec = findCodec(options.encoding);
    if (codec === undefined) throw new TypeError(`unknown encoding ${options.encoding}`);
    this.#codec = codec.name;
    this.#isUtf8 = codec.name === "utf8";
    this.#extendsAscii = this.#isUtf8 || this.#toBytes(ASCII.toString("latin1")).equals(ASCII);
    this.#encoding = options.encoding;
    this.#policy = options.unicodeErrorPolicy;
    this.#newline = options.newline ?? (platform === "win32" ? "\r\n" : "");
    this.#terminatorText = options.terminator || "\n";
    this.#lastOfTerminator = this.#terminatorText.charCodeAt(this.#terminatorText.length - 1);
    this.byteOrderMark = codec.byteOrderMark;
    this.terminator = this.#toBytes(this.#translate(this.#terminatorText));
    this.endings = [this.terminator, this.#toBytes("\n")];
    this.#header = options.header;
    this.#most = options.maxRecordBytes ?? Number.POSITIVE_INFINITY;
    this.#limit = new RecordLimit(this.#most, options.oversize ?? "truncate", {
      codec: this.#codec,
      isUtf8: this.#isUtf8,
      terminator: this.terminator,
      prepare: (text) => (this.#isUtf8 ? this.#wellFormed : this.#onlyEncodable).call(this, this.#translate(text)),
      toBytes: (text) => this.#toBytes(text),
    });
  }

  /** Records that were larger than `maxRecordBytes`. */
  get oversized(): number {
    return this.#limit.count;
  }

  get hasHeader(): boolean {
    return this.#header !== undefined;
  }

  /** True when a function makes it. */
  get hasVaryingHeader(): boolean {
    return typeof this.#header === "function";
  }

  /**
   * What a new file begins with: of a function, another one at each call.
   * @throws {LogFileError} `ERR_CLH_ENCODE` under the policy `strict`; what the function throws
   */
  header(): Header {
    const text: unknown = typeof this.#header === "function" ? this.#header() : this.#header;
    if (typeof text === "string" && text.length <= LONGEST_HEADER) return this.#headerOf(text);
    throw new TypeError(
      `it returned ${inspect(text, { maxStringLength: 100 })}, and no text of at most ${LONGEST_HEADER} characters`,
    );
  }

  /** The text of {@link header} without a byte order mark, as it is in files. */
  headerText(): string {
    return decode(this.header().bytes.subarray(this.byteOrderMark.length), this.#codec);
  }

  /** Never by way of the batch that is kept: that one may be just being written. */
  #headerOf(text: string): Header {
    const bytes = [this.byteOrderMark, this.#toBytes(this.#onlyEncodable(this.#translate(text)))];
    const isWhole = text === "" || text.endsWith(this.#terminatorText);
    return new Header(Buffer.concat(isWhole ? bytes : [...bytes, this.terminator]));
  }

  /**
   * What is missing behind a record, or a byte order mark, that was cut off anywhere, so that the next record is on a
   * line of its own: a terminator that was begun is finished, and half a character filled up, with what makes another
   * one of it: the record is written again, and must not be there twice.
   * @param tail the last bytes of the file, as many as the longest of {@link endings} and the byte order mark have
   * @param size of the file, in bytes
   */
  completionOf(tail: Buffer, size: number): Buffer {
    const { byteOrderMark, terminator } = this;
    if (size < byteOrderMark.length && tail.equals(byteOrderMark.subarray(0, size)))
      return byteOrderMark.subarray(size);
    const unit = this.endings[1].length; // of UTF-16 and UTF-32, two and four bytes
    for (let begun = terminator.length - 1; begun > 0; begun--) {
      const isBegun = tail.subarray(-begun).equals(terminator.subarray(0, begun));
      if (isBegun && (size - begun) % unit === 0) return terminator.subarray(begun);
    }
    return Buffer.concat([Buffer.alloc((unit - (size % unit)) % unit, 0xff), terminator]);
  }

  /**
   * One record as bytes, with its terminator; what is put in its place where it is too large, possibly several. The batch
   * is kept and valid until the next call.
   * @param record text; or bytes that are in the log's encoding already, which are written as they are
   * @throws {LogFileError} `ERR_CLH_ENCODE` under the policy `strict`
   */
  encode(record: string | Uint8Array): Batch {
    if (typeof record !== "string" && !types.isUint8Array(record)) return this.encode(String(record)); // not everybody has types
    if (record.length > this.#most) return this.#limited(record); // no character has less than a byte
    const batch = typeof record === "string" ? this.#fromText(record) : this.#fromBytes(record);
    return batch.end > this.#most ? this.#limited(record) : batch;
  }

  /** Bytes that {@link encodeInto} may need; Infinity for what it cannot encode. */
  longest(record: string | Uint8Array): number {
    if (typeof record !== "string" || !this.#isUtf8 || this.#translates) return Number.POSITIVE_INFINITY;
    return record.length * 3 + this.terminator.length;
  }

  /**
   * As {@link encode}, into `bytes` from `start` on, where {@link longest} bytes are free.
   * @returns how many there are, or -1 for a record that only `encode` can encode
   */
  encodeInto(bytes: Buffer, start: number, record: string): number {
    const length = bytes.write(record, start, "utf8");
    if (length !== record.length && !record.isWellFormed()) return -1;
    // One character first: endsWith() takes longer, as copy() does for few bytes.
    const mayEnd = record.charCodeAt(record.length - 1) === this.#lastOfTerminator;
    if (mayEnd && record.endsWith(this.#terminatorText)) return length > this.#most ? -1 : length;
    const { terminator } = this;
    const end = start + length;
    for (let i = 0; i < terminator.length; i++) bytes[end + i] = terminator[i]!;
    const whole = length + terminator.length;
    return whole > this.#most ? -1 : whole;
  }

  /**
   * Lines, each a record, in as few batches as hold them, each of which is kept and valid until the next one; or line by
   * line, where they must be encoded one by one.
   * @param lines text; or bytes, which are written as they are
   * @param isBusy the batch that is kept is being written
   */
  *encodeLines(lines: string | Buffer, isBusy: boolean): Generator<Batch | string | Buffer> {
    const most = typeof lines === "string" ? LONGEST_KEPT : KEPT_BYTES;
    for (let start = 0, end = 0; start < lines.length; start = end) {
      end = endOfLines(lines, start, most);
      const piece = part(lines, start, end);
      const batch = isBusy ? undefined : this.#fromLines(piece);
      const isWithin = batch !== undefined && (batch.end <= this.#most || batch.longest <= this.#most);
      if (!isWithin) yield* linesOf(piece);
      else yield batch;
    }
  }

  #fromLines(lines: string | Buffer): Batch | undefined {
    if (!this.#isUtf8 || this.#translates || this.#terminatorText !== "\n") return undefined;
    if (typeof lines !== "string")
      return endsWithLineFeed(lines) ? this.#keptBatch.resetLines(lines, lines) : undefined;
    if (lines.length > LONGEST_KEPT || !lines.endsWith("\n")) return undefined;
    const length = this.#kept.write(lines, 0, "utf8");
    if (length === lines.length) return this.#keptBatch.resetLines(this.#kept, lines); // all ASCII
    return lines.isWellFormed() ? this.#keptBatch.resetLines(this.#kept, this.#kept.subarray(0, length)) : undefined;
  }

  #limited(record: string | Uint8Array): Batch {
    if (typeof record === "string") {
      const isEnded = record.endsWith(this.#terminatorText);
      return this.#limit.replace(isEnded ? record.slice(0, -this.#terminatorText.length) : record);
    }
    const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
    return this.#limit.replace(this.#endsWithTerminator(bytes) ? bytes.subarray(0, -this.terminator.length) : bytes);
  }

  #fromText(record: string): Batch {
    if (!this.#isUtf8) return this.#terminated(this.#encodeOther(record), record);
    const text = this.#translate(record);
    if (text.length > LONGEST_KEPT) return this.#terminated(Buffer.from(this.#wellFormed(text)), record);
    let length = this.#kept.write(text, 0, "utf8");
    // As many bytes as characters: all ASCII. Otherwise there may be half a surrogate pair, which UTF-8 cannot have.
    if (length !== text.length && !text.isWellFormed()) length = this.#kept.write(this.#wellFormed(text), 0, "utf8");
    if (!record.endsWith(this.#terminatorText)) length += this.terminator.copy(this.#kept, length);
    return this.#keptBatch.reset(this.#kept, length);
  }

  #fromBytes(bytes: Uint8Array): Batch {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#endsWithTerminator(buffer)) return this.#keptBatch.reset(buffer, buffer.length);
    return this.#keptBatch.reset(Buffer.concat([buffer, this.terminator]), buffer.length + this.terminator.length);
  }

  #endsWithTerminator(buffer: Buffer): boolean {
    return buffer.length >= this.terminator.length && buffer.subarray(-this.terminator.length).equals(this.terminator);
  }

  #terminated(bytes: Buffer, record: string): Batch {
    const whole = record.endsWith(this.#terminatorText) ? bytes : Buffer.concat([bytes, this.terminator]);
    return this.#keptBatch.reset(whole, whole.length);
  }

  #encodeOther(record: string): Buffer {
    const text = this.#translate(record);
    if (this.#extendsAscii && isAscii(text)) return Buffer.from(text, "latin1");
    return this.#toBytes(this.#onlyEncodable(text));
  }

  get #translates(): boolean {
    return this.#newline !== "" && this.#newline !== "\n";
  }

  #translate(text: string): string {
    return this.#translates ? text.replace(LINE_FEED, this.#newline) : text;
  }

  #wellFormed(text: string): string {
    return text.isWellFormed() ? text : this.#onlyEncodable(text);
  }

  #onlyEncodable(text: string): string {
    let result = "";
    for (const character of text) {
      if (this.#isEncodable(character)) result += character;
      else if (this.#policy === "replace") result += "?";
      else if (this.#policy === "strict") throw this.#refused(character, text);
    }
    return result;
  }

  #isEncodable(character: string): boolean {
    if (character < "\x80" && this.#extendsAscii) return true;
    if (!character.isWellFormed()) return false;
    let known = this.#canEncode.get(character);
    if (known === undefined) {
      // iconv-lite writes one "?", or two, for what a code page lacks; the Unicode encodings, two bytes and up, lack nothing.
      const [questionMark, ...rest] = this.#toBytes("?");
      known = character === "?" || rest.length > 0 || this.#toBytes(character).some((byte) => byte !== questionMark);
      this.#canEncode.set(character, known);
    }
    return known;
  }

  #toBytes(text: string): Buffer {
    return encode(text, this.#codec);
  }

  #refused(character: string, text: string): LogFileError {
    const codePoint = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
    return new LogFileError(
      "ERR_CLH_ENCODE",
      `Cannot write a record: the encoding ${this.#encoding} has no ${codePoint} (character ${text.indexOf(character)} ` +
        'of the record). Choose unicodeErrorPolicy "ignore" or "replace", or an encoding that has it.',
    );
  }
}

function endsWithLineFeed(bytes: Buffer): boolean {
  return bytes[bytes.length - 1] === 0x0a;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
