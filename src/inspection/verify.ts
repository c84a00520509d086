import { basename } from "node:path";
import * as v from "valibot";
import type { LogFileError } from "../base/errors.js";
import { isSpill } from "../log-files/hidden-names.js";
import type { LogFile } from "../log-files/list-files.js";
import type { Duration, Size } from "../options/options.js";
import { anObject, count, duration, flag, parse, size } from "../options/validation.js";
import { stillPicture } from "../reading/files/snapshot.js";
import { blockReader } from "../reading/read-log.js";
import { logFields, pattern } from "../reading/reading-options.js";
import type { Block } from "../reading/records/block.js";
import { type BlockReader, readBlocks } from "../reading/records/read-blocks.js";
import { collectedStreams, streamFindings } from "./collected-streams.js";
import { type Finding, finding } from "./finding.js";
import { keptBackups } from "./kept-backups.js";
import { type KeptLimits, limitFindings, limitsOf } from "./limits.js";
import { numberingFindings } from "./numbering.js";
import { type SequenceResult, Sequences } from "./sequences.js";
import { leftoverFindings } from "./unfinished-files.js";

/** Counts of one file of a log, as it was read. */
export interface VerifiedFile {
  /** When it was found: two may have had one name, one after the other. */
  readonly path: string;
  /** `waiting`: rotated, and not compressed yet; `spill`: records that wait for the lock. */
  readonly kind: "active" | "backup" | "waiting" | "spill";
  /** Bytes on disk. */
  readonly storedBytes: number;
  /** Bytes of content, decompressed. */
  readonly bytes: number;
  /** How many there are in it, one that is cut off included. */
  readonly records: number;
}

/** The result of {@link verifyLog}. */
export interface Verification {
  /** True when none of the findings is a problem. */
  readonly ok: boolean;
  /** Absolute path of the log. */
  readonly log: string;
  /** Of all files together. */
  readonly records: number;
  /** Of all files together, decompressed. */
  readonly bytes: number;
  /** In the order in which they were read: the oldest first. */
  readonly files: readonly VerifiedFile[];
  /** In the order of the checks; empty when all is well. */
  readonly findings: readonly Finding[];
  /** By writer, when the records were counted. */
  readonly writers?: readonly SequenceResult[];
  /** Records without a number, when they were counted. */
  readonly unmatched?: number;
}

