import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeriodName } from "../../src/options/parsers.js";
import { Boundaries } from "../../src/rotation/schedule.js";
import { oracle } from "../support/oracles.js";
import { secondsOfDay } from "../support/times.js";

/*
 * The next boundary and the name of the period before it, as Python computes them; where Python itself is off (rows with
 * `suspect`), as the calendar has them.
 */

interface Answer {
  readonly rolloverAt: number;
  readonly rotatedName: string;
  readonly nextRolloverAt: number;
}

interface Row extends Answer {
  readonly id: number;
  readonly when: string;
  readonly interval: number;
  readonly utc: boolean;
  readonly atTime: string | null;
  readonly tz: string;
  readonly now: number;
  readonly clhRolloverAt: number;
  readonly now2: number;
  readonly suspect: readonly unknown[];
  readonly ideal: Answer;
}

test("boundaries and names are Python's, or the calendar's where Python is off", () => {
  const wrong: unknown[] = [];
  let rows = 0;
  for (const row of oracle<Row>("timed_rollover")) {
    rows++;
    const { when, interval, atTime, utc, tz, now, now2 } = row;
    const boundaries = new Boundaries({
      when: when.toUpperCase() as PeriodName,
      interval,
      atTime: secondsOfDay(atTime),
      timeZone: utc ? "UTC" : tz,
    });
    const expected = row.suspect.length > 0 ? row.ideal : { ...row, rolloverAt: row.clhRolloverAt };
    const rolloverAt = boundaries.next(now);
    const got = {
      rolloverAt,
      rotatedName: `app.log.${boundaries.stamp(rolloverAt)}`,
      nextRolloverAt: boundaries.next(now2),
    };
    for (const key of ["rolloverAt", "rotatedName", "nextRolloverAt"] as const) {
      if (got[key] !== expected[key]) wrong.push({ id: row.id, key, got: got[key], expected: expected[key] });
    }
  }
  assert.deepEqual(wrong, []);
  assert.equal(rows, 1274);
});
