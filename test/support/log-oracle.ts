import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, parse as parsePath } from "node:path";
import { crc32, gunzipSync } from "node:zlib";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { parseNumbered } from "../../src/log-files/backup-names.js";
import { archiveClaimPath, isCursor, settingsPath, sweepLockPath } from "../../src/log-files/hidden-names.js";
import { type LogFile, listLogFiles } from "../../src/log-files/list-files.js";
import { namedBackups } from "../../src/log-files/named-backups.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import type { FileSystem } from "../../src/platform/file-system.js";
import { namingLeft, settingsLeft } from "../../src/writer/settings-file.js";

/* What must be true of a log, whatever has happened to its writers. */

/** Backups have the names that the writers of the log have left beside it. */
function fsOf(log: string): FileSystem {
  const { fs } = systemEnvironment();
  return namedBackups({ fs }, log, namingLeft(log, settingsLeft(fs, log))).fs;
}

function filesOf(log: string): LogFile[] {
  return listLogFiles(fsOf(log), log);
}

/** A record of always the same length, so that what a handler does with it is always the same. */
export function recordOf(writer: string, number: number): string {
  const text = `${writer}-${number}-`.padEnd(RECORD_BYTES - 9, "x");
  return text + crc32(text).toString(16).padStart(8, "0");
}

/** With its line feed. */
const RECORD_BYTES = 49;

export interface Expected {
  /** Of each writer, how many of its records are certainly in the file: those from 0 on. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** How many records may be cut off, or be there although nobody was told so: one for each kill. */
  readonly unfinished?: number;
  /** A limit may have removed the oldest lines, as long as so many are left. */
  readonly keeps?: number;
  readonly maxBytes?: number;
  readonly backupCount?: number;
  readonly maxTotalBytes?: number;
  /** Each file begins with this line, and has it nowhere else. */
  readonly header?: string;
}

interface Part {
  /** By default. */
  readonly name: string;
  readonly storedBytes: number;
  readonly bytes: number;
  readonly lines: string[];
}

/** What is wrong with a log after a clean start, as sentences. */
export function problemsOf(log: string, expected: Expected): string[] {
  const problems: string[] = [];
  const parts = readParts(log, problems);
  if (expected.header !== undefined) problems.push(...takeHeaders(parts, expected.header));
  return [...problems, ...recordProblems(parts, expected), ...limitProblems(log, parts, expected), ...leftovers(log)];
}

/**
 * What the plain files of a log hold now. They may be renamed, deleted, and the active one appended to, but what was
 * read of them once stays as it was: a log shipper that follows them would miss it, or read it twice.
 */
export class Snapshot {
  readonly #log: string;
  readonly #files: { fd: number; inode: bigint; name: string; bytes: Buffer }[];

  constructor(log: string) {
    this.#log = log;
    this.#files = plainFiles(log).map(({ path, inode }) => {
      // Left open, so that no other file gets its inode.
      return { fd: openSync(path, "r"), inode, name: basename(path), bytes: readFileSync(path) };
    });
  }

  /** What is not as it was. To be called once. */
  problems(): string[] {
    const now = plainFiles(this.#log);
    return this.#files.flatMap(({ fd, inode, name, bytes }) => {
      closeSync(fd);
      const path = now.find((file) => file.inode === inode)?.path;
      const isKept = path === undefined || readFileSync(path).subarray(0, bytes.length).equals(bytes);
      return isKept ? [] : [`what was in ${name} is not in ${basename(path)}`];
    });
  }
}

function plainFiles(log: string): { path: string; inode: bigint }[] {
  if (!existsSync(dirname(log))) return [];
  const parts = filesOf(log).filter(({ extension }) => extension === "");
  return parts.map(({ path }) => ({ path, inode: statSync(path, { bigint: true }).ino }));
}

/**
 * Records of a writer that a kill has left in no file that "app.log*" finds, as sentences.
 * @param count how many were acknowledged; those of spills are not in the log yet
 */
export function hiddenRecords(log: string, writer: string, count: number): string[] {
  if (!existsSync(dirname(log))) return [];
  const found = new Set<number>();
  // With a template, "app*" finds them, also in the directory of the backups.
  const all = readdirSync(dirname(log), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { name, parentPath } of all.filter((other) => other.name.startsWith(parsePath(log).name))) {
    const stored = readFileSync(join(parentPath, name));
    const lines = (stored[0] === 0x1f ? gunzipSync(stored) : stored).toString().split("\n");
    for (const record of lines.map(parseStressRecord)) if (record?.writer === writer) found.add(record.number);
  }
  const missing = Array.from({ length: count }, (_, number) => number).filter((number) => !found.has(number));
  return missing.map((number) => `${writer}: record ${number} is in no file that app.log* finds`);
}

