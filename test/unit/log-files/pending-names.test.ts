import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parseDated, parseLeftover, parseNumbered } from "../../../src/log-files/backup-names.js";
import { EXTENSIONS } from "../../../src/log-files/compression-formats.js";
import { LONGEST_PENDING_TAIL, type Pending, parsePending, pendingPath } from "../../../src/log-files/pending-names.js";
import { FileStatus } from "../../../src/platform/file-system.js";
import { FINGERPRINTS, logNames } from "../../support/log-names.js";

const stamps = ["2024-05", "2024-05-17", "2024-05-17_10", "2024-05-17_10-20", "2024-05-17_10-20-30"];
const pendings: fc.Arbitrary<Pending> = fc.record(
  {
    sequence: fc.integer({ min: 0, max: 9_999_999_999_999 }),
    place: fc.constantFrom("0", ...FINGERPRINTS, ...stamps.flatMap((stamp) => [`${stamp}@0`, `${stamp}@12`])),
    unique: fc.stringMatching(/^[0-9a-f]{8}$/),
    extension: fc.constantFrom(...EXTENSIONS),
  },
  { noNullPrototype: true },
);

test("the name of a file that waits reads back, and is no other name of ours", () => {
  fc.assert(
    fc.property(logNames, pendings, (log, pending) => {
      const path = `/var/log/${log}`;
      const name = basename(pendingPath(path, pending));
      assert.deepEqual(parsePending(path, name), pending);
      for (const parse of [parseNumbered, parseDated, parseLeftover]) assert.equal(parse(path, name), undefined);
    }),
  );
});

test("a name that reads as waiting is the one that we would write", () => {
  const parts = fc.tuple(
    fc.stringMatching(/^\d{12,14}$/),
    fc.constantFrom(
      "0",
      "00",
      "00052c4ca-06b0a50c8002b1358",
      "00052C4CA-06b0a50c8002b1358",
      "1a-2b",
      "2024051710@1",
      "20240517@01",
      "2024051@1",
      "2024-05-17@1",
      "@1",
      "x",
    ),
    fc.constantFrom("0123abcd", "0123abc", "0123ABCD"),
  );
  fc.assert(
    fc.property(parts, fc.constantFrom("", ".gz", ".tmp", "\n"), (rest, end) => {
      const name = `app.log-${rest.join("-")}${end}`;
      const pending = parsePending("app.log", name);
      if (pending) assert.equal(pendingPath("app.log", pending), name);
    }),
    { numRuns: 2000 },
  );
});

test("names of others are not ours", () => {
  for (const name of [
    "app.log-20240517",
    "app.log-20240517.gz",
    "app.log-1715900000000-0",
    "app.log-1715900000000-0-0123abcd.1",
    "other.log-1715900000000-0-0123abcd",
    "app.log.1715900000000-0-0123abcd",
    "app.log-1715900000000-20241399@0-0123abcd",
    "app.log-1715900000000-20240230@0-0123abcd",
    "app.log-1715900000000-2024051725@0-0123abcd",
    // what waits of the log app.log-1715900000000
    "app.log-1715900000000-1715900000001-0-0123abcd",
    "app.log-1715900000000-1715900000001-20240517@0-0123abcd",
    "app.log-1715900000000-1715900000001-00052c4ca-06b0a50c8002b1358-0123abcd",
  ]) {
    assert.equal(parsePending("app.log", name), undefined, name);
  }
});

test("no name is longer than what the options reckon with", () => {
  const status = new FileStatus();
  status.words.fill(0xffff_ffff);
  for (const place of [status.fingerprint, `${stamps.at(-1)}@${"9".repeat(15)}`]) {
    const name = pendingPath("", { sequence: 8e12, place, unique: "0123abcd", extension: ".zst" });
    assert.ok(name.length <= LONGEST_PENDING_TAIL, `${name.length} ${name}`);
  }
});
