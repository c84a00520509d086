import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StreamConfig } from "@nats-io/jetstream";
import { versionFinding } from "../../../src/nats/examine.js";
import { checkStream, takes } from "../../../src/nats/stream-check.js";

const good = {
  name: "logs",
  subjects: ["clh.logs.>"],
  retention: "limits",
  discard: "new",
  storage: "file",
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: -1,
  max_bytes: 1024 ** 3,
  num_replicas: 3,
  deny_purge: false,
  sealed: false,
} as unknown as StreamConfig;

const wrongOf = (change: object, subject?: string) =>
  checkStream({ ...good, ...change } as StreamConfig, subject)
    .filter(({ ok }) => !ok)
    .map(({ what, why }) => `${what}: ${why}`);

describe("a stream", () => {
  test("that loses nothing is good", () => {
    assert.deepEqual(wrongOf({}), []);
    assert.deepEqual(wrongOf({}, "clh.logs.api"), []);
  });

  const wrong: [change: object, message: RegExp][] = [
    [{ retention: "workqueue" }, /its retention is workqueue.*make another stream/],
    [{ discard: "old" }, /--discard new/],
    [{ max_age: 1e9 }, /--max-age 0/],
    [{ max_msgs: 1000 }, /--max-msgs=-1/],
    [{ max_msgs_per_subject: 1 }, /--max-msgs-per-subject=-1/],
    [{ storage: "memory" }, /in memory alone/],
    [{ max_bytes: -1 }, /may fill the disks.*--max-bytes 10GiB/],
    [{ deny_purge: true }, /denies purges/],
    [{ num_replicas: 1 }, /1 has: .*--replicas 3/],
    [{ subjects: [">"] }, /positions would be records/],
  ];
  for (const [change, message] of wrong)
    test(`is not with ${JSON.stringify(change)}`, () => {
      const found = wrongOf(change);
      assert.equal(found.length, 1);
      assert.match(found[0]!, message);
    });

  test("takes the subject of the writer, or says what it takes", () => {
    assert.match(
      wrongOf({}, "clh.api").join(),
      /it takes the subject clh\.api\.\*: it takes clh\.logs\.>: .*'clh\.api\.\*'/,
    );
  });
});

test("a pattern takes subjects as NATS does", () => {
  for (const [pattern, subject, isTaken] of [
    ["a.b", "a.b", true],
    ["a.*", "a.b", true],
    ["a.*", "a.b.c", false],
    ["a.>", "a.b.c", true],
    ["a.>", "a", false],
    [">", "a", true],
    ["*.b", "a.b", true],
    ["a.b", "a.c", false],
  ] as const)
    assert.equal(takes(pattern, subject), isTaken, `${pattern} ${subject}`);
});

test("an older server is told, with the reason", () => {
  for (const version of ["2.10.27", "2.10.100", "2.11.0", "2.15.1-RC.1", "3.0.0"])
    assert.ok(versionFinding(version).ok, version);
  for (const version of ["2.9.10", "2.10.26", "1.99.99", "unknown"]) {
    const { ok, why } = versionFinding(version);
    assert.equal(ok, false);
    assert.match(why!, new RegExp(`^it is ${version}: before 2\\.9\\.18 .*#4196.*#6888.*Debian 13's package`));
  }
});
