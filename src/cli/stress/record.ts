import { crc32 } from "node:zlib";
import { Encoder } from "../../records/encoder.js";

/* The records of the stress test: `<writer>-<number>-<random text><crc32 of all before it>`. */

/** Begins the name of each stream that a stress test makes. */
export const STRESS_STREAM = "clh-stress-";

export interface StressRecord {
  readonly writer: string;
  readonly number: number;
}

const ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ";
const BEYOND = "ÀÉÎÕÜßàéîõü¿€₠“”日本語ЖдЯ\u{1d122}\u{24b00}😀";
const SHORTEST = 20;
const LONGEST = 80;

/** The characters, among these, that `encoding` has. */
export function alphabet(encoding: string): string[] {
  const encoder = new Encoder({ encoding, unicodeErrorPolicy: "strict", newline: "", terminator: "\n" });
  return [...ASCII, ...BEYOND].filter((character) => {
    try {
      encoder.encode(character);
      return true;
    } catch {
      return false; // ERR_CLH_ENCODE: not in this encoding
    }
  });
}

export function formatStressRecord({ writer, number }: StressRecord, characters: readonly string[]): string {
  let text = `${writer}-${number}-`;
  const length = SHORTEST + Math.floor(Math.random() * (LONGEST - SHORTEST + 1));
  for (let i = 0; i < length; i++) text += characters[Math.floor(Math.random() * characters.length)];
  return text + checksum(text);
}

/** The inverse of {@link formatStressRecord}; undefined for a line that is not whole. */
export function parseStressRecord(line: string): StressRecord | undefined {
  const match = /^(\w+)-(\d+)-/.exec(line);
  if (match === null || line.slice(-8) !== checksum(line.slice(0, -8))) return undefined;
  return { writer: match[1]!, number: Number(match[2]) };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
