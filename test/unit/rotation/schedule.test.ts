import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { datedName, parseDated } from "../../../src/log-files/backup-names.js";

import { datedPlace, parseDatedPlace } from "../../../src/log-files/pending-names.js";
import { wallTimeOf } from "../../../src/log-files/stamps.js";
import { WHENS } from "../../../src/options/parsers.js";

import type { Schedule } from "../../../src/options/resolved-options.js";
import { Boundaries } from "../../../src/rotation/schedule.js";
import { firstMoment, TemporalBoundaries } from "../../support/temporal-schedule.js";

const DAY = 86_400;
const zones = [...Intl.supportedValuesOf("timeZone"), "UTC", "+05:30", "-03:00"];
const moments = fc.integer({ min: 0, max: Date.UTC(2100, 0) / 1000 });
const calendar = [...WHENS.slice(4), "HOURLY", "MONTHLY"] as const;
const all = [...WHENS.slice(0, 4), ...calendar];
const LONGEST_PERIODS: Partial<Record<Schedule["when"], number>> = {
  HOURLY: 3 * 3600,
  MIDNIGHT: 2 * DAY + 7200,
  MONTHLY: 32 * DAY,
};
const anySchedule = (whens: readonly Schedule["when"][], intervals = fc.integer({ min: 1, max: 40 })) =>
  fc.record({
    when: fc.constantFrom(...whens),
    interval: intervals,
    atTime: fc.option(fc.integer({ min: 0, max: DAY - 1 }), { nil: undefined }),
    timeZone: fc.constantFrom(...zones),
  });
/** Those that are no others of Python's have but one interval. */
const schedules: typeof anySchedule = (...args) =>
  anySchedule(...args).map((schedule) => ({
    ...schedule,
    ...(schedule.when === "HOURLY" && { interval: 1, atTime: undefined }),
    ...(schedule.when === "MONTHLY" && { interval: 1 }),
  }));

test("boundaries and names are those of Temporal's calendar, in every zone, also at changes of its clocks", () => {
  const found = (of: Boundaries | TemporalBoundaries, now: number) => {
    const next = of.next(now);
    const stamp = of.stamp(next);
    return { next, stamp, span: of.spanOf(stamp) };
  };
  fc.assert(
    fc.property(
      schedules(all),
      moments,
      fc.boolean(),
      fc.integer({ min: -DAY, max: DAY }),
      (schedule, at, isNear, by) => {
        const zoned = Temporal.Instant.fromEpochMilliseconds(at * 1000).toZonedDateTimeISO(schedule.timeZone);
        const change = isNear ? zoned.getTimeZoneTransition("next") : null;
        const now = change === null ? at : Math.max(0, change.epochMilliseconds / 1000 + by);
        assert.deepEqual(found(new Boundaries(schedule), now), found(new TemporalBoundaries(schedule), now));
      },
    ),
    { numRuns: 600 },
  );
});

