const LINE_FEED = 0x0a;
const LONGEST = 64 * 1024 ** 2;
const FIRST_KEPT = 1024;

/** Cuts a stream of bytes into lines, without their "\n". A line longer than `longest` comes in pieces. */
export class LineSplitter {
  readonly #longest: number;
  /** Copied, in memory of its own: it may come byte by byte, and a chunk is much larger than what of it is kept. */
  #rest: Buffer = Buffer.alloc(0);
  #length = 0;

  /** @param longest in bytes */
  constructor(longest: number = LONGEST) {
    this.#longest = longest;
  }

  /** True when everything that came has been given back. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The lines that `chunk` completes; they are views of it where they can be. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      const piece = chunk.subarray(start, end);
      if (this.isEmpty) lines.push(piece);
      else {
        this.#keep(piece);
        lines.push(this.#take());
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    if (this.#length > this.#longest) lines.push(this.#take());
    return lines;
  }

  /** What came after the last "\n", if anything. */
  end(): Buffer[] {
    return this.isEmpty ? [] : [this.#take()];
  }

  #keep(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#rest.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#length * 2, FIRST_KEPT));
      this.#rest.copy(larger, 0, 0, this.#length);
      this.#rest = larger;
    }
    piece.copy(this.#rest, this.#length);
    this.#length = length;
  }

  #take(): Buffer {
    const line = this.#rest.subarray(0, this.#length);
    this.#rest = Buffer.alloc(0);
    this.#length = 0;
    return line;
  }
}

/** Where the lines end of which at most `most` bytes or characters follow `start`; of one that is longer, where it ends. */
export function endOfLines(lines: string | Buffer, start: number, most: number): number {
  if (lines.length - start <= most) return lines.length;
  const end = lines.lastIndexOf("\n", start + most - 1) + 1;
  return end > start ? end : lines.indexOf("\n", start) + 1 || lines.length;
}

/** Each line, without its "\n". */
export function* linesOf(lines: string | Buffer): Generator<string | Buffer> {
  for (let start = 0; start < lines.length; ) {
    const found = lines.indexOf("\n", start);
    const end = found === -1 ? lines.length : found;
    yield part(lines, start, end);
    start = end + 1;
  }
}

/** A view of bytes, a slice of text. */
export function part(data: string | Buffer, start: number, end?: number): string | Buffer {
  return typeof data === "string" ? data.slice(start, end) : data.subarray(start, end);
}
