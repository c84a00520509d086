import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseStressRecord } from "../../src/cli/stress/record.js";

/*
 * count directory: what is in the files of app.log, as JSON: of each writer, how often each record; torn lines; what is left
 * over. Told by names alone, without the code that is tried.
 */

const [directory] = process.argv.slice(2).map((word) => JSON.parse(word)) as [string];
const names = readdirSync(directory);
const published = new Set(names.flatMap((name) => /^\.__app\.log\.(\d{10})\..*\.published$/.exec(name)?.[1] ?? []));

/** A source counts until it is published, its compressed form from then on. */
function counts(name: string): boolean {
  if (/^app\.log(\.[\d_-]+)*(\.gz)?$/.test(name)) return true;
  const [, sequence, rest] = /^\.__app\.log\.(\d{10})\.(.*)$/.exec(name) ?? [];
  return sequence !== undefined && (rest!.endsWith(".pending") || (rest === "gz" && published.has(sequence)));
}

const found: Record<string, number[]> = {};
const torn: string[] = [];
let files = 0;
let largest = 0;
for (const name of names.filter(counts)) {
  const stored = readFileSync(join(directory, name));
  files++;
  let bytes = stored;
  try {
    if (name.endsWith(".gz")) bytes = gunzipSync(stored);
  } catch (error) {
    torn.push(`${name}: ${String(error)}`);
  }
  largest = Math.max(largest, bytes.length);
  for (const line of bytes.toString("latin1").split("\n")) {
    const record = parseStressRecord(line);
    if (record !== undefined) {
      const times = found[record.writer] ?? [];
      found[record.writer] = times;
      times[record.number] = (times[record.number] ?? 0) + 1;
    } else if (line !== "") torn.push(`${name}: ${line.slice(0, 40)} (${line.length})`);
  }
}
const left = names.filter((name) => /^\.__app\.log\..*(spill|unfinished|pending|published)$/.test(name));
process.stdout.write(`${JSON.stringify({ found, torn, files, largest, left })}\n`);