test("those of a cron expression are what Temporal finds at these times of day, in every zone", () => {
  const some = (max: number) => fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 2 });
  const property = fc.property(
    fc.record({ minutes: some(59), hours: some(23), weekdays: some(6), timeZone: fc.constantFrom(...zones) }),
    moments,
    fc.integer({ min: -DAY, max: DAY }),
    ({ minutes, hours, weekdays, timeZone }, at, by) => {
      const zoned = (second: number) =>
        Temporal.Instant.fromEpochMilliseconds(second * 1000).toZonedDateTimeISO(timeZone);
      const change = zoned(at).getTimeZoneTransition("next");
      const now = change === null ? at : Math.max(0, change.epochMilliseconds / 1000 + by);
      const today = zoned(now).toPlainDate();
      const expected = Array.from({ length: 20 }, (_, i) => today.add({ days: i - 10 }))
        .filter((date) => weekdays.includes(date.dayOfWeek % 7))
        .flatMap((date) => hours.flatMap((hour) => minutes.map((minute) => date.toPlainDateTime({ hour, minute }))))
        .map((wall) => firstMoment(wall, timeZone));
      const next = Math.min(...expected.filter((moment) => moment > now));
      const start = Math.max(...expected.filter((moment) => moment < next));
      const when = `${minutes} ${hours} * * ${weekdays}` as const;
      const boundaries = new Boundaries({ when, interval: 1, atTime: undefined, timeZone });
      const found = { next: boundaries.next(now), start: boundaries.start(next) };
      assert.deepEqual(found, { next, start }, `${when} ${timeZone}`);
      const stamp = boundaries.stamp(next);
      assert.ok(boundaries.isStamp(stamp), stamp);
      assert.deepEqual(boundaries.spanOf(stamp), { begin: start, end: next }, `${when} ${timeZone} ${stamp}`);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test("what is a name is what Temporal takes for a time", () => {
  const digits = (min: number, max: number) => fc.integer({ min, max }).map((n) => String(n).padStart(2, "0"));
  const year = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, "0"));
  const names = fc.tuple(year, digits(0, 13), digits(0, 32), digits(0, 24), digits(0, 60), digits(0, 59));
  fc.assert(
    fc.property(
      names,
      fc.constantFrom("S", "M", "H", "D", "HOURLY", "MONTHLY"),
      fc.constantFrom(...zones),
      ([y, mo, d, h, m, s], when, timeZone) => {
        const schedule: Schedule = { when, interval: 1, atTime: undefined, timeZone };
        const ours = new Boundaries(schedule);
        const theirs = new TemporalBoundaries(schedule);
        const stamp = `${y}-${mo}-${d}_${h}-${m}-${s}`.slice(
          0,
          { S: 19, M: 16, H: 13, D: 10, HOURLY: 13, MONTHLY: 7 }[when],
        );
        assert.equal(ours.isStamp(stamp), theirs.isStamp(stamp), stamp);
        // Of the calendar, an hour that a clock leaves out has no period.
        if (ours.isStamp(stamp) && when.length === 1)
          assert.deepEqual(ours.spanOf(stamp), theirs.spanOf(stamp), `${stamp} ${timeZone}`);
      },
    ),
    { numRuns: 600 },
  );
});

test("the next boundary is after now, in every zone", () => {
  fc.assert(
    fc.property(schedules(all), moments, (schedule, now) => {
      const next = new Boundaries(schedule).next(now);
      assert.ok(Number.isSafeInteger(next));
      assert.ok(next > now);
    }),
    { numRuns: 800 },
  );
});

test("of the calendar, it is the first one after now: none is passed over", () => {
  fc.assert(
    fc.property(
      schedules(calendar, fc.constant(1)),
      moments,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (schedule, now, part) => {
        const boundaries = new Boundaries(schedule);
        const next = boundaries.next(now);
        assert.equal(boundaries.next(now + Math.floor((next - now - 1) * part)), next);
        assert.ok(next - now <= (LONGEST_PERIODS[schedule.when] ?? 8 * DAY + 7200));
      },
    ),
    { numRuns: 800 },
  );
});

test("the wall time of the calendar's boundaries is the one that was asked for, or the first after a gap", () => {
  fc.assert(
    fc.property(schedules(["MIDNIGHT"], fc.constant(1)), moments, (schedule, now) => {
      const { timeZone, atTime = 0 } = schedule;
      fc.pre(!/^[+-]/.test(timeZone)); // Intl of Node 20 knows no offsets
      const next = new Boundaries(schedule).next(now);
      const clock = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "medium" });
      const wall = (seconds: number) => {
        const [h, m, s] = clock
          .format(seconds * 1000)
          .split(":")
          .map(Number) as [number, number, number];
        return h * 3600 + m * 60 + s;
      };
      if (wall(next) === atTime) return;
      const jump = (wall(next) - wall(next - 1) + DAY) % DAY;
      assert.ok(jump > 1 || timeZone === "Pacific/Apia" || timeZone === "Pacific/Kwajalein", `${timeZone} ${next}`);
      assert.ok((atTime - wall(next - 1) + DAY) % DAY < Math.max(jump, DAY - 1));
    }),
    { numRuns: 400 },
  );
});

test("a period's name is read back, sorts after the one before, and ends no later than it says", () => {
  fc.assert(
    fc.property(schedules(all, fc.constant(1)), moments, (schedule, now) => {
      const boundaries = new Boundaries(schedule);
      const first = boundaries.next(now);
      const second = boundaries.next(first);
      const stamp = boundaries.stamp(first);
      assert.ok(boundaries.isStamp(stamp), stamp);
      assert.ok(boundaries.spanOf(stamp).end >= first - DAY - 3600);
      assert.ok(boundaries.start(first) < first && boundaries.start(second) >= boundaries.start(first));
      if ((calendar as readonly string[]).includes(schedule.when))
        assert.ok(stamp < boundaries.stamp(second), `${stamp} ${second}`);
    }),
    { numRuns: 800 },
  );
});

