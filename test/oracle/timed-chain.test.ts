import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PeriodName } from "../../src/options/parsers.js";
import { Boundaries } from "../../src/rotation/schedule.js";
import { oracle } from "../support/oracles.js";
import { secondsOfDay } from "../support/times.js";

/*
 * Days of logging across clock changes, rotation by rotation: equal to one of Python's two handlers in its two versions,
 * which seldom agree; where none of them follows the calendar, ours does alone.
 */

interface Event {
  readonly at: number;
  readonly newBackup: string[];
  readonly next: number;
}

interface Row {
  readonly id: number;
  readonly when: string;
  readonly interval: number;
  readonly utc: boolean;
  readonly atTime: string | null;
  readonly tz: string;
  readonly now: number;
  readonly step: number;
  readonly secs: number;
  readonly clh311: { events: Event[] };
  readonly std311: { events: Event[] };
  readonly clh313: { events: Event[] };
  readonly std313: { events: Event[] };
}

/** Where no version of Python follows the calendar, most of them at a clock change. */
const NOBODY = new Set([4, 11, 23, 24, 25, 26, 28, 29, 31, 37, 41, 46, 53, 61, 65, 68, 69, 70, 71, 74]);

describe("as Python, or as the calendar", () => {
  for (const row of oracle<Row>("timed_chain")) {
    const name = `${row.id} ${row.when} ${row.interval} ${row.atTime ?? ""} ${row.tz}${row.utc ? " utc" : ""}`;
    test(name, () => {
      const ours = chain(row);
      const theirs = [row.clh311, row.std311, row.clh313, row.std313].map(eventsOf);
      if (!NOBODY.has(row.id)) assert.ok(theirs.includes(JSON.stringify(ours)));
      else assert.ok(!theirs.includes(JSON.stringify(ours)), "somebody does");
      for (const [, , next] of ours) followsTheCalendar(row, next);
      assert.equal(new Set(ours.map(([, , next]) => next)).size, ours.length);
    });
  }
});

/** Asked of Intl: the boundary is at the wall time that is wanted, or at the end of the gap in which that is. */
function followsTheCalendar({ when, atTime, tz, utc }: Row, boundary: number): void {
  if (!/^(MIDNIGHT|W\d)$/i.test(when)) return;
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: utc ? "UTC" : tz, timeStyle: "medium" });
  const wall = (seconds: number) => secondsOfDay(clock.format(seconds * 1000))!;
  const wanted = secondsOfDay(atTime) ?? 0;
  const passed = (wall(boundary) - wanted + 86_400) % 86_400;
  const left = (wanted - wall(boundary - 1) + 86_400) % 86_400;
  assert.ok(passed === 0 || left + passed === (wall(boundary) - wall(boundary - 1) + 86_400) % 86_400, `${boundary}`);
}

/** Our rotations: when, what the file is called then, and when the next one is due. */
function chain(row: Row): [at: number, name: string, next: number][] {
  const { when, interval, atTime, utc, tz, now, step, secs } = row;
  const boundaries = new Boundaries({
    when: when.toUpperCase() as PeriodName,
    interval,
    atTime: secondsOfDay(atTime),
    timeZone: utc ? "UTC" : tz,
  });
  const events: [number, string, number][] = [];
  let due = boundaries.next(now);
  for (let time = now; time <= now + secs; time += step) {
    if (time < due) continue;
    const name = `app.log.${boundaries.stamp(due)}`;
    due = boundaries.next(time);
    events.push([time, name, due]);
  }
  return events;
}

function eventsOf({ events }: { events: Event[] }): string {
  return JSON.stringify(events.map(({ at, newBackup, next }) => [at, newBackup[0], next]));
}
