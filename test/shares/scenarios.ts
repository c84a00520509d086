import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../src/index.js";
import { Agent } from "./agents.js";
import type { Host, Lab, Remote, ShareKind } from "./lab.js";

/* Writers on several hosts, and what happens to them meanwhile. What was acknowledged must be in the files, once, whole. */

type Options = RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions;

interface Running {
  readonly lab: Lab;
  readonly kind: ShareKind;
  readonly log: string;
  readonly options: Options;
  readonly writers: readonly Writer[];
  /** Filled with what is wrong, and what is worth knowing. */
  readonly problems: string[];
  readonly notes: string[];
}

interface Scenario {
  readonly options: Options;
  /** Each writer writes so many. */
  readonly records: number;
  readonly bytes?: number;
  readonly flushEvery?: number;
  readonly hosts?: number;
  /** On the first host, Python's handler writes, in one process. */
  readonly hasPython?: boolean;
  /** When each writer has acknowledged something. */
  readonly happens?: (running: Running) => Promise<void>;
}

const KIB = 1024;
const LONGER_THAN_LEASE = 20_000;
const BACKUPS = 5000;
const WRITERS_ON_EACH = 2;
const MANY = 8000;

const CLH = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const PYTHON = fileURLToPath(new URL("../../../test/shares/writer.py", import.meta.url));

const gzip = { useGzip: true, backupCount: BACKUPS };

export const SCENARIOS: Record<string, Scenario> = {
  "plain, 64 KiB": { options: { maxBytes: 64 * KIB, backupCount: BACKUPS }, records: 250 },
  "gzip, 8 KiB": { options: { ...gzip, maxBytes: 8 * KIB }, records: 150 },
  "gzip, 64 KiB": { options: { ...gzip, maxBytes: 64 * KIB }, records: 250 },
  "gzip, 64 KiB, four hosts": { options: { ...gzip, maxBytes: 64 * KIB }, records: 150, hosts: 4 },
  "gzip, 64 KiB, Python beside": { options: { ...gzip, maxBytes: 64 * KIB }, records: 150, hasPython: true },
  "gzip, every second": { options: { ...gzip, when: "s", interval: 1 }, records: 150 },
  "gzip, 16 KiB, batched": { options: { ...gzip, maxBytes: 16 * KIB, delivery: "batched" }, records: 400 },
  "gzip, 16 KiB, background": { options: { ...gzip, maxBytes: 16 * KIB, delivery: "background" }, records: 400 },
  "gzip, 256 KiB, batched, many": {
    options: { ...gzip, maxBytes: 256 * KIB, delivery: "batched" },
    records: MANY,
    flushEvery: 500,
  },
  "gzip, 256 KiB, background, many": {
    options: { ...gzip, maxBytes: 256 * KIB, delivery: "background" },
    records: MANY,
    flushEvery: 500,
  },
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
    happens: ({ lab, writers }) => crash(lab, writers),
  },
  "gzip, 16 KiB, a host killed with the lock": {
    options: { ...gzip, maxBytes: 16 * KIB },
    records: 150,
    happens: killHolder,
  },
};

async function crash(lab: Lab, writers: readonly Writer[]): Promise<void> {
  await lab.hosts[0]!.crash();
  for (const writer of writers) if (writer.host === lab.hosts[0]) writer.isLost = true;
}

/** The others go on without the lock until the server takes it from the dead, and can tell who is waited for. */
async function killHolder({ lab, log, options, writers, problems, notes }: Running): Promise<void> {
  const [dead, alive] = lab.hosts as [Host, Host, ...Host[]];
  const holder = new Agent(dead);
  while (!(await holder.do("lock", log))) await delay(10);
  await crash(lab, writers);
  const begin = Date.now();
  const newcomer = new Agent(alive);
  const opened = await newcomer.do<true | string>("begin", log, { ...options, lockTimeout: 500 });
  if (opened !== true) problems.push(`open() of a new process: ${opened}`);
  const waited = await newcomer.do<string[]>("errors");
  if (!waited.some((message) => message.includes("Could not lock"))) problems.push("the lock was free at once");
  const status = await alive.shell(`${process.execPath} ${CLH} status ${log}`);
  // On a slow machine, the server may have given it to a writer of this host by now.
  if (!/one that has died|held by \d/.test(status)) problems.push(`status says nothing of it: ${status}`);
  while (!(await newcomer.do("lock", log))) await delay(200);
  notes.push(`the lock was free again ${((Date.now() - begin) / 1000).toFixed(0)} s after its host had died`);
  await newcomer.do("unlock", log);
  await newcomer.do("close", log);
  newcomer.end();
}

/** A program `writer` on a host, and what it has said. */
class Writer {
  readonly host: Host;
  readonly name: string;
  readonly isPython: boolean;
  readonly #remote: Remote;
  readonly #acknowledged = new Set<number>();
  readonly said: string[] = [];
  refused = 0;
  end: string | undefined;
  /** Its host is gone, and says nothing of its end. */
  isLost = false;