/** Lines that are no whole record, in all files. */
export function tornLines(log: string): string[] {
  return readParts(log, []).flatMap(({ lines }) => lines.filter((line) => parseStressRecord(line) === undefined));
}

function readParts(log: string, problems: string[]): Part[] {
  return filesOf(log).flatMap(({ path, name, extension }) => {
    const stored = readFileSync(path);
    let bytes: Buffer;
    try {
      bytes = extension === ".gz" ? gunzipSync(stored) : stored;
    } catch (error) {
      problems.push(`${name} is broken: ${(error as Error).message}`); // whatever the code: it cannot be read
      return [];
    }
    const lines = bytes.toString().split("\n");
    if (lines.pop() !== "") problems.push(`${name} does not end with a line feed`);
    return [{ name, storedBytes: stored.length, bytes: bytes.length, lines }];
  });
}

function takeHeaders(parts: Part[], header: string): string[] {
  return parts.flatMap(({ name, lines }) =>
    lines.shift() !== header || lines.includes(header) ? [`${name} does not have its header once, at its head`] : [],
  );
}

function recordProblems(parts: Part[], { acknowledged, unfinished = 0, keeps }: Expected): string[] {
  const problems: string[] = [];
  const lines = parts.flatMap((part) => part.lines);
  if (keeps !== undefined && lines.length < keeps) problems.push(`${lines.length} lines are left, not ${keeps}`);
  const found = new Map<string, number[]>();
  let surplus = 0;
  for (const line of lines) {
    const record = parseStressRecord(line);
    if (record === undefined) surplus++;
    else if (found.has(record.writer)) found.get(record.writer)!.push(record.number);
    else found.set(record.writer, [record.number]);
  }
  for (const writer of new Set([...acknowledged.keys(), ...found.keys()])) {
    const count = acknowledged.get(writer) ?? 0;
    const numbers = found.get(writer) ?? [];
    const beyond = numbers.filter((number) => number >= count).length;
    if (beyond > 1) problems.push(`${writer}: ${beyond} records that were not acknowledged`);
    surplus += beyond;
    problems.push(...sequenceProblems(writer, numbers, count, keeps !== undefined));
  }
  if (surplus > unfinished) problems.push(`${surplus} torn or unacknowledged records, not ${unfinished}`);
  return problems;
}

/** The records of one writer must be its first ones, or its last ones where the first may be gone, each once and in order. */
function sequenceProblems(writer: string, numbers: number[], count: number, firstMayGo: boolean): string[] {
  const first = firstMayGo ? Math.min(numbers[0] ?? count, count) : 0;
  const wrong = numbers.findIndex((number, i) => number !== first + i);
  if (wrong !== -1) return [`${writer}: record ${numbers[wrong]} where ${first + wrong} should be`];
  const end = first + numbers.length;
  return end < count ? [`${writer}: record ${end} of ${count} is missing`] : [];
}

function limitProblems(log: string, parts: Part[], expected: Expected): string[] {
  const { maxBytes = Infinity, backupCount = Infinity, maxTotalBytes = Infinity } = expected;
  const backups = parts.filter(({ name }) => name !== basename(log));
  const total = backups.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  return [
    ...parts
      .filter(({ bytes, lines }) => bytes > maxBytes && lines.length > 1)
      .map(({ name, bytes }) => `${name} has ${bytes} bytes`),
    ...backups
      .filter(({ name }) => (parseNumbered(log, name)?.n ?? 0) > backupCount)
      .map(({ name }) => `${name} is there`),
    ...(backups.length > backupCount ? [`${backups.length} backups`] : []),
    ...(total > maxTotalBytes ? [`backups have ${total} bytes`] : []),
  ];
}

/** Nothing but the files of the log, its locks and its settings may stay. */
function leftovers(log: string): string[] {
  const ours = new Set(filesOf(log).map(({ path }) => path));
  const hidden = [lockFilePath(log), sweepLockPath(log), settingsPath(log), archiveClaimPath(log, undefined)];
  const mayStay = hidden.map((path) => basename(path));
  return readdirSync(dirname(log), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !mayStay.includes(entry.name) && !isCursor(log, entry.name))
    .filter(({ name, parentPath }) => name.startsWith(".") || !ours.has(join(parentPath, name)))
    .map(({ name }) => `${name} was left`);
}