/** Options of {@link verifyLog}. What is left out is as the writers of the log have left it beside it. */
export interface VerifyLogOptions {
  /** Encoding of the log, by any name that iconv-lite or Python has for it. Default: that of its writers, else utf-8. */
  readonly encoding?: string | undefined;
  /** Text that ends a record. Default: that of its writers, else a line feed. */
  readonly terminator?: string | undefined;
  /** Text at the head of each file, which is no record; its numbers may differ. Default: that of its writers, else none. */
  readonly header?: string | undefined;
  /** Directory of the lock file. Default: that of its writers, else beside the log. */
  readonly lockFileDirectory?: string | undefined;
  /** Template of the names of its backups. Default: that of its writers, else "app.log.1" and "app.log.2024-05-17". */
  readonly backupName?: string | undefined;
  /** Where its backups are, from the directory of the log on, or absolute. Default: as its writers have it, else beside it. */
  readonly archiveDirectory?: string | undefined;
  /** Largest size of a file, in bytes; 0: any. Default: that of its writers, else any. */
  readonly maxBytes?: Size | undefined;
  /** `false`: a file may reach `maxBytes` with its last record. Default: as its writers have it, else `true`. */
  readonly strictMaxBytes?: boolean | undefined;
  /** Most backups. Default: that of its writers, else any number. */
  readonly backupCount?: number | undefined;
  /** Age of the oldest backup, in milliseconds. Default: that of its writers, else any. */
  readonly maxAge?: Duration | undefined;
  /** Bytes of all backups together. Default: that of its writers, else any number. */
  readonly maxTotalBytes?: Size | undefined;
  /** Periods that have backups. Default: that of its writers, else any number. */
  readonly maxPeriods?: number | undefined;
  /**
   * Finds a number in each record, to say which are missing, duplicated or out of order: in a group `seq`, and the writer,
   * if there are several, in a group `writer`. Without such names: in the last group, and in the one before it.
   */
  readonly writerSequence?: RegExp | undefined;
  /** Ends it: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const optionsSchema = v.strictObject({
  ...logFields,
  maxBytes: v.optional(size),
  strictMaxBytes: v.optional(flag),
  backupCount: v.optional(count),
  maxAge: v.optional(duration),
  maxTotalBytes: v.optional(size),
  maxPeriods: v.optional(count),
  writerSequence: v.optional(pattern),
});

const MOST_WRITERS_TOLD = 20;

/**
 * Reads a whole log and says what is wrong with it: files that are damaged, cut off or cannot be read, gaps in their
 * numbers, files beyond the limits, what killed processes have left. It may be written meanwhile. A log that is wrong is a
 * result, and no error. Nothing is written; memory does not grow with the log.
 * @param path of the log: a path, or a `file:` URL
 * @throws {LogFileError} `ERR_CLH_READ` when there is no such log; `ERR_CLH_OPTION` for a wrong option; `ERR_CLH_NATIVE`
 * @throws the reason of `signal`, when that is aborted before the last record was read
 */
export function verifyLog(path: string | URL, options?: VerifyLogOptions): Promise<Verification>;
/** @internal */
export function verifyLog(
  path: string | URL,
  options: VerifyLogOptions,
  reading: Partial<BlockReader>,
): Promise<Verification>;
export async function verifyLog(
  path: string | URL,
  options: VerifyLogOptions = {},
  reading: Partial<BlockReader> = {},
): Promise<Verification> {
  const { encoding, terminator, header, lockFileDirectory, backupName, archiveDirectory, ...others } = parse(
    optionsSchema,
    anObject(options),
  );
  const { writerSequence, signal, ...given } = others;
  signal?.throwIfAborted();
  const written = { encoding, terminator, header, lockFileDirectory, backupName, archiveDirectory };
  const reader = { ...blockReader(path, written), ...reading };
  const limits = limitsOf(given, reader.left);
  const sequences = writerSequence && new Sequences(writerSequence);
  const findings: Finding[] = [];
  // Not by path: a file may have been renamed before it was opened, to the name that another one had.
  const tallies: Tally[] = [];
  const blocks = readBlocks({
    ...reader,
    onProblem: ({ message, path = reader.log }: LogFileError) =>
      findings.push(finding("problem", "unreadable", path, message)),
    onFile: (file, index, all) => {
      tallies.push(new Tally(file.path, file.kind, file.status.size));
      reader.onFile?.(file, index, all);
    },
  });
  for await (const block of blocks) {
    signal?.throwIfAborted();
    const { file } = block;
    if (isSpill(reader.log, basename(file)) && tallies.at(-1)?.path !== file) tallies.push(new Tally(file, "spill"));
    tallies.at(-1)!.add(block, sequences);
  }
  findings.push(...tallies.flatMap((tally) => tally.findings(limits)));
  const kept = () => keptBackups(reader.log, look(reader), reader.left);
  findings.push(...numberingFindings(reader.environment, reader.log, kept()));
  findings.push(...(await limitFindings(reader.environment, reader.log, kept, limits)));
  findings.push(...leftoverFindings(reader.environment, reader.log));
  findings.push(...streamFindings(collectedStreams(reader.environment, reader.log)));
  if (sequences !== undefined) findings.push(...sequenceFindings(reader.log, sequences));
  const all = tallies.map((tally) => tally.file);
  return {
    ok: findings.every(({ severity }) => severity !== "problem"),
    log: reader.log,
    records: all.reduce((sum, { records }) => sum + records, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    files: all,
    findings,
    ...(sequences !== undefined && { writers: sequences.results(), unmatched: sequences.unmatched }),
  };
}

function look({ environment, log, lockPath }: BlockReader): LogFile[] {
  return stillPicture(environment, log, lockPath);
}

/** What is counted of one file. */
class Tally {
  readonly path: string;
  readonly #kind: VerifiedFile["kind"];
  readonly #storedBytes: number | undefined;
  #bytes = 0;
  #records = 0;
  #lastRecord = 0;
  #isTorn = false;
  #firstNul = -1;

  constructor(path: string, kind: VerifiedFile["kind"], storedBytes?: number) {
    this.path = path;
    this.#kind = kind;
    this.#storedBytes = storedBytes;
  }

  get file(): VerifiedFile {
    const storedBytes = this.#storedBytes ?? this.#bytes;
    return { path: this.path, kind: this.#kind, storedBytes, bytes: this.#bytes, records: this.#records };
  }

  add(block: Block, sequences: Sequences | undefined): void {
    const { bytes, format } = block;
    if (this.#firstNul === -1 && format.unit === 1 && format.end[0] !== 0) {
      const at = bytes.indexOf(0);
      if (at !== -1) this.#firstNul = block.offset + at;
    }
    this.#bytes += bytes.length;
    this.#isTorn = !block.isWhole;
    for (let { start } = block; start < bytes.length; ) {
      const found = format.endOf(bytes, start);
      const next = found === -1 ? bytes.length : found;
      this.#lastRecord = next - start;
      const terminator = found === -1 ? 0 : format.terminatorLength(bytes, start, next);
      sequences?.add(format.decode(bytes, start, next - terminator));
      if (!block.goesOn) this.#records++;
      start = next;
    }
  }

  findings({ maxBytes, strictMaxBytes }: KeptLimits): Finding[] {
    const { path } = this;
    const found: Finding[] = [];
    const add = (kind: Finding["kind"], message: string) => found.push(finding("problem", kind, path, message));
    if (this.#isTorn) add("torn", `${path} ends within a record`);
    if (this.#firstNul !== -1) add("bytes", `${path} has a NUL byte at ${this.#firstNul}, which no text has`);
    const limited = strictMaxBytes ? this.#bytes : this.#bytes - this.#lastRecord;
    // Of a spill, as much is merged into each file as that has room for.
    if (maxBytes > 0 && limited >= maxBytes && this.#records > 1 && this.#kind !== "spill") {
      add("limit", `${path} has ${this.#bytes} bytes, and maxBytes is ${maxBytes}`);
    }
    return found;
  }
}

function sequenceFindings(log: string, sequences: Sequences): Finding[] {
  const wrong = sequences
    .results()
    .filter(({ missing, duplicated, reordered }) => missing + duplicated + reordered > 0);
  const problem = (message: string) => finding("problem", "sequence", log, message);
  const found = wrong.slice(0, MOST_WRITERS_TOLD).map(({ writer, missing, duplicated, reordered }) => {
    const who = writer === "" ? basename(log) : `writer ${writer}`;
    return problem(`${who}: ${missing} records missing, ${duplicated} duplicated, ${reordered} reordered`);
  });
  const untold = wrong.length - found.length;
  if (untold > 0) found.push(problem(`${untold} more writers have such records`));
  if (sequences.results().length === 0) found.push(problem("no record has a number that the pattern finds"));
  else if (sequences.unmatched > 0) {
    found.push(finding("note", "sequence", log, `${sequences.unmatched} records without a number`));
  }
  return found;
}
