import type { LineFormat } from "./line-format.js";

/** One record of a log, and where it was found. */
export class LogRecord {
  /** Path of its file, as it was when that was opened. */
  readonly file: string;
  /** Bytes before it in that file, uncompressed. */
  readonly offset: number;
  /** False for a record that its writer could not finish, and for a part of one of more than 16 MiB but the last. */
  readonly isWhole: boolean;
  readonly #block: Block;
  readonly #start: number;
  readonly #end: number;

  /** @internal */
  constructor(block: Block, start: number, end: number, isWhole: boolean) {
    this.file = block.file;
    this.offset = block.offset + start;
    this.isWhole = isWhole;
    this.#block = block;
    this.#start = start;
    this.#end = end;
  }

  /** As it is in the file, without its terminator. */
  get bytes(): Buffer {
    return this.#block.bytes.subarray(this.#start, this.#end);
  }

  /** Without its terminator. */
  get text(): string {
    return this.#block.format.decode(this.#block.bytes, this.#start, this.#end);
  }

  /** The same record with bytes of its own: it does not keep the block in memory. @internal */
  detached(): LogRecord {
    const { file, offset, format } = this.#block;
    const bytes = Buffer.from(this.bytes);
    return new LogRecord(
      new Block(file, offset + this.#start, bytes, this.isWhole, format),
      0,
      bytes.length,
      this.isWhole,
    );
  }
}

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

  constructor(file: string, offset: number, bytes: Buffer, isWhole: boolean, format: LineFormat, goesOn = false) {
    this.goesOn = goesOn;
    this.file = file;
    this.offset = offset;
    this.bytes = bytes;
    this.isWhole = isWhole;
    this.format = format;
  }

  /** The records with their terminators, and without a byte order mark. */
  get content(): Buffer {
    return this.bytes.subarray(this.#markLength);
  }

  *records(): Generator<LogRecord> {
    const { bytes, format } = this;
    for (let start = this.#markLength; start < bytes.length; ) {
      const found = format.endOf(bytes, start);
      const next = found === -1 ? bytes.length : found;
      const terminator = found === -1 ? 0 : format.terminatorLength(bytes, start, next);
      yield new LogRecord(this, start, next - terminator, this.isWhole);
      start = next;
    }
  }

  get #markLength(): number {
    const { byteOrderMark: mark } = this.format;
    return this.offset === 0 && this.bytes.subarray(0, mark.length).equals(mark) ? mark.length : 0;
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
