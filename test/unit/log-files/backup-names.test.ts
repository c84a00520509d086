import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { datedName, type Namer, numberedName, parseDated, parseNumbered } from "../../../src/log-files/backup-names.js";
import type { Extension } from "../../../src/log-files/compression-formats.js";
import { wallTimeOf } from "../../../src/log-files/stamps.js";
import { logNames } from "../../support/log-names.js";

const extensions = fc.constantFrom<Extension>("", ".gz", ".br", ".zst");

test("a numbered name reads back", () => {
  fc.assert(
    fc.property(logNames, fc.integer({ min: 1 }), extensions, (log, n, extension) => {
      const path = `/var/log/${log}`;
      assert.deepEqual(parseNumbered(path, basename(numberedName(path, n) + extension)), { n, extension });
    }),
  );
});

test("a name that reads as ours is the one that we would write", () => {
  const rest = fc.string({ unit: fc.constantFrom("", ".", "0", "1", "23", ".gz", ".br", ".zst", "z"), maxLength: 5 });
  fc.assert(
    fc.property(rest, (text) => {
      const name = `app.log${text}`;
      const numbered = parseNumbered("app.log", name);
      if (numbered) assert.equal(numberedName("app.log", numbered.n) + numbered.extension, name);
    }),
    { numRuns: 2000 },
  );
});

test("names of others are not ours", () => {
  for (const name of [
    "app.log",
    "app.log.0",
    "app.log.01",
    "app.log.1.bak",
    "app.log.1.gz.old",
    "app.log.rotate.0123",
    "app.log.2026-11-22",
    "app.log.audit.1",
    "app.logs.1",
    "xapp.log.1",
    "app.log.1 ",
  ]) {
    assert.equal(parseNumbered("app.log", name), undefined, name);
  }
});

test("a namer is given the default path", () => {
  assert.equal(
    numberedName("/logs/app.log", 3, (name) => name.toUpperCase()),
    "/LOGS/APP.LOG.3",
  );
});

test("what a namer returns is a path, beside the log unless it says where", () => {
  assert.equal(
    numberedName("/logs/app.log", 1, () => "app-1.log"),
    "/logs/app-1.log",
  );
  assert.equal(
    datedName("/logs/app.log", { stamp: "2024-05-17", counter: 2 }, () => "../old/app"),
    "/old/app.2",
  );
  for (const wrong of [undefined, null, "", 5, "a\0b", Promise.resolve("app-1.log")]) {
    const namer = (() => wrong) as unknown as Namer;
    assert.throws(
      () => numberedName("/logs/app.log", 1, namer),
      /must return the path to use for \/logs\/app\.log\.1, not /,
    );
    assert.throws(() => datedName("/logs/app.log", { stamp: "2024-05-17", counter: 0 }, namer), TypeError);
  }
});

test("what is no date is no dated backup", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
      const stamp = date.toISOString().slice(0, 19).replace("T", "_").replaceAll(":", "-");
      assert.equal(wallTimeOf(stamp), Math.floor(date.getTime() / 1000));
      assert.notEqual(wallTimeOf(stamp.slice(0, 10)), undefined, stamp);
    }),
  );
  for (const stamp of ["2024-13-45", "2024-02-30", "2023-02-29", "2024-00-01", "2024-05-00", "0000-00-00"]) {
    assert.equal(parseDated("app.log", `app.log.${stamp}`), undefined, stamp);
  }
  for (const stamp of ["2024-05-17_24", "2024-05-17_10-60", "2024-05-17_10-20-60"]) {
    assert.equal(parseDated("app.log", `app.log.${stamp}`), undefined, stamp);
  }
});

test("a dated name reads back whatever a namer puts around the date, digits too", () => {
  const day = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text);
  const hour = (text: string) => /^\d{4}-\d\d-\d\d_\d\d$/.test(text);
  const namers: [isStamp: (text: string) => boolean, stamp: string, namer: Namer][] = [
    [day, "2024-05-17", (name) => `${name}_07.log`],
    [day, "2024-05-17", (name) => `${name}_07-30`],
    [day, "2024-05-17", (name) => `${name}_07-30-00.log`],
    [day, "2024-05-17", (name) => name.replace("2024-", "1999-12-312024-")],
    [hour, "2024-05-17_10", (name) => `${name}-07.log`],
  ];
  for (const [isStamp, stamp, namer] of namers) {
    for (const counter of [0, 3]) {
      const name = `${basename(datedName("/logs/app.log", { stamp, counter }, namer))}.gz`;
      const expected = { stamp, counter, extension: ".gz" };
      assert.deepEqual(parseDated("/logs/app.log", name, isStamp, namer), expected, name);
    }
  }
});
