import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { TimedRotatingFileHandlerOptions } from "../../src/index.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";
import { notOnce, readAll } from "../support/writers.js";

/* Real processes across real boundaries, also with clocks that differ. */

const WRITERS = 4;
const RECORDS = 300;
const PAUSE = 20; // ms
const skip = spawnSync("faketime", ["--version"]).status !== 0 && "needs faketime";

describe("clocks that differ by up to three seconds", { skip }, () => {
  test("midnight is passed once", async (t) => {
    const before = (seconds: number, pause: number) =>
      write(t, { when: "midnight", utc: true }, (i) => ["faketime", "-f", `@2024-05-17 23:59:${seconds + i}`], pause);
    let run = await before(54, PAUSE);
    // On a busy machine, all of them may have begun after midnight.
    if (run.rotations === 0) run = await before(10, 9 * PAUSE);
    assert.equal(run.rotations, 1);
    assert.deepEqual(run.files, ["app.log", "app.log.2024-05-17"]);
  });

  test("every second is rotated once at most", async (t) => {
    const run = await write(t, { when: "s", utc: true, useGzip: true }, (i) => ["faketime", "-f", `+${i}s`]);
    const stamps = run.files.slice(1).map((name) => name.replace(/^app\.log\.([\d_-]+)\.gz$/, "$1"));
    assert.ok(run.rotations > 1 && run.rotations === stamps.length, `${run.rotations} ${stamps}`);
    assert.ok(
      stamps.every((stamp) => /^[\d-]+_[\d-]+$/.test(stamp)),
      `${stamps}`,
    );
  });
});

for (const options of [{ when: "s" }, { when: "* * * * * *", delivery: "background" }] as const) {
  test(`the real clock: four processes rotate once a second, ${JSON.stringify(options)}`, async (t) => {
    const { rotations, files } = await write(t, options, () => []);
    assert.ok(rotations > 1);
    assert.equal(files.length, rotations + 1);
    assert.ok(
      files.every((name) => /^app\.log(\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)?$/.test(name)),
      `${files}`,
    );
  });
}

/** Lets processes write one log, each with a clock of its own, and sees that no record is lost. */
async function write(
  t: TestContext,
  options: TimedRotatingFileHandlerOptions,
  clock: (i: number) => string[],
  pause = PAUSE,
): Promise<{ rotations: number; files: string[] }> {
  const directory = temporaryDirectory(t);
  const writers = Array.from(
    { length: WRITERS },
    (_, i) =>
      new Fixture(
        t,
        { name: "timed-writer", under: clock(i) },
        `w${i}`,
        RECORDS,
        pause,
        join(directory, "app.log"),
        options,
      ),
  );
  const rotations = await Promise.all(writers.map((writer) => writer.line()));
  await Promise.all(writers.map(({ ended }) => ended));
  const found = readAll(directory, "app.log");
  assert.deepEqual([...found.torn, ...notOnce(found, WRITERS, RECORDS)], []);
  const files = readdirSync(directory).filter((name) => !name.startsWith("."));
  return { rotations: rotations.reduce((sum, count) => sum + Number(count), 0), files: files.sort() };
}
