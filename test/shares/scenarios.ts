import { setTimeout as delay } from "node:timers/promises";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../src/index.js";
import type { Host, Lab, Remote, ShareKind } from "./lab.js";

/* Writers on several hosts, and what happens to them meanwhile. What was acknowledged must be in the files, once, whole. */

type Options = RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions;
type Happening = (running: { lab: Lab; kind: ShareKind; writers: readonly Writer[] }) => Promise<void>;

interface Scenario {
  readonly options: Options;
  /** Each writer writes so many. */
  readonly records: number;
  readonly bytes?: number;
  readonly writersOnEach?: number;
  /** When each writer has acknowledged something. */
  readonly happens?: Happening;
}

const KIB = 1024;
const LONGER_THAN_LEASE = 20_000;
const BACKUPS = 5000;

const gzip = { useGzip: true, backupCount: BACKUPS };

export const SCENARIOS: Record<string, Scenario> = {
  "plain, 64 KiB": { options: { maxBytes: 64 * KIB, backupCount: BACKUPS }, records: 300 },
  "gzip, 8 KiB": { options: { ...gzip, maxBytes: 8 * KIB }, records: 150 },
  "gzip, 64 KiB": { options: { ...gzip, maxBytes: 64 * KIB }, records: 300 },
  "gzip, every second": { options: { ...gzip, when: "s", interval: 1 }, records: 150 },
  "gzip, 16 KiB, batched": { options: { ...gzip, maxBytes: 16 * KIB, delivery: "batched" }, records: 400 },
  "gzip, 16 KiB, background": { options: { ...gzip, maxBytes: 16 * KIB, delivery: "background" }, records: 400 },
  "gzip, 16 KiB, spills": { options: { ...gzip, maxBytes: 16 * KIB, lockTimeout: 20 }, records: 150 },
  "gzip, 16 KiB, 100 bytes": { options: { ...gzip, maxBytes: 16 * KIB }, records: 300, bytes: 100 },
  "plain, 256 KiB, 20 KB": { options: { maxBytes: 256 * KIB, backupCount: BACKUPS }, records: 80, bytes: 20_000 },
  "gzip, 16 KiB, two writers killed": {
    options: { ...gzip, maxBytes: 16 * KIB },
    records: 150,
    async happens({ writers }) {
      for (const writer of [writers[0]!, writers.at(-1)!]) writer.kill();
    },
  },
  "gzip, 16 KiB, server stopped for 3 s": {
    options: { ...gzip, maxBytes: 16 * KIB },
    records: 150,
    happens: ({ lab, kind }) => lab.interruptServer(kind, 3000),
  },
  "gzip, 16 KiB, a host cut off for 20 s": {
    options: { ...gzip, maxBytes: 16 * KIB },
    records: 200,
    async happens({ lab }) {
      lab.hosts[0]!.cutOff();
      await delay(LONGER_THAN_LEASE);
      lab.hosts[0]!.reconnect();
    },
  },
  "gzip, 16 KiB, a host killed": {
    options: { ...gzip, maxBytes: 16 * KIB },
    records: 150,
    async happens({ lab, writers }) {
      await lab.hosts[0]!.crash();
      for (const writer of writers) if (writer.host === lab.hosts[0]) writer.isLost = true;
    },
  },
};

/** A program `writer` on a host, and what it has said. */
class Writer {
  readonly host: Host;
  readonly name: string;
  readonly #remote: Remote;
  readonly #acknowledged = new Set<number>();
  readonly said: string[] = [];
  refused = 0;
  end: string | undefined;
  /** Its host is gone, and says nothing of its end. */
  isLost = false;

  constructor(host: Host, name: string, job: object) {
    this.host = host;
    this.name = name;
    this.#remote = host.run("writer", { name, ...job });
  }

  get acknowledged(): ReadonlySet<number> {
    return this.#acknowledged;
  }

  async ready(): Promise<void> {
    for (let line = await this.#remote.next(); line !== "ready"; line = await this.#remote.next()) {
      if (line === undefined) throw new Error(`${this.name} did not start: ${this.said.join("; ")}`);
      this.said.push(line);
    }
  }