test("the calendar's begin when the clock says so, and not when the log was begun", () => {
  const at = (text: string) => Date.parse(text) / 1000;
  const expected = (when: Schedule["when"], now: string, next: string, stamp: string, atTime?: number) => {
    const boundaries = new Boundaries({ when, interval: 1, atTime, timeZone: "Europe/Berlin" });
    assert.equal(new Date(boundaries.next(at(now)) * 1000).toISOString(), new Date(next).toISOString());
    assert.equal(boundaries.stamp(at(next)), stamp);
  };
  expected("HOURLY", "2024-05-17T22:31:13+02:00", "2024-05-17T23:00:00+02:00", "2024-05-17_22");
  expected("MONTHLY", "2024-05-17T22:31:13+02:00", "2024-06-01T00:00:00+02:00", "2024-05");
  expected("MONTHLY", "2024-12-01T03:00:00+01:00", "2024-12-01T03:30:00+01:00", "2024-11", 3.5 * 3600);
  // The hour that a clock shows twice is one file, the hour that it leaves out none.
  expected("HOURLY", "2024-10-27T02:10:00+02:00", "2024-10-27T03:00:00+01:00", "2024-10-27_02");
  expected("HOURLY", "2024-03-31T01:10:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31_01");
  expected("HOURLY", "2024-03-31T03:10:00+02:00", "2024-03-31T04:00:00+02:00", "2024-03-31_03");
});

test("S, M, H and D name the wall time at which the period began", () => {
  const names = (["S", "M", "H", "D"] as const).map((when) =>
    new Boundaries({ when, interval: 1, atTime: undefined, timeZone: "Asia/Kathmandu" }).stamp(1715940000),
  );
  assert.deepEqual(names, ["2024-05-17_15-44-59", "2024-05-17_15-44", "2024-05-17_14", "2024-05-16"]);
});

test("only whole stamps of its own kind are stamps", () => {
  const hourly = new Boundaries({ when: "H", interval: 1, atTime: undefined, timeZone: "UTC" });
  for (const stamp of ["2024-05-17_10", "2024-02-29_23"]) assert.ok(hourly.isStamp(stamp), stamp);
  for (const other of ["2024-05-17", "2024-05-17_10-20", "2024-02-30_10", "2024-05-17_24", "2024-5-17_10", "", "x"]) {
    assert.ok(!hourly.isStamp(other), other);
  }
});

test("names are read back as they were written", () => {
  const backups = fc.record({
    stamp: fc.constantFrom("2024-05-17", "1999-12-31", "2024-05", "2024-05-17_10-20"),
    counter: fc.integer({ min: 0, max: 999_999_999_999_999 }),
  });
  const isStamp = (text: string) => wallTimeOf(text) !== undefined;
  const namer = (name: string) => name.replace("app.log.", "old-").concat(".log");
  fc.assert(
    fc.property(backups, fc.constantFrom("", ".gz", ".br", ".zst"), (backup, extension) => {
      for (const way of [undefined, namer]) {
        const name = basename(`${datedName("app.log", backup, way)}${extension}`);
        assert.deepEqual(parseDated("app.log", name, isStamp, way), { ...backup, extension });
      }
      assert.deepEqual(parseDatedPlace(datedPlace(backup)), { ...backup });
    }),
  );
});

test("what is not exactly such a name is not ours", () => {
  for (const name of [
    ...["app.log", "app.log.2024-05-17.01", "app.log.2024-05-17.0", "app.log.2024-05-17.gz.gz", "app.log.1"],
    ...["app.log.2024-05-17.bak", "xapp.log.2024-05-17", "app.log.audit.2024-05-17", "app.log.2024-05-17x"],
    ...["app.log.2024-05-17_10", "app.log.2024-05-17.2024-05-18", "2024-05-17"],
  ]) {
    const daily = new Boundaries({ when: "D", interval: 1, atTime: undefined, timeZone: "UTC" });
    assert.equal(
      parseDated("app.log", name, (text) => daily.isStamp(text)),
      undefined,
      name,
    );
  }
});
