import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RotatingFileHandlerOptions } from "../../src/index.js";
import { cannotTry, follow, type ShipperName } from "../support/shippers.js";

const KINDS: Record<string, RotatingFileHandlerOptions> = { plain: {}, gzip: { useGzip: true } };
const PAUSES = [0, 2, 10, 50, 200]; // milliseconds

for (const name of ["tail -F", "rsyslog"] as ShipperName[]) {
  describe(name, { skip: cannotTry(name) }, () => {
    for (const [kind, options] of Object.entries(KINDS)) {
      test(`follows 1,000 rotations, ${kind}, with nothing missed or doubled`, async (t) => {
        const followed = await follow(t, name, { rotations: 1000, pause: "caught up", options });
        t.diagnostic(JSON.stringify(followed));
        const { missed, doubled, inOrder } = followed;
        assert.deepEqual({ missed, doubled, inOrder }, { missed: 0, doubled: 0, inOrder: true });
      });
    }

    // One that finds a second rotation behind the first knows nothing of the file in between. How quick it is, is up to
    // it and to the machine; what it passes on must be right at any pace.
    test("keeps the order and doubles nothing when rotations do not wait for it", async (t) => {
      for (const pause of PAUSES) {
        const followed = await follow(t, name, { rotations: 50, pause });
        t.diagnostic(`${pause} ms between two rotations: ${JSON.stringify(followed)}`);
        const { doubled, inOrder } = followed;
        assert.deepEqual({ doubled, inOrder }, { doubled: 0, inOrder: true });
      }
    });
  });
}
