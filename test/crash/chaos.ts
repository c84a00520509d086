import { execFileSync, spawnSync } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import { withLock } from "../../src/lock/file-lock.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { settingsPath, spillPath, sweepLockPath } from "../../src/log-files/hidden-names.js";
import { toFrames } from "../../src/spill/spill-format.js";
import { Fixture } from "../support/child.js";
import { Clh } from "../support/clh.js";
import type { DoubleName } from "../support/doubles.js";
import { makeLock } from "../support/locks.js";
import { recordOf } from "../support/log-oracle.js";
import { makeHandler, type Operation } from "../support/operations.js";
import { temporaryDirectory } from "../support/temporary.js";
import { OTHER_USER } from "../support/users.js";

/*
 * Writers of all kinds on one log, and around them what people and machines do to it, in an order that a seed gives.
 * In the end each acknowledged record is there once: in the log, or where an event has moved it.
 */

type Kind = Pick<Operation, "options" | "isTimed">;

const SIZE = { maxBytes: 16 * 1024, backupCount: 100_000, lockTimeout: 200 };
const TIME = { when: "s", backupCount: 100_000, lockTimeout: 200 } as const;

export const WORLDS: Record<string, Kind> = {
  "by size, plain": { options: SIZE },
  "by size, gzip": { options: { ...SIZE, useGzip: true } },
  "by time, gzip": { options: { ...TIME, useGzip: true }, isTimed: true },
};

const RECORDS_OF_A_FILE = SIZE.maxBytes / 40;
const MOST_WAIT = 20_000;
const ENDS_WITHIN = 60_000;
const isRoot = process.getuid?.() === 0;
// A container's root may do neither.
const canUnshare = isRoot && spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;
const makesDevices = isRoot && canMakeDevices();
const LIVES_AGAIN = process.pid; // of a process that never was a writer

type Surroundings = "plain" | "limited" | "no stderr" | "full stderr" | "other pid namespace";

const UNDER: Record<Surroundings, string[]> = {
  plain: [],
  limited: ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"], // 8 KiB: half of a full log
  "no stderr": ["sh", "-c", 'exec 2>&-; exec "$@"', "sh"],
  "full stderr": [],
  "other pid namespace": ["unshare", "--pid", "--fork", "--kill-child"],
};

/** One writer, and how many of its records it said to be in the log. */
class Writer {
  acknowledged = 0;
  readonly name: string;
  readonly surroundings: Surroundings;
  readonly fixture: Fixture;
  readonly #read: Promise<void>;
  hasBegun: () => void = () => {};
  readonly begun = new Promise<void>((resolve) => {
    this.hasBegun = resolve;
  });

  constructor(
    t: TestContext,
    name: string,
    log: string,
    kind: Kind,
    surroundings: Surroundings,
    stderr: number,
    double: DoubleName,
  ) {
    this.name = name;
    this.surroundings = surroundings;
    this.fixture = new Fixture(
      t,
      { name: "chaos-writer", under: UNDER[surroundings], stderr },
      name,
      log,
      kind,
      double,
    );
    this.fixture.process.stdin!.on("error", () => {}); // EPIPE, when it was killed
    this.#read = this.#follow();
  }

  /** Its end, or "hangs"; then it is killed. */
  async end(): Promise<number | string> {
    const limit = setTimeout(ENDS_WITHIN, "hangs", { ref: false });
    const end = await Promise.race([this.fixture.ended, limit]);
    if (end === "hangs") this.fixture.process.kill("SIGKILL");
    await this.#read;
    return end;
  }

  async #follow(): Promise<void> {
    for (let line = await this.fixture.next(); line !== undefined; line = await this.fixture.next()) {
      this.acknowledged = Number(line);
      this.hasBegun();
    }
    this.hasBegun();
  }
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export interface ChaosResult {
  readonly kills: number;
  readonly records: number;
  readonly problems: string[];
}

/** @param rounds how often each event comes */
export async function chaos(
  t: TestContext,
  world: string,
  seed: number,
  rounds: number,
  double: DoubleName = "real",
): Promise<ChaosResult> {
  const run = new Chaos(t, WORLDS[world]!, seed, double);
  return run.run(rounds);
}

