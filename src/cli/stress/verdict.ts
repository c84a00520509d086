import { pipeline } from "node:stream/promises";
import { FORMATS } from "../../log-files/compression-formats.js";
import { type LogFile, listLogFiles } from "../../log-files/list-files.js";
import type { FileSystem } from "../../platform/file-system.js";
import { findCodec, loadIconv } from "../../records/encodings.js";
import { parseStressRecord } from "./record.js";

/** What a log holds of the records that its writers say are in it. */
export interface Verdict {
  readonly files: number;
  readonly found: number;
  readonly missing: number;
  readonly duplicated: number;
  /** Lines that are no whole record. */
  readonly torn: number;
  /** Records that stand behind a later one of the same writer. */
  readonly outOfOrder: number;
  /** Records that went with backups that retention has removed; not counted as missing. */
  readonly removedRecords: number;
  /** The first findings, for a reader. */
  readonly problems: readonly string[];
}

export interface Expectation {
  /** For each writer, how many records it wrote, numbered from 0. */
  readonly writers: ReadonlyMap<string, number>;
  /** The same of those that must be there: what was not acknowledged may be there, once. Default: all. */
  readonly acknowledged?: ReadonlyMap<string, number>;
  /** Backups were removed: of each writer, the oldest records may be gone, but no others. */
  readonly retention: boolean;
}

const MOST_PROBLEMS = 10;

/** Reads all files of a log and holds them against what was written. */
export async function check(fs: FileSystem, log: string, encoding: string, expectation: Expectation): Promise<Verdict> {
  const tally = new Tally(expectation);
  const parts = listLogFiles(fs, log);
  for (const part of parts) {
    try {
      await readLines(fs, part, encoding, (line) => tally.add(line, part.path));
    } catch (error) {
      tally.unreadable(part.path, error as Error);
    }
  }
  return tally.verdict(parts.length);
}

async function readLines(
  fs: FileSystem,
  { path, extension }: LogFile,
  encoding: string,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = loadIconv().getDecoder(findCodec(encoding)!.name);
  const format = Object.values(FORMATS).find((candidate) => candidate.extension === extension);
  let rest = "";
  const consume = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop()!;
      for (const line of lines) onLine(line.replace(/\r$/, "")); // Windows ends lines with both
    }
  };
  const source = fs.createReadStream(path, { highWaterMark: 1024 ** 2 });
  if (format?.open === undefined) await pipeline(source, consume);
  else await pipeline(source, format.open(), consume);
  rest += decoder.end() ?? "";
  if (rest !== "") onLine(rest);
}

class Tally {
  readonly #expectation: Expectation;
  readonly #seen: Map<string, Uint8Array>;
  readonly #last = new Map<string, number>();
  readonly #problems: string[] = [];
  #found = 0;
  #duplicated = 0;
  #torn = 0;
  #outOfOrder = 0;

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
    this.#seen = new Map([...expectation.writers].map(([writer, count]) => [writer, new Uint8Array(count)]));
  }

  add(line: string, path: string): void {
    const record = parseStressRecord(line);
    const seen = record && this.#seen.get(record.writer);
    if (record === undefined || seen === undefined || record.number >= seen.length) {
      this.#torn++;
      this.#problem(`${path}: not a record of this test: ${JSON.stringify(line.slice(0, 100))}`);
      return;
    }
    const { writer, number } = record;
    const last = this.#last.get(writer) ?? -1;
    if (seen[number]) {
      this.#duplicated++;
      this.#problem(`${path}: record ${number} of ${writer} is there again`);
    } else if (number < last) {
      this.#outOfOrder++;
      this.#problem(`${path}: record ${number} of ${writer} stands behind ${last}`);
    }
    seen[number] = 1;
    this.#found++;
    this.#last.set(writer, Math.max(last, number));
  }

  unreadable(path: string, error: Error): void {
    this.#torn++;
    this.#problem(`${path}: cannot be read: ${error.message}`);
  }

  verdict(files: number): Verdict {
    let missing = 0;
    let removed = 0;
    for (const [writer, seen] of this.#seen) {
      const oldest = seen.indexOf(1);
      const first = !this.#expectation.retention ? 0 : oldest === -1 ? seen.length : oldest;
      const acknowledged = this.#expectation.acknowledged?.get(writer) ?? seen.length;
      const holes = seen.subarray(first, acknowledged).filter((present) => present === 0).length;
      if (holes > 0) this.#problem(`${writer}: ${holes} records missing, the first one is ${seen.indexOf(0, first)}`);
      missing += holes;
      removed += first;
    }
    return {
      files,
      found: this.#found,
      missing,
      duplicated: this.#duplicated,
      torn: this.#torn,
      outOfOrder: this.#outOfOrder,
      removedRecords: removed,
      problems: this.#problems,
    };
  }

  #problem(text: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(text);
  }
}
