import type { Described } from "../fields/field-path.js";
import type { Scan } from "../fields/key-scan.js";
import { nameOfRank, rankOf } from "../fields/levels.js";
import type { Fields, Shape } from "../fields/shapes.js";
import { parseTime, timeOf } from "../record-time.js";
import type { LineFormat } from "./line-format.js";

/** One record of a log, and where it was found. */
export class LogRecord implements Described {
  /** Path of its file, as it was when that was opened. */
  readonly file: string;
  /** Bytes before it in that file, uncompressed. */
  readonly offset: number;
  /** False for a record that its writer could not finish, and for a part of one of more than 16 MiB but the last. */
  readonly isWhole: boolean;
  readonly #block: Block;
  readonly #start: number;
  readonly #end: number;
  readonly #shape: Shape | undefined;
  #fields: Fields | null | undefined;

  /** @param shape that of records of which a header says how they look @internal */
  constructor(block: Block, start: number, end: number, isWhole: boolean, shape?: Shape) {
    this.file = block.file;
    this.offset = block.offset + start;
    this.isWhole = isWhole;
    this.#block = block;
    this.#start = start;
    this.#end = end;
    this.#shape = shape;
  }

  /** As it is in the file, without its terminator. */
  get bytes(): Buffer {
    return this.#block.bytes.subarray(this.#start, this.#end);
  }

  /** Without its terminator. */
  get text(): string {
    return this.#block.format.decode(this.#block.bytes, this.#start, this.#end);
  }

