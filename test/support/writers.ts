import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import type { RotatingFileHandlerOptions } from "../../src/index.js";
import { Fixture } from "./child.js";

/** A handler as it should be, or broken in one way, to see that the tests notice. */
export type WriterKind = "real" | "no lock";

/** Starts processes that each write `records` records to one log. */
export function startWriters(
  t: TestContext,
  count: number,
  records: number,
  file: string,
  options: RotatingFileHandlerOptions,
  kind: WriterKind = "real",
): Fixture[] {
  const start = (_: unknown, i: number) => new Fixture(t, "writer", `w${i}`, records, file, options, kind);
  return Array.from({ length: count }, start);
}

export interface Found {
  /** For each writer, how often each of its records was found. */
  readonly times: ReadonlyMap<string, number[]>;
  /** Lines that are no whole record. */
  readonly torn: string[];
}

/** Reads every file of a directory whose name starts with `prefix`, in any order. */
export function readAll(directory: string, prefix: string): Found {
  const times = new Map<string, number[]>();
  const torn: string[] = [];
  for (const name of readdirSync(directory).filter((found) => found.startsWith(prefix))) {
    const bytes = readFileSync(join(directory, name));
    const lines = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().split(/\r?\n/); // Windows ends lines with both
    if (lines.pop() !== "") torn.push(`${name} does not end with a line feed`);
    for (const line of lines) {
      const record = parseStressRecord(line);
      if (record === undefined) torn.push(`${name}: ${line}`);
      else {
        const counts = times.get(record.writer) ?? [];
        counts[record.number] = (counts[record.number] ?? 0) + 1;
        times.set(record.writer, counts);
      }
    }
  }
  return { times, torn };
}

/** Records that are not there exactly once, of so many of each writer. */
export function notOnce({ times }: Found, writers: number, records: number): string[] {
  const wrong: string[] = [];
  for (let w = 0; w < writers; w++) {
    for (let number = 0; number < records; number++) {
      const count = times.get(`w${w}`)?.[number] ?? 0;
      if (count !== 1) wrong.push(`record ${number} of w${w}: ${count} times`);
    }
  }
  return wrong;
}
