import { Batch } from "./batch.js";
import { decode } from "./encodings.js";

/** What becomes of a record that is larger than may be: its beginning is kept, it becomes several, or a mark stands for it. */
export type Oversize = "truncate" | "split" | "drop";

// ASCII, which every encoding has.
const CONTINUED = "[continued] ";
const CONTINUES = " [continues]";
const CHARACTER_BYTES = 4; // at most, in every encoding that begins anew with each character

/** The encoding of a log. */
interface Coding {
  readonly codec: string;
  readonly isUtf8: boolean;
  readonly terminator: Buffer;
  /** As it will be in the file: line endings, and only what the encoding has. */
  prepare(text: string): string;
  toBytes(text: string): Buffer;
}

/** What fits of a text or of bytes, and where the rest begins. */
interface Piece {
  readonly bytes: Buffer;
  readonly end: number;
}

/** Makes records that are too large fit, with marks that say so. Cuts are between whole characters. */
export class RecordLimit {
  readonly #most: number;
  readonly #oversize: Oversize;
  readonly #coding: Coding;
  /** Bytes of UTF-7 mean what those before them say: they are cut as text, and encoded anew. */
  readonly #isStateful: boolean;
  /** Records that were too large. */
  count = 0;

  /** @param most bytes of a record, with its terminator and with marks */
  constructor(most: number, oversize: Oversize, coding: Coding) {
    this.#most = most;
    this.#oversize = oversize;
    this.#coding = coding;
    this.#isStateful = coding.codec.startsWith("utf7");
  }

  /** @param record without its terminator */
  replace(record: string | Buffer): Batch {
    this.count++;
    const size = `${record.length.toLocaleString("en")} ${typeof record === "string" ? "characters" : "bytes"}`;
    const batch = new Batch();
    if (this.#oversize === "drop") this.#add(batch, `[concurrent-log-handler] 1 record dropped: it had ${size}`);
    else if (this.#oversize === "truncate") this.#truncate(batch, record, ` [truncated from ${size}]`);
    else
      this.#split(batch, this.#isStateful && typeof record !== "string" ? decode(record, this.#coding.codec) : record);
    return batch;
  }

  #truncate(batch: Batch, record: string | Buffer, mark: string): void {
    // No more of it is encoded than there is room for.
    const start = typeof record === "string" ? this.#coding.prepare(wholeStart(record, this.#most)) : record;
    this.#add(batch, this.#fit(start, 0, this.#roomBeside(mark)).bytes, mark);
  }

  #split(batch: Batch, record: string | Buffer): void {
    const whole = typeof record === "string" ? this.#coding.prepare(record) : record;
    const room = this.#roomBeside(CONTINUED + CONTINUES);
    for (let start = 0; start < whole.length; ) {
      const { bytes, end } = this.#fit(whole, start, room);
      this.#add(batch, ...(start > 0 ? [CONTINUED] : []), bytes, ...(end < whole.length ? [CONTINUES] : []));
      start = end;
    }
  }

  #roomBeside(mark: string): number {
    return this.#most - this.#coding.terminator.length - this.#coding.toBytes(mark).length;
  }

  #add(batch: Batch, ...parts: readonly (string | Buffer)[]): void {
    const bytes = parts.map((part) => (typeof part === "string" ? this.#coding.toBytes(part) : part));
    batch.add(Buffer.concat([...bytes, this.#coding.terminator]));
  }

  #fit(record: string | Buffer, start: number, room: number): Piece {
    if (typeof record !== "string") {
      const bytes = this.#wholeBytes(record.subarray(start), room);
      return { bytes, end: start + bytes.length };
    }
    const text = wholeStart(record.slice(start), room);
    const piece = this.#coding.isUtf8 ? utf8(text, room) : this.#search(text, room);
    return { bytes: piece.bytes, end: start + piece.end };
  }

  /** The longest beginning that has its place, found by halves: only the encoder knows how long a text will be. */
  #search(text: string, room: number): Piece {
    const { toBytes } = this.#coding;
    let best: Piece = { bytes: Buffer.alloc(0), end: 0 };
    for (let low = 0, high = text.length, end = high; low < high; end = Math.ceil((low + high) / 2)) {
      const start = wholeStart(text, end);
      const bytes = toBytes(start);
      if (bytes.length > room) high = end - 1;
      else {
        low = end;
        best = { bytes, end: start.length };
      }
    }
    return best;
  }

  /** The beginning of bytes that ends between two characters; where they are none in this encoding, anywhere. */
  #wholeBytes(bytes: Buffer, room: number): Buffer {
    if (bytes.length <= room) return bytes;
    for (let end = room; end > room - CHARACTER_BYTES; end--)
      if (this.#isWhole(bytes, end)) return bytes.subarray(0, end);
    return bytes.subarray(0, room);
  }

  #isWhole(bytes: Buffer, end: number): boolean {
    const { codec, isUtf8, toBytes } = this.#coding;
    if (isUtf8) return (bytes[end]! & 0xc0) !== 0x80;
    const text = decode(bytes.subarray(0, end), codec);
    return text.isWellFormed() && !text.endsWith("\ufffd") && toBytes(text).length === end;
  }
}

/** At most so many UTF-16 units of a text, but neither half a pair of surrogates, nor half a line ending. */
function wholeStart(text: string, most: number): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  const isHalf = (last & 0xfc00) === 0xd800 || (last === 0x0d && text.charCodeAt(most) === 0x0a);
  return text.slice(0, isHalf ? most - 1 : most);
}

function utf8(text: string, room: number): Piece {
  const bytes = Buffer.allocUnsafeSlow(Math.min(room, text.length * 3));
  const { read, written } = new TextEncoder().encodeInto(text, bytes);
  const isHalfEnding = text.charCodeAt(read - 1) === 0x0d && text.charCodeAt(read) === 0x0a;
  return isHalfEnding
    ? { bytes: bytes.subarray(0, written - 1), end: read - 1 }
    : { bytes: bytes.subarray(0, written), end: read };
}
