const NUL = 0;
const EMPTY = Buffer.alloc(0);

/** Characters. */
export const LONGEST_HEADER = 4096;

/** The text at the head of each file of a log, which is no record. @internal */
export class Header {
  /** With its terminator, and behind a byte order mark. */
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** So many bytes of a file are enough to find the header in them, whatever numbers it has there. */
  get longest(): number {
    return 2 * this.bytes.length + 64;
  }

  /**
   * Finds it at `start`, whatever numbers it has there: a date, or a process id, differs from file to file.
   * @returns how many bytes it has, and what is missing of one that is cut off; undefined for something else
   */
  find(bytes: Buffer, start = 0): { readonly length: number; readonly missing: Buffer } | undefined {
    const { bytes: known } = this;
    const begun = bytes.subarray(start, start + known.length);
    if (begun.length < known.length && begun.equals(known.subarray(0, begun.length)))
      return { length: begun.length, missing: known.subarray(begun.length) };
    let at = start;
    for (let i = 0; i < known.length; i = next(known, i)) {
      if (at === bytes.length) return { length: at - start, missing: known.subarray(i) };
      if (isDigit(known[i]) ? !isDigit(bytes[at]) : known[i] !== bytes[at]) return undefined;
      at = next(bytes, at);
    }
    return { length: at - start, missing: EMPTY };
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Behind a byte, or behind all digits of a number: in UTF-16 and UTF-32, zeros stand between them. */
function next(bytes: Buffer, at: number): number {
  if (!isDigit(bytes[at])) return at + 1;
  let end = at + 1;
  while (isDigit(bytes[end]) || bytes[end] === NUL) end++;
  return end;
}

/** The same text whatever numbers are in it. @internal */
export function withoutNumbers(text: string): string {
  return text.replace(/\d+/g, "0");
}