class Chaos {
  readonly #t: TestContext;
  readonly #kind: Kind;
  readonly #double: DoubleName;
  readonly #random: (below: number) => number;
  readonly #directory: string;
  readonly #elsewhere: string;
  readonly #log: string;
  readonly #full: number;
  readonly #quiet: number;
  readonly #writers: Writer[] = [];
  readonly #acknowledged = new Map<string, number>();
  readonly #problems: string[] = [];
  #started = 0;
  #kills = 0;
  #moved = 0;
  #spills = 0;
  #archive: string | undefined;

  constructor(t: TestContext, kind: Kind, seed: number, double: DoubleName) {
    this.#double = double;
    this.#t = t;
    this.#kind = kind;
    this.#random = randomOf(seed);
    const parent = temporaryDirectory(t);
    this.#directory = join(parent, "log");
    this.#elsewhere = join(parent, "elsewhere");
    for (const directory of [this.#directory, this.#elsewhere]) mkdirSync(directory);
    this.#log = join(this.#directory, "app.log");
    this.#full = openSync("/dev/full", "w");
    this.#quiet = openSync(join(parent, "stderr"), "a");
    t.after(() => [this.#full, this.#quiet].forEach(closeSync));
  }

  readonly #events: Record<string, () => unknown> = {
    "a backup of the directory is taken away": () => this.#takeAway(),
    "the backup is restored": () => this.#restore(),
    "settings of a dead process whose id is in use": () => this.#plantSettings(),
    "settings of another user": () => isRoot && this.#plantSettings(OTHER_USER),
    "a spill of a dead process whose id is in use": () => this.#plantSpill(`g${this.#spills++}`),
    "a spill of another user": () => isRoot && this.#plantSpill("forged", OTHER_USER),
    "a FIFO for the log": () => this.#swap(this.#log, makeFifo),
    "a device for the log": () => makesDevices && this.#swap(this.#log, makeDevice),
    "a dangling link for the lock": () => this.#swap(lockFilePath(this.#log), makeLink),
    "a FIFO for the lock": () => this.#swap(lockFilePath(this.#log), makeFifo),
    "a FIFO for a spill": () => this.#put(spillPath(this.#log, LIVES_AGAIN, 1), makeFifo),
    "a link for a spill": () => this.#put(spillPath(this.#log, LIVES_AGAIN, 2), makeLink),
    "a FIFO for a file that waits": () => this.#put(`${this.#log}-1715940000123-0-0123abcd`, makeFifo),
    "a link for a file that waits": () => this.#put(`${this.#log}-1715940000124-0-0123abcd`, makeLink),
    "a thread is lost while it spills": () => this.#loseThreads(),
    "a kill": () => this.#kill("SIGKILL"),
    "another kill": () => this.#kill("SIGKILL"),
    "a termination": () => this.#kill("SIGTERM"),
  };

  async run(rounds: number): Promise<ChaosResult> {
    for (const surroundings of Object.keys(UNDER) as Surroundings[]) this.#start(surroundings);
    await Promise.all(this.#writers.map(({ begun }) => begun));
    for (let round = 0; round < rounds; round++) {
      const deck = Object.entries(this.#events);
      while (deck.length > 0) {
        const [[what, act]] = deck.splice(this.#random(deck.length), 1) as [[string, () => unknown]];
        try {
          await act();
        } catch (error) {
          throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
        }
        await setTimeout(this.#random(40));
      }
    }
    this.#restore();
    // First those that others have to make room for.
    this.#writers.sort((a, b) => Number(b.surroundings === "limited") - Number(a.surroundings === "limited"));
    while (this.#writers.length > 0) await this.#end(this.#writers.shift()!, "enough");
    await this.#look();
    const records = [...this.#acknowledged.values()].reduce((sum, count) => sum + count, 0);
    return { kills: this.#kills, records, problems: this.#problems };
  }

  #start(surroundings: Surroundings): void {
    if (surroundings === "other pid namespace" && !canUnshare) return;
    // By time, others fill a file of a second beyond any limit.
    if (surroundings === "limited" && this.#kind.isTimed) return;
    const deliveries = ["sync", "batched", "background"] as const;
    const options = { ...this.#kind.options, delivery: deliveries[this.#started % deliveries.length]! };
    const stderr = surroundings === "full stderr" ? this.#full : this.#quiet;
    const name = `w${this.#started++}`;
    this.#writers.push(
      new Writer(this.#t, name, this.#log, { ...this.#kind, options }, surroundings, stderr, this.#double),
    );
  }

  async #end(writer: Writer, how: "enough" | NodeJS.Signals): Promise<void> {
    if (how === "enough") writer.fixture.say(how);
    else writer.fixture.process.kill(how);
    const end = await writer.end();
    if (end !== (how === "enough" ? 0 : how)) this.#problems.push(`${writer.name}, ${writer.surroundings}: ${end}`);
    this.#acknowledged.set(writer.name, writer.acknowledged);
  }

  async #kill(signal: NodeJS.Signals): Promise<void> {
    this.#kills++;
    // unshare passes no signal on but the kill of its child.
    const victims = this.#writers.filter(({ surroundings }) => signal === "SIGKILL" || !surroundings.includes("pid"));
    const victim = victims[this.#random(victims.length)]!;
    this.#writers.splice(this.#writers.indexOf(victim), 1);
    await victim.begun;
    await this.#end(victim, signal);
    this.#start(victim.surroundings);
    await this.#writers.at(-1)!.begun; // to make one is refused while something else has the name of the log
  }

  #underLock(body: () => void, path = lockFilePath(this.#log)): void {
    const lock = makeLock(path);
    try {
      if (!withLock(lock, MOST_WAIT, body)) throw new Error(`${path} was not free`);
    } finally {
      lock.close();
    }
  }

  /** Nobody compresses, and nobody writes. */
  #alone(body: () => void): void {
    this.#underLock(() => this.#underLock(body), sweepLockPath(this.#log));
  }

  #takeAway(): void {
    if (this.#archive !== undefined) return;
    const archive = join(this.#elsewhere, `archive-${this.#moved++}`);
    mkdirSync(archive);
    this.#archive = archive;
    this.#alone(() => {
      for (const name of readdirSync(this.#directory)) {
        if (/^app\.log[.-]/.test(name) && isRegular(join(this.#directory, name)))
          renameSync(join(this.#directory, name), join(archive, name));
      }
    });
  }

  #restore(): void {
    const archive = this.#archive;
    this.#archive = undefined;
    if (archive === undefined) return;
    this.#alone(() => {
      const restored = readdirSync(archive).filter((name) => !existsSync(join(this.#directory, name)));
      execFileSync("cp", ["-an", `${archive}/.`, this.#directory]);
      for (const name of restored) rmSync(join(archive, name));
    });
  }

  /** How many records the writers that live have said to be in the log. */
  get #said(): number {
    return this.#writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Such as would leave one record, were they obeyed. */
  #plantSettings(user = 0): void {
    const writer = { pid: LIVES_AGAIN, host: hostname(), thread: 0 };
    const made = join(this.#elsewhere, "settings");
    writeFileSync(made, JSON.stringify({ writer, settings: { kind: "size", maxBytes: 1, backupCount: 1 } }));
    if (user !== 0) chownSync(made, user, user);
    renameSync(made, settingsPath(this.#log));
  }

  async #plantSpill(writer: string, user = 0): Promise<void> {
    const records = [0, 1, 2].map((number) => Buffer.from(`${recordOf(writer, number)}\n`));
    const header = Buffer.alloc(64);
    header.write("CLHSPIL1");
    header.writeDoubleLE(header.length, 8);
    const made = join(this.#elsewhere, "spill");
    writeFileSync(made, Buffer.concat([header, toFrames(records)]));
    if (user === 0) this.#acknowledged.set(writer, records.length);
    else chownSync(made, user, user);
    const path = spillPath(this.#log, LIVES_AGAIN, 0x1000 + this.#spills++);
    renameSync(made, path);
    if (user === 0) return;
    // Looked for at each rotation, by the writer that has rotated.
    const before = this.#said;
    while (existsSync(path) && this.#said < before + 10 * RECORDS_OF_A_FILE) await setTimeout(10);
    if (!existsSync(path)) this.#problems.push("the spill of another user is gone");
    rmSync(path, { force: true });
  }

  /** Something takes the place of a file, which is moved away. */
  async #swap(path: string, make: (path: string) => void): Promise<void> {
    const made = join(this.#elsewhere, "made");
    make(made);
    this.#underLock(() => {
      if (path === this.#log && existsSync(path)) renameSync(path, join(this.#elsewhere, `app.log-${this.#moved++}`));
      renameSync(made, path);
    });
    await this.#meanwhile();
    rmSync(path);
  }

  async #put(path: string, make: (path: string) => void): Promise<void> {
    make(path);
    await this.#meanwhile();
    if (isRegular(path)) this.#problems.push(`${path} was replaced`);
    rmSync(path);
  }

  #meanwhile(): Promise<unknown> {
    return setTimeout(50 + this.#random(100));
  }

  async #loseThreads(): Promise<void> {
    const lock = makeLock(lockFilePath(this.#log));
    if (!lock.acquire(MOST_WAIT)) throw new Error("the lock was not free");
    await setTimeout(2 * SIZE.lockTimeout);
    for (const { fixture } of this.#writers) fixture.say("lose");
    await setTimeout(this.#random(50));
    lock.release();
    lock.close();
  }

  /** After a clean start. */
  async #look(): Promise<void> {
    const handler = makeHandler(this.#log, this.#kind);
    handler.on("warning", () => {});
    handler.on("error", ({ message }) => this.#problems.push(`the clean start said: ${message}`));
    handler.write(recordOf("clean", 0));
    this.#acknowledged.set("clean", 1);
    await handler.flush();
    await handler.swept();
    handler.close();
    const { code, stdout, stderr } = await Clh.run(["verify", this.#log]);
    if (code !== 0) this.#problems.push(`verify: ${stdout}${stderr}`);
    const times = new Map<string, number[]>();
    for (const path of [...files(this.#directory), ...files(this.#elsewhere)]) this.#count(path, times);
    for (const [writer, counts] of times) {
      const acknowledged = this.#acknowledged.get(writer);
      if (acknowledged === undefined) this.#problems.push(`${writer} has written nothing, and is in the log`);
      for (let number = 0; number < Math.max(counts.length, acknowledged ?? 0); number++) {
        const found = counts[number] ?? 0;
        if (found > 1 || (found === 0 && number < (acknowledged ?? 0)))
          this.#problems.push(`record ${number} of ${writer}, which said ${acknowledged}: ${found} times`);
      }
    }
    for (const [writer, count] of this.#acknowledged)
      if (count > 0 && !times.has(writer)) this.#problems.push(`no record of ${writer} is there`);
    const left = readdirSync(this.#directory).filter((name) => /\.(spill|unfinished)$/.test(name));
    this.#problems.push(...left.map((name) => `${name} was left`));
  }

  /** Within a file, the records of a writer are in order. */
  #count(path: string, times: Map<string, number[]>): void {
    const bytes = readFileSync(path);
    const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString();
    const last = new Map<string, number>();
    for (const record of text.split("\n").map(parseStressRecord)) {
      if (record === undefined) continue;
      const { writer, number } = record;
      if ((last.get(writer) ?? -1) > number) this.#problems.push(`record ${number} of ${writer} is behind a newer one`);
      last.set(writer, number);
      const counts = times.get(writer) ?? [];
      counts[number] = (counts[number] ?? 0) + 1;
      times.set(writer, counts);
    }
  }
}

function canMakeDevices(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "clh-device-"));
  try {
    return spawnSync("mknod", [join(directory, "null"), "c", "1", "3"]).status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const isRegular = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
const makeFifo = (path: string) => execFileSync("mkfifo", [path]);
const makeDevice = (path: string) => execFileSync("mknod", [path, "c", "1", "3"]); // /dev/null
const makeLink = (path: string) => symlinkSync("nowhere", path);

function files(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true }) as string[];
  return names
    .filter((name) => /(^|\/)app\.log[^/]*$/.test(name))
    .map((name) => join(directory, name))
    .filter(isRegular);
}