  /** Starts the writer, and resolves when it has ended. */
  async run(): Promise<void> {
    this.#remote.say("go");
    for (let line = await this.#remote.next(); line !== undefined; line = await this.#remote.next()) this.#hear(line);
  }

  kill(): void {
    this.#remote.kill();
  }

  #hear(line: string): void {
    const number = Number(line.slice(2));
    switch (line[0]) {
      case "T":
        this.#acknowledged.add(number);
        return;
      case "F":
        this.refused++;
        return;
      case "U":
        for (let i = 0; i < number; i++) this.#acknowledged.add(i);
        return;
      case "Z":
        this.end = line.slice(2);
        return;
      default:
        this.said.push(line);
    }
  }
}

interface Counted {
  readonly found: Readonly<Record<string, number[]>>;
  readonly torn: string[];
  readonly files: number;
  readonly largest: number;
  readonly left: string[];
}

export interface Outcome {
  readonly scenario: string;
  readonly acknowledged: number;
  readonly missing: number;
  readonly doubled: number;
  readonly torn: number;
  /** Records for which `write` has returned `false`. */
  readonly late: number;
  readonly files: number;
  readonly seconds: number;
  /** Faults, in words. */
  readonly problems: string[];
  readonly notes: string[];
}

export async function runScenario(lab: Lab, kind: ShareKind, name: string, directory: string): Promise<Outcome> {
  const { options, records, bytes = 700, writersOnEach = 2, happens } = SCENARIOS[name]!;
  const log = `${lab.shared(directory)}/app.log`;
  const writers = lab.hosts.flatMap((host) =>
    Array.from(
      { length: writersOnEach },
      (_, i) => new Writer(host, `${host.name}w${i}`, { log, records, bytes, options }),
    ),
  );
  for (const writer of writers) await writer.ready();
  const begin = Date.now();
  const ends = writers.map((writer) => writer.run());
  if (happens !== undefined) {
    while (writers.some(({ acknowledged }) => acknowledged.size === 0)) await delay(50);
    await happens({ lab, kind, writers });
  }
  await Promise.all(ends.filter((_, i) => !writers[i]!.isLost));
  const seconds = (Date.now() - begin) / 1000;
  if (writers.some(({ isLost }) => isLost)) await revive(lab, kind);
  const heir = lab.hosts.at(-1)!.run("heir", log, options);
  const notes: string[] = [];
  for (let line = await heir.next(); line !== undefined && line !== "done"; line = await heir.next())
    notes.push(`heir: ${line}`);
  const counted = JSON.parse(await lab.onServer(kind, "count", directory)) as Counted;
  return outcomeOf(name, writers, counted, seconds, notes);
}

async function revive(lab: Lab, kind: ShareKind): Promise<void> {
  await lab.hosts[0]!.boot("host");
  await lab.mount(lab.hosts[0]!, kind);
}

function outcomeOf(
  scenario: string,
  writers: readonly Writer[],
  counted: Counted,
  seconds: number,
  notes: string[],
): Outcome {
  const missing: string[] = [];
  const doubled: string[] = [];
  let acknowledged = 0;
  for (const writer of writers) {
    const times = counted.found[writer.name] ?? [];
    acknowledged += writer.acknowledged.size;
    for (const number of writer.acknowledged) if (!times[number]) missing.push(`${writer.name}-${number}`);
    times.forEach((count, number) => {
      if (count > 1) doubled.push(`${writer.name}-${number}`);
    });
    if (writer.acknowledged.size === 0) notes.push(`${writer.name} has written nothing`);
    notes.push(...[...new Set(writer.said)].slice(0, 4).map((line) => `${writer.name}: ${line}`));
    if (writer.end !== undefined) notes.push(`${writer.name}: ${writer.end}`);
  }
  const problem = (what: string, which: string[]) =>
    which.length === 0 ? [] : [`${which.length} ${what}: ${which.slice(0, 6).join(", ")}`];
  if (counted.left.length > 0) notes.push(`left: ${counted.left.slice(0, 5).join(", ")}`);
  return {
    scenario,
    acknowledged,
    missing: missing.length,
    doubled: doubled.length,
    torn: counted.torn.length,
    late: writers.reduce((sum, { refused }) => sum + refused, 0),
    files: counted.files,
    seconds,
    problems: [...problem("missing", missing), ...problem("doubled", doubled), ...problem("torn", counted.torn)],
    notes,
  };
}
