import assert from "node:assert/strict";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConcurrentTimedRotatingFileHandler } from "../../../src/index.js";
import { pendingPath } from "../../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { DatedBackups, DatedPublisher } from "../../../src/rotation/dated-backups.js";
import { Boundaries } from "../../../src/rotation/schedule.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";

const { fs } = systemEnvironment();
const DAY = "2024-05-17";

function setUp(t: TestContext, hasLimits = false) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const boundaries = new Boundaries({ when: "D", interval: 1, atTime: undefined, timeZone: "UTC" });
  const now = () => Date.now() / 1000;
  const backups = new DatedBackups({ fs, log, boundaries, period: () => DAY, namer: () => undefined, hasLimits, now });
  let sequence = 0;
  const waiting: { path: string; place: string }[] = [];
  return {
    directory,
    /** A file of ours is rotated and waits, as the one `text`. */
    weRotate(text: string): string {
      const place = backups.place(".gz");
      const path = pendingPath(log, { sequence: ++sequence, place, unique: "0123abcd", extension: "" });
      writeFileSync(path, text);
      waiting.push({ path, place });
      return place;
    },
    /** Upstream rotates: it takes the first free name that it can see. */
    upstreamRotates(text: string) {
      let n = 0;
      while (fs.exists(`${log}.${DAY}${n === 0 ? "" : `.${n}`}.gz`)) n++;
      writeFileSync(`${log}.${DAY}${n === 0 ? "" : `.${n}`}.gz`, text);
    },
    weCompress() {
      for (const { path } of waiting) renameSync(path, `${path}.compressed`);
      const files = waiting.splice(0).map(({ path, place }) => ({ path: `${path}.compressed`, place }));
      return new DatedPublisher(fs, log, undefined).publish(files, ".gz");
    },
  };
}

test("files that wait keep their places among those that upstream rotates meanwhile", (t) => {
  const { weRotate, upstreamRotates, weCompress, directory } = setUp(t);
  assert.equal(weRotate("1"), `${DAY}@0`);
  upstreamRotates("2");
  assert.equal(weRotate("3"), `${DAY}@2`);
  upstreamRotates("4");
  upstreamRotates("5");
  weCompress();
  weRotate("6");
  weCompress();
  const names = ["", ".1", ".2", ".3", ".4", ".5"].map((counter) => `app.log.${DAY}${counter}.gz`);
  assert.deepEqual(textOf(directory), Object.fromEntries(names.map((name, i) => [name, `${i + 1}`])));
});

test("what was set aside while the log was rotated by size becomes a numbered backup", (t) => {
  const { directory } = setUp(t);
  const log = join(directory, "app.log");
  writeFileSync(`${log}.1.gz`, "newer");
  writeFileSync(`${log}.new`, "older");
  const publisher = new DatedPublisher(fs, log, new Map());
  assert.ok(publisher.canPublish("0"));
  assert.deepEqual(publisher.publish([{ path: `${log}.new`, place: "0" }], ".gz").placed, [`${log}.2.gz`]);
});

test("where nothing is deleted a gap is filled, as upstream does; else no counter is given again", (t) => {
  for (const hasLimits of [false, true]) {
    const { weRotate, weCompress, directory } = setUp(t, hasLimits);
    for (const text of ["1", "2", "3"]) weRotate(text);
    weCompress();
    fs.unlink(join(directory, `app.log.${DAY}.gz`));
    assert.equal(weRotate("4"), hasLimits ? `${DAY}@3` : `${DAY}@0`);
  }
});

test("there may be any number of files in a period", (t) => {
  for (const hasLimits of [false, true]) {
    const { weRotate, directory } = setUp(t, hasLimits);
    for (let n = 0; n < 20_000; n++) writeFileSync(join(directory, `app.log.${DAY}${n === 0 ? "" : `.${n}`}.gz`), "");
    assert.equal(weRotate("the last"), `${DAY}@20000`);
  }
});

test("a namer that puts digits behind the date: its files are found again, and only as many are kept as may be", (t) => {
  const directory = temporaryDirectory(t);
  const namer = (path: string) => `${path}_07.log`;
  const options = { when: "midnight", backupCount: 2, namer } as const;
  const handler = new ConcurrentTimedRotatingFileHandler(join(directory, "app.log"), options);
  for (let i = 0; i < 6; i++) {
    handler.write("x");
    handler.rotate();
  }
  handler.close();
  assert.equal(readdirSync(directory).filter((name) => name.startsWith("app.log.")).length, 2);
});
