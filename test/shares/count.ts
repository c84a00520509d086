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

/** A compressed form stands beside its source until the source is deleted. */
function counts(name: string): boolean {
  if (/^app\.log(\.[\d_-]+)*(\.gz)?$/.test(name)) return true;
  if (!/^app\.log-\d{13}-\S+-[0-9a-f]{8}(\.gz)?$/.test(name)) return false;
  return !name.endsWith(".gz") || !names.includes(name.slice(0, -".gz".length));
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
const left = names.filter((name) => /^(\.__app\.log\..*(spill|unfinished)|app\.log-.*)$/.test(name));
process.stdout.write(`${JSON.stringify({ found, torn, files, largest, left })}\n`);
