import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import type { Extension } from "../../../src/log-files/compression-formats.js";
import { listPending, moveAside } from "../../../src/log-files/pending-files.js";
import type { Limits } from "../../../src/options/resolved-options.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import type { Backups, Publisher } from "../../../src/rotation/backups.js";
import { DatedBackups, DatedPublisher } from "../../../src/rotation/dated-backups.js";
import { NumberedBackups } from "../../../src/rotation/numbered-backups.js";
import { type Backup, toPrune } from "../../../src/rotation/retention.js";
import { rotate } from "../../../src/rotation/rotate.js";
import { Boundaries } from "../../../src/rotation/schedule.js";
import { temporaryDirectory } from "../../support/temporary.js";

/*
 * Rotations, compressions and retention on a real disk, while clocks jump, zones move and formats change. Each file holds
 * its number in the order in which files were made, so that what was deleted shows whether it was the oldest.
 */

const { fs } = systemEnvironment();
const HOUR = 3600;
const NO_LIMITS: Limits = { count: Infinity, age: Infinity, totalBytes: Infinity, periods: Infinity };
// From east to west.
const ZONES = ["Asia/Tokyo", "Europe/Berlin", "Atlantic/Azores", "America/Los_Angeles", "Pacific/Pago_Pago"];
const EXTENSIONS: readonly Extension[] = ["", ".gz", ".br", ".zst"];
// An hour before clocks are set back in Berlin, in 2024.
const START = Date.UTC(2024, 9, 26, 23, 30) / 1000;

type Prune = typeof toPrune;
/** What differs from the program, where a property must find it out. */
interface Double {
  readonly prune?: Prune;
  readonly order?: (backups: Backup[]) => Backup[];
}

/** A log whose files are made by hand: all but its records is real. */
class World {
  readonly log: string;
  now = START;
  zone = ZONES[1]!;
  extension: Extension = "";
  made = 0;
  readonly #limits: Limits;
  readonly #double: Double;
  #backups: Backups | undefined;
  readonly #isDated: boolean;

  constructor(directory: string, limits: Partial<Limits>, isDated: boolean, double: Double) {
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    this.log = join(directory, "app.log");
    this.#limits = { ...NO_LIMITS, ...limits };
    this.#isDated = isDated;
    this.#double = double;
  }

  get #count(): number {
    return Number.isFinite(this.#limits.count) ? this.#limits.count : 1000;
  }

  /** As a new process would see it. */
  restart(): void {
    this.#backups = undefined;
  }

  /** A file is full, and rotated; compressed at once unless compression is `stuck`. Then retention. */
  rotate(isStuck: boolean): void {
    writeFileSync(this.log, `${++this.made}`.padStart(10, "0"));
    utimesSync(this.log, this.now, this.now);
    const { log, extension } = this;
    rotate({ fs, log, extension, backupCount: this.#count, backups: this.backups, rotator: undefined });
    if (!isStuck) this.compress();
    this.prune();
  }

  prune(): void {
    const { prune = toPrune, order = (them) => them } = this.#double;
    for (const { path } of prune(order(this.backups.list(this.now)), this.#limits, this.now)) unlinkSync(path);
  }

  get backups(): Backups {
    this.#backups ??= this.#isDated ? this.#dated() : new NumberedBackups(fs, this.log, this.#count);
    return this.#backups;
  }

  /** Numbers of the files that are left, in the order in which they were made. */
  left(): number[] {
    const files = readdirSync(dirname(this.log)).map((name) => readFileSync(join(dirname(this.log), name), "utf8"));
    return files.map(Number).sort((a, b) => a - b);
  }

  /** Where the file of this number is. */
  pathOf(number: number): string {
    const paths = readdirSync(dirname(this.log)).map((name) => join(dirname(this.log), name));
    return paths.find((path) => Number(readFileSync(path, "utf8")) === number)!;
  }

  #boundaries(): Boundaries {
    return new Boundaries({ when: "H", interval: 1, atTime: undefined, timeZone: this.zone });
  }

  #dated(): DatedBackups {
    const boundaries = this.#boundaries();
    return new DatedBackups({
      ...{ fs, log: this.log, boundaries, namer: () => undefined, hasLimits: true },
      period: () => boundaries.stamp(Math.floor(this.now) + HOUR),
      now: () => this.now,
    });
  }

  compress(): void {
    if (this.extension === "") return;
    const publisher: Publisher = this.#isDated
      ? new DatedPublisher(fs, this.log, undefined)
      : new NumberedBackups(fs, this.log, this.#count);
    const files = listPending(fs, this.log).map((pending, i) => {
      const path = `${this.log}.compressed${i}`;
      moveAside(fs, pending.path, path);
      return { path, place: pending.place };
    });
    publisher.publish(files, this.extension);
  }
}

type Step =
  | { readonly type: "rotate"; readonly isStuck: boolean; readonly after: number }
  | { readonly type: "clock"; readonly to: number }
  | { readonly type: "west" }
  | { readonly type: "format"; readonly extension: Extension }
  | { readonly type: "touch"; readonly number: number; readonly time: number }
  | { readonly type: "restart" };

const rotation = fc.record({
  type: fc.constant("rotate" as const),
  isStuck: fc.boolean(),
  after: fc.constantFrom(1, 900, HOUR, 30 * HOUR),
});
const format = fc.record({ type: fc.constant("format" as const), extension: fc.constantFrom(...EXTENSIONS) });
const clock = fc.record({
  type: fc.constant("clock" as const),
  to: fc.constantFrom(10, START, START + 90 * HOUR, Date.UTC(2036, 0) / 1000),
});
const west = fc.record({ type: fc.constant("west" as const) });
const touch = fc.record({
  type: fc.constant("touch" as const),
  number: fc.integer({ min: 1, max: 20 }),
  time: fc.constantFrom(0, 10, 86_400, Date.UTC(2036, 0) / 1000),
});
const restart = fc.record({ type: fc.constant("restart" as const) });

const limits: fc.Arbitrary<Partial<Limits>> = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ totalBytes: fc.integer({ min: 5, max: 45 }) }),
  fc.record({ count: fc.integer({ min: 2, max: 4 }), totalBytes: fc.integer({ min: 15, max: 35 }) }),
);

