import assert from "node:assert/strict";
import { test } from "node:test";
import { cannotTry, follow } from "../support/shippers.js";

// The long form, with rsyslog too: npm run test:shippers.
const ROTATIONS = 50;

test(`tail -F follows ${ROTATIONS} rotations, with nothing missed or doubled`, {
  skip: cannotTry("tail -F"),
}, async (t) => {
  const followed = await follow(t, "tail -F", { rotations: ROTATIONS, pause: "caught up" });
  t.diagnostic(JSON.stringify(followed));
  const { missed, doubled, inOrder } = followed;
  assert.deepEqual({ missed, doubled, inOrder }, { missed: 0, doubled: 0, inOrder: true });
});