  /**
   * The fields of a record of JSON, with the names that its logger gives them; of a text in a format that is known,
   * `time`, `level`, `logger`, `message` and what else that has. Undefined when it has none.
   */
  get fields(): Readonly<Record<string, unknown>> | undefined {
    if (this.#fields === undefined) this.#fields = (this.#shape ?? this.#block.format.records).parse(this.text) ?? null;
    return this.#fields ?? undefined;
  }

  /** Its level, such as `"warning"`, whatever name or number its logger has for it; an unknown one as it is. */
  get level(): string | undefined {
    const { fields } = this;
    if (fields === undefined) return undefined;
    const rank = rankOf(fields);
    if (rank !== undefined) return nameOfRank(rank);
    return typeof fields.level === "string" ? fields.level : undefined;
  }

  /** When it was written, as it says itself, in milliseconds since 1970. */
  get time(): number | undefined {
    return this.#shape === undefined ? timeOf(this.text) : parseTime(String(this.fields?.time));
  }

  /** Its message. */
  get message(): string | undefined {
    const { fields } = this;
    const message = fields?.msg ?? fields?.message ?? fields?.["@message"] ?? fields?.["@m"] ?? fields?.["@mt"];
    return message === undefined || typeof message === "string" ? message : JSON.stringify(message);
  }

  /** False when it cannot be what a filter wants, as its bytes show. @internal */
  mayHold(scan: Scan): boolean {
    return !this.beginsAsJson || this.#block.mayHold(scan, this.#start, this.#end);
  }

  /** True when it is certain that it is a record of JSON. @internal */
  get beginsAsJson(): boolean {
    const { bytes, format } = this.#block;
    return format.isUtf8 && format.records.hasJson && bytes[this.#start] === BRACE && bytes[this.#start + 1] === QUOTE;
  }

  /** Its beginning, long enough to see what it is. @internal */
  get head(): string {
    return this.#block.format.decode(this.#block.bytes, this.#start, Math.min(this.#end, this.#start + HEAD_BYTES));
  }

  /** The same, of this shape. @internal */
  shaped(shape: Shape): LogRecord {
    return new LogRecord(this.#block, this.#start, this.#end, this.isWhole, shape);
  }

  /** With all that stands in the same block up to the end of another record. @internal */
  upTo(last: LogRecord): LogRecord {
    return new LogRecord(this.#block, this.#start, last.#end, this.isWhole, this.#shape);
  }

  /** It, the last record of its block, and the block behind it as one; undefined when that is of another place. @internal */
  with(block: Block): Block | undefined {
    const { file, offset, bytes, format } = this.#block;
    const isNext = block.file === file && block.offset === offset + bytes.length && block.isWhole && this.isWhole;
    if (!isNext) return undefined;
    return new Block(file, this.offset, Buffer.concat([bytes.subarray(this.#start), block.bytes]), true, format);
  }

  /** The same record with bytes of its own: it does not keep the block in memory. @internal */
  detached(): LogRecord {
    const { file, format } = this.#block;
    const block = new Block(file, this.offset, Buffer.from(this.bytes), this.isWhole, format);
    return new LogRecord(block, 0, block.bytes.length, this.isWhole, this.#shape);
  }
}

const BRACE = 123;
const QUOTE = 34;
const HEAD_BYTES = 16 * 1024;

/** Records of one file that stand one behind the other. @internal */
export class Block {
  readonly file: string;
  /** Bytes before it in that file, uncompressed. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** False when it is a record without its terminator. */
  readonly isWhole: boolean;
  /** True for a part of a long record, of which more follows. */
  readonly goesOn: boolean;
  readonly format: LineFormat;
  /** The scan that its bytes were asked last, and the answer. */
  #scan: Scan | undefined;

  constructor(file: string, offset: number, bytes: Buffer, isWhole: boolean, format: LineFormat, goesOn = false) {
    this.goesOn = goesOn;
    this.file = file;
    this.offset = offset;
    this.bytes = bytes;
    this.isWhole = isWhole;
    this.format = format;
  }

  /** The records with their terminators, and without a byte order mark or a header. */
  get content(): Buffer {
    return this.bytes.subarray(this.start);
  }

  /** The lines of the header, if the file begins here and has one. */
  header(): string[] {
    const { bytes, format, start } = this;
    const mark = start === 0 ? 0 : format.markLength(bytes);
    return start === mark ? [] : format.decode(bytes, mark, start).trimEnd().split(/\r?\n/);
  }

  *records(): Generator<LogRecord> {
    const { bytes, format } = this;
    for (let { start } = this; start < bytes.length; ) {
      const found = format.endOf(bytes, start);
      const next = found === -1 ? bytes.length : found;
      const terminator = found === -1 ? 0 : format.terminatorLength(bytes, start, next);
      yield new LogRecord(this, start, next - terminator, this.isWhole);
      start = next;
    }
  }

  /** Asks of the bytes from `from` to `to`; of later ones at each call. */
  mayHold(scan: Scan, from: number, to: number): boolean {
    if (this.#scan !== scan) {
      scan.start(this.bytes.toString("latin1"));
      this.#scan = scan;
    }
    return scan.mayHold(from, to);
  }

  /** A block of nothing: all is read that there is by now. */
  get isPause(): boolean {
    return this.bytes.length === 0;
  }

  /** Where its first record begins in {@link bytes}. */
  get start(): number {
    if (this.offset > 0) return 0;
    return this.format.headLength(this.bytes) ?? this.format.markLength(this.bytes);
  }
}

const LONGEST_RECORD = 16 * 1024 ** 2;

/** Cuts the content of one file into blocks, from the bytes that come. @internal */
export class BlockCutter {
  readonly #file: string;
  readonly #format: LineFormat;
  #rest: Buffer = Buffer.alloc(0);
  /** Of the rest, in the file. */
  #offset: number;

  constructor(file: string, format: LineFormat, offset = 0) {
    this.#file = file;
    this.#format = format;
    this.#offset = offset;
  }

  /** True while a record is there of which the end has not come. */
  get hasRest(): boolean {
    return this.#rest.length > 0;
  }

  /** The records that these bytes complete. They are kept, not copied. */
  push(chunk: Buffer): Block | undefined {
    const { end } = this.#format;
    const searched = Math.max(0, this.#rest.length - end.length + 1);
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#offset === 0 && this.#format.headLength(bytes) === undefined) {
      this.#rest = bytes; // the header is on its way
      return undefined;
    }
    const cut = this.#format.lastEnd(bytes, searched);
    if (cut === 0) {
      this.#rest = bytes;
      return bytes.length > LONGEST_RECORD ? this.#take(true) : undefined;
    }
    const block = new Block(this.#file, this.#offset, bytes.subarray(0, cut), true, this.#format);
    this.#offset += cut;
    this.#rest = cut === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(cut)); // lets go of the block
    return block;
  }

  /** What came behind the last whole record, if anything. */
  end(): Block | undefined {
    return this.#rest.length === 0 ? undefined : this.#take(false);
  }

  #take(goesOn: boolean): Block {
    const block = new Block(this.#file, this.#offset, this.#rest, false, this.#format, goesOn);
    this.#offset += this.#rest.length;
    this.#rest = Buffer.alloc(0);
    return block;
  }
}