function play(world: World, steps: readonly Step[], after: (world: World) => void): void {
  for (const step of steps) {
    switch (step.type) {
      case "clock":
        world.now = step.to;
        break;
      case "west":
        world.zone = ZONES[Math.min(ZONES.indexOf(world.zone) + 1, ZONES.length - 1)]!;
        world.restart(); // of a running process the zone is always the same
        break;
      case "format":
        world.compress(); // a place among those of one format says nothing among those of another
        world.extension = step.extension;
        break;
      case "touch": {
        const path = world.pathOf(step.number);
        if (path !== undefined) utimesSync(path, step.time, step.time);
        break;
      }
      case "restart":
        world.restart();
        break;
      case "rotate":
        world.now += step.after;
        world.rotate(step.isStuck);
        after(world);
    }
  }
}

/** As many as fit, and no others than the newest. */
function holdsTheNewest(world: World, { count = Infinity, totalBytes = Infinity }: Partial<Limits>): void {
  const most = Math.max(1, Math.min(count, Math.floor(totalBytes / 10)));
  const kept = Math.min(most, world.made);
  assert.deepEqual(
    world.left(),
    Array.from({ length: kept }, (_, i) => world.made - kept + 1 + i),
  );
}

function newestStay(t: TestContext, isDated: boolean, steps: fc.Arbitrary<Step>, double: Double = {}): void {
  const directory = temporaryDirectory(t);
  fc.assert(
    fc.property(limits, fc.array(steps, { minLength: 5, maxLength: 25 }), (limit, them) => {
      const world = new World(directory, limit, isDated, double);
      play(world, them, () => holdsTheNewest(world, limit));
    }),
    { numRuns: 100 },
  );
}

/** The algorithm that this one replaces: what a limit reached takes all that come before it by name, the newest too. */
const OLD: Double = {
  prune(backups, limit, now) {
    for (let i = backups.length - 1, kept = 1, bytes = 0; i >= 0; i--, kept++) {
      bytes += backups[i]!.size;
      if (kept > limit.count || bytes > limit.totalBytes || backups[i]!.endsAt <= now - limit.age)
        return backups.slice(0, i + 1);
    }
    return [];
  },
  order: (backups) => backups.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
};

