import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { COMPRESSED } from "../../../src/log-files/compression-formats.js";
import {
  cursorPath,
  type HiddenPending,
  hiddenFormPath,
  isCursor,
  isSpill,
  isUnfinished,
  parseHiddenForm,
  parseHiddenPending,
  unfinishedPath,
} from "../../../src/log-files/hidden-names.js";
import { FINGERPRINTS, logNames } from "../../support/log-names.js";
import { hiddenPendingPath } from "../../support/older-version.js";

const pendings: fc.Arbitrary<HiddenPending> = fc.record(
  {
    sequence: fc.integer({ min: 1, max: 8_999_999_999 }),
    place: fc.constantFrom("0", ...FINGERPRINTS, "2024-05-17_10@3"),
    state: fc.constantFrom("pending", "published"),
  },
  { noNullPrototype: true },
);

test("a pending name reads back", () => {
  fc.assert(
    fc.property(logNames, pendings, (log, pending) => {
      const path = `/var/log/${log}`;
      assert.deepEqual(parseHiddenPending(path, basename(hiddenPendingPath(path, pending))), pending);
    }),
  );
});

test("the name of an unfinished compressed form reads back, and is none of a file that waits", () => {
  fc.assert(
    fc.property(logNames, fc.integer({ min: 1, max: 9_999_999_999_999 }), (log, sequence) => {
      const path = `/var/log/${log}`;
      const name = basename(unfinishedPath(path, sequence, "0123abcd"));
      assert.ok(isUnfinished(path, name));
      assert.deepEqual(
        [parseHiddenPending(path, name), parseHiddenForm(path, name), isSpill(path, name)],
        [undefined, undefined, false],
      );
    }),
  );
});

test("the name of a cursor reads back, and is that of one log alone", () => {
  const streams = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
  fc.assert(
    fc.property(logNames, streams, (log, stream) => {
      const path = `/var/log/${log}`;
      const name = basename(cursorPath(path, stream));
      assert.deepEqual([isCursor(path, name), isSpill(path, name)], [true, false]);
      assert.equal(isCursor(`${path}.${stream}`, name), false);
      const shorter = path.slice(0, path.lastIndexOf("."));
      assert.ok(!log.includes(".") || !isCursor(shorter, name));
    }),
  );
});

test("the name of a compressed form reads back, of whatever format", () => {
  for (const extension of COMPRESSED) {
    const name = basename(hiddenFormPath("/var/log/app.log", { sequence: 12, extension }));
    assert.deepEqual(parseHiddenForm("/var/log/app.log", name), { sequence: 12, extension });
    for (const other of [name.replace(".", ""), `${name}x`, name.replace(extension, `x${extension.slice(1)}`)]) {
      assert.equal(parseHiddenForm("/var/log/app.log", other), undefined, other);
    }
  }
});

test("a name that reads as hidden is the one that we would write", () => {
  const parts = fc.tuple(
    fc.stringMatching(/^\d{9,11}$/),
    fc.constantFrom(
      "0",
      "00",
      "00052c4ca-06b0a50c8002b1358",
      "00052C4CA-06b0a50c8002b1358",
      "1a-2b",
      "2024-05-17_10@1",
      "2024-05-17@01",
      "@1",
      "x",
    ),
    fc.constantFrom("pending", "published", "pending.tmp"),
  );
  fc.assert(
    fc.property(parts, (rest) => {
      const name = `.__app.log.${rest.join(".")}`;
      const pending = parseHiddenPending("app.log", name);
      if (pending) assert.equal(hiddenPendingPath("app.log", pending), name);
    }),
    { numRuns: 2000 },
  );
});

test("names of others are not ours", () => {
  for (const name of [
    ".__app.lock",
    ".__app.log.1.0.pending",
    ".__app.log.0000000001.0.pending.tmp",
    ".__app.log.0000000001.pending",
    ".__other.log.0000000001.0.pending",
  ]) {
    assert.equal(parseHiddenPending("app.log", name), undefined, name);
  }
});