  constructor(host: Host, name: string, job: object, isPython: boolean) {
    this.host = host;
    this.name = name;
    this.isPython = isPython;
    this.#remote = isPython ? host.python(PYTHON, { name, ...job }) : host.run("writer", { name, ...job });
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
  /** See {@link fairness}; undefined where it says nothing. */
  readonly share: number | undefined;
  /** Faults, in words. */
  readonly problems: string[];
  readonly notes: string[];
}

export async function runScenario(lab: Lab, kind: ShareKind, name: string, directory: string): Promise<Outcome> {
  const { options, records, bytes = 700, flushEvery = 25, hosts = 2, hasPython = false, happens } = SCENARIOS[name]!;
  const log = `${lab.shared(directory)}/app.log`;
  const job = { log, records, bytes, flushEvery, options };
  const writers = lab.hosts.slice(0, hosts).flatMap((host, i) => {
    const isPython = hasPython && i === 0;
    const numbers = Array.from({ length: isPython ? 1 : WRITERS_ON_EACH }, (_, number) => number);
    return numbers.map((number) => new Writer(host, `${host.name}w${number}`, job, isPython));
  });
  const problems: string[] = [];
  const notes: string[] = [];
  for (const writer of writers) await writer.ready();
  const begin = Date.now();
  let shares: number[] | undefined;
  const ends = writers.map(async (writer) => {
    await writer.run();
    shares ??= writers.map(({ acknowledged }) => acknowledged.size);
  });
  if (happens !== undefined) {
    while (writers.some(({ acknowledged }) => acknowledged.size === 0)) await delay(50);
    await happens({ lab, kind, log, options, writers, problems, notes });
  }
  await Promise.all(ends.filter((_, i) => !writers[i]!.isLost));
  const seconds = (Date.now() - begin) / 1000;
  if (writers.some(({ isLost }) => isLost)) await revive(lab, kind);
  const heir = lab.hosts[1]!.run("heir", log, options);
  for (let line = await heir.next(); line !== undefined && line !== "done"; line = await heir.next())
    notes.push(`heir: ${line}`);
  const counted = JSON.parse(await lab.onServer(kind, "count", directory)) as Counted;
  const isEven = happens === undefined && !hasPython && options.lockTimeout === undefined;
  const share = isEven ? fairness(writers, shares!) : undefined;
  return outcomeOf({ scenario: name, seconds, share, problems, notes }, writers, counted);
}

/** When the first writer has ended: how often at most one writer has written as many as one of another host. */
function fairness(writers: readonly Writer[], shares: readonly number[]): number {
  const ratios = writers.flatMap(({ host }, i) =>
    writers.flatMap((other, j) => (other.host === host ? [] : [shares[i]! / shares[j]!])),
  );
  return Math.max(...ratios);
}

async function revive(lab: Lab, kind: ShareKind): Promise<void> {
  await lab.hosts[0]!.boot("host");
  await lab.mount(lab.hosts[0]!, kind);
}

function outcomeOf(
  about: Pick<Outcome, "scenario" | "seconds" | "share" | "problems" | "notes">,
  writers: readonly Writer[],
  counted: Counted,
): Outcome {
  const { problems, notes } = about;
  const missing: string[] = [];
  const doubled: string[] = [];
  let acknowledged = 0;
  for (const writer of writers) {
    const times = counted.found[writer.name] ?? [];
    const lost = [...writer.acknowledged]
      .filter((number) => !times[number])
      .map((number) => `${writer.name}-${number}`);
    // Python's handler says of a record that it is written before the server has it: that is for itself to mend.
    if (writer.isPython) notes.push(`Python: ${lost.length} of ${writer.acknowledged.size} missing`);
    else {
      acknowledged += writer.acknowledged.size;
      missing.push(...lost);
      times.forEach((count, number) => {
        if (count > 1) doubled.push(`${writer.name}-${number}`);
      });
    }
    if (writer.acknowledged.size === 0) notes.push(`${writer.name} has written nothing`);
    notes.push(...[...new Set(writer.said)].slice(0, 4).map((line) => `${writer.name}: ${line}`));
    if (writer.end !== undefined) notes.push(`${writer.name}: ${writer.end}`);
  }
  const problem = (what: string, which: string[]) => {
    if (which.length > 0) problems.push(`${which.length} ${what}: ${which.slice(0, 6).join(", ")}`);
  };
  problem("missing", missing);
  problem("doubled", doubled);
  problem("torn", counted.torn);
  if (counted.left.length > 0) notes.push(`left: ${counted.left.slice(0, 5).join(", ")}`);
  return {
    ...about,
    acknowledged,
    missing: missing.length,
    doubled: doubled.length,
    torn: counted.torn.length,
    late: writers.reduce((sum, { refused }) => sum + refused, 0),
    files: counted.files,
  };
}