describe("what is left is the newest, always with the one just made", () => {
  const numbered = fc.oneof({ weight: 4, arbitrary: rotation }, format, restart);
  test("of numbered backups, whatever the formats", (t) => newestStay(t, false, numbered));
  test("of numbered backups, whatever the clock and the times of files", (t) =>
    newestStay(t, false, fc.oneof({ weight: 4, arbitrary: rotation }, clock, touch)));

  const jumps = fc.oneof({ weight: 4, arbitrary: rotation }, clock, format, touch);
  test("of dated backups, in a process that sees the clock jump", (t) => newestStay(t, true, jumps));
  const moves = fc.oneof({ weight: 4, arbitrary: rotation }, west, restart, format);
  test("of dated backups, where the zone moves to the west, and an hour comes twice, for a process that has just begun", (t) =>
    newestStay(t, true, moves));

  for (const [name, isDated, steps] of [
    ["formats", false, numbered],
    ["clocks", true, jumps],
    ["zones", true, moves],
  ] as const)
    test(`broken: an order of names, where ${name} change`, (t) => {
      assert.throws(() => newestStay(t, isDated, steps, OLD), /Property failed/);
    });
});

describe("whatever happens, and whoever has begun since", () => {
  const all = fc.oneof({ weight: 5, arbitrary: rotation }, clock, west, format, touch, restart);
  const aged = fc.tuple(limits, fc.constantFrom(Infinity, 2 * HOUR)).map(([limit, age]) => ({ ...limit, age }));

  const survives = (t: TestContext, isDated: boolean, double: Double = {}) => {
    const directory = temporaryDirectory(t);
    const property = fc.property(aged, fc.array(all, { minLength: 5, maxLength: 25 }), (limit, them) => {
      const world = new World(directory, limit, isDated, double);
      play(world, them, () => {
        const left = world.left();
        assert.equal(left.at(-1), world.made);
        const bytes = left.map((number) => statSync(world.pathOf(number)).size).reduce((a, b) => a + b);
        assert.ok(left.length <= (limit.count ?? Infinity), `${left}`);
        assert.ok(left.length === 1 || bytes <= (limit.totalBytes ?? Infinity), `${left}`);
      });
    });
    fc.assert(property, { numRuns: 100 });
  };
  for (const isDated of [false, true]) {
    const kind = isDated ? "dated" : "numbered";
    test(`the backup just made stays and limits hold, of ${kind} backups`, (t) => survives(t, isDated));
    test(`broken: an order of names, of ${kind} backups`, (t) => {
      assert.throws(() => survives(t, isDated, OLD), /Property failed/);
    });
  }
});

test("names of the future, from a clock that was wrong, go before all that are made after them", (t) => {
  for (const mtime of [Date.UTC(2036, 0, 2) / 1000, START - 60]) {
    const world = new World(temporaryDirectory(t), { count: 3 }, true, {});
    for (const hour of ["01", "02", "03"]) {
      const path = `${world.log}.2036-01-01_${hour}`;
      writeFileSync(path, `${++world.made}`.padStart(10, "0"));
      utimesSync(path, mtime, mtime);
    }
    for (let i = 0; i < 5; i++) {
      world.restart();
      world.now += HOUR;
      world.rotate(false);
      holdsTheNewest(world, { count: 3 });
    }
  }
});

test("a backup of old that is restored goes first, and takes no other's place", (t) => {
  const world = new World(temporaryDirectory(t), { count: 3 }, true, {});
  for (let i = 0; i < 6; i++) {
    writeFileSync(`${world.log}.2023-05-17_10`, "0");
    if (i % 2 === 0) utimesSync(`${world.log}.2023-05-17_10`, START - 400 * 86_400, START - 400 * 86_400);
    world.now = Math.max(world.now + HOUR, Date.now() / 1000 + HOUR * i);
    world.rotate(false);
    if (world.made >= 3) holdsTheNewest(world, { count: 3 });
  }
});

test("by age, those of the old format go alone, and a time of 1970 takes no good ones with it", (t) => {
  const world = new World(temporaryDirectory(t), { age: 6 * HOUR }, false, {});
  for (let i = 0; i < 3; i++, world.now += HOUR) world.rotate(false);
  world.extension = ".gz";
  for (let i = 0; i < 3; i++, world.now += HOUR) world.rotate(false);
  assert.deepEqual(world.left(), [1, 2, 3, 4, 5, 6]);
  for (const left of [
    [2, 3, 4, 5, 6],
    [3, 4, 5, 6],
    [4, 5, 6],
  ]) {
    world.prune();
    assert.deepEqual(world.left(), left);
    if (left.length === 5) utimesSync(world.pathOf(5), 0, 0);
    world.now += HOUR;
  }
});
