import { colours } from "./colours.js";
import { counted, group } from "./layout.js";
import { jsonLine, printable } from "./printable.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Each divides the next, so that counts can be put together.
const STEPS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
];
const MOST_ROWS = 24;
const MOST_KEPT = 10_000;

/** The parts of a bar, from the worst to the most harmless. */
const KINDS = [
  { name: "error", sign: "#", levels: ["error", "critical", "alert", "emergency"] },
  { name: "warning", sign: "=", levels: ["warning"] },
  { name: "info", sign: "-", levels: ["info", "notice", "http", "mark"] },
  { name: "debug", sign: ".", levels: ["debug", "trace", "verbose", "silly"] },
  { name: "other", sign: ":", levels: [] },
] as const;
type Counts = number[];

const none = (): Counts => KINDS.map(() => 0);
const total = (counts: Counts) => counts.reduce((sum, count) => sum + count, 0);

/** Counts records by time and level. Its memory does not grow with the time. */
export class Histogram {
  #step = 0;
  #rows = new Map<number, Counts>();
  #untimed = none();

  /** @param time milliseconds since 1970, if the record says it */
  add(time: number | undefined, level: string | undefined): void {
    const kind = KINDS.findIndex(({ levels }) => (levels as readonly (string | undefined)[]).includes(level));
    const counts = time === undefined ? this.#untimed : this.#row(localTime(time));
    counts[kind === -1 ? KINDS.length - 1 : kind]!++;
    if (this.#rows.size > MOST_KEPT) this.#coarsen();
  }

  /** A line for each row: its start, and how many records it has. */
  toJson(): string {
    const named = (counts: Counts) => Object.fromEntries(KINDS.map(({ name }, i) => [name, counts[i]!]));
    const rows = this.#shownRows().map(([from, counts]) =>
      jsonLine({ from: text(from, 19), seconds: this.#length / 1000, records: total(counts), ...named(counts) }),
    );
    const untimed = total(this.#untimed);
    return rows.join("") + (untimed === 0 ? "" : jsonLine({ records: untimed, ...named(this.#untimed) }));
  }

  /** @param width characters of a line */
  toText(width: number): string {
    const rows = this.#shownRows();
    const length = this.#length < MINUTE ? 19 : this.#length < DAY ? 16 : 10;
    const labels = rows.map(([from]) => text(from, length));
    const all = rows.map(([, counts]) => counts);
    if (total(this.#untimed) > 0) {
      labels.push("no time");
      all.push(this.#untimed);
    }
    const counts = all.map((row) => group(total(row)));
    const left = Math.max(0, ...labels.map((label) => label.length));
    const right = Math.max(0, ...counts.map((count) => count.length));
    const most = Math.max(1, ...all.map(total));
    const room = Math.max(0, width - left - right - 3); // one column stays free: some terminals go on to the next line
    const lines = all.map((row, i) =>
      `${labels[i]!.padEnd(left)} ${counts[i]!.padStart(right)} ${bar(row, most, room)}`.trimEnd(),
    );
    return [...lines, ...this.#legend(all, width), ""].join("\n");
  }

  #legend(all: readonly Counts[], width: number): string[] {
    const sums = KINDS.map((_, kind) => all.reduce((sum, counts) => sum + counts[kind]!, 0));
    const sum = total(sums);
    const words = [
      counted(sum, "record"),
      ...KINDS.flatMap(({ name, sign }, i) => (sums[i] === 0 ? [] : [`${sign} ${group(sums[i]!)} ${name}`])),
    ];
    const lines: string[] = [];
    for (const word of words) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + 2 + word.length < width) lines[lines.length - 1] = `${last}  ${word}`;
      else lines.push(word);
    }
    return lines;
  }

  get #length(): number {
    return lengthOf(this.#step);
  }

  #row(time: number): Counts {
    const from = Math.floor(time / this.#length) * this.#length;
    let counts = this.#rows.get(from);
    if (counts === undefined) {
      counts = none();
      this.#rows.set(from, counts);
    }
    return counts;
  }

  #coarsen(): void {
    const before = this.#rows;
    this.#rows = new Map();
    this.#step++;
    for (const [from, counts] of before) {
      const row = this.#row(from);
      for (const [kind, count] of counts.entries()) row[kind]! += count;
    }
  }

  /** In order, with those that are empty; as many as are seen at once. */
  #shownRows(): [number, Counts][] {
    if (this.#rows.size === 0) return [];
    let [first, last] = this.#ends();
    while ((last - first) / this.#length >= MOST_ROWS) {
      this.#coarsen();
      [first, last] = this.#ends();
    }
    const count = (last - first) / this.#length + 1;
    return Array.from({ length: count }, (_, i): [number, Counts] => {
      const from = first + i * this.#length;
      return [from, this.#rows.get(from) ?? none()];
    });
  }

  #ends(): [number, number] {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const from of this.#rows.keys()) {
      if (from < first) first = from;
      if (from > last) last = from;
    }
    return [first, last];
  }
}

/** Behind the table, days: two, four, and so on. */
function lengthOf(step: number): number {
  return STEPS[step] ?? DAY * 2 ** (step - STEPS.length + 1);
}

/** Time as a clock on the wall shows it, as if it were that of UTC: so that days begin at midnight. */
function localTime(time: number): number {
  return time - new Date(time).getTimezoneOffset() * MINUTE;
}

function text(time: number, length: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return printable(String(time));
  return date.toISOString().replace("T", " ").slice(0, length);
}

const { red, green, yellow, dim } = colours(process.stdout);
const PAINTS = [red, yellow, green, dim, dim];

/** A bar of as many signs as the records ask for, with one at least of each kind that is there, where there is room. */
function bar(counts: Counts, most: number, room: number): string {
  const kinds = counts.filter((count) => count > 0).length;
  const length = Math.min(room, Math.max(kinds, Math.round((total(counts) * room) / most)));
  const parts = counts.map((count) => (count === 0 ? 0 : Math.max(1, Math.round((count * room) / most))));
  for (let more = length - total(parts); more !== 0; more -= Math.sign(more)) {
    parts[parts.indexOf(Math.max(...parts))]! += Math.sign(more);
  }
  return parts.map((part, kind) => (part === 0 ? "" : PAINTS[kind]!(KINDS[kind]!.sign.repeat(part)))).join("");
}
