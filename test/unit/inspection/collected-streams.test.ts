import assert from "node:assert/strict";
import { chmodSync, chownSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { CursorFile } from "../../../src/cursor/cursor-file.js";
import { Mount } from "../../../src/disk/mount.js";
import { logStatus, verifyLog } from "../../../src/index.js";
import { cursorPath } from "../../../src/log-files/hidden-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { FileStatus } from "../../../src/platform/file-system.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { needsRoot, OTHER_USER } from "../../support/users.js";

/** A log of one record, and the cursor of a collector that has staged three and may have appended the first. */
function scene(t: TestContext, appended: number) {
  const log = join(temporaryDirectory(t), "all.log");
  writeFileSync(log, "one\n");
  const path = cursorPath(log, "logs");
  writeFileSync(path, "");
  const cursor = CursorFile.adopt(path, log, new Mount(systemEnvironment(), log), false, () => 0)!;
  cursor.stage({
    place: { stream: "2026-11-28T10:00:00Z", sequence: 7, seen: 7, isComplete: true },
    writers: new Map([
      ["clh.logs.a", { last: 40, time: 1000 }],
      ["clh.logs.b", { last: 2, time: 3000 }],
    ]),
    bytes: Buffer.from("one\ntwo\nthree\n"),
    ends: [4, 8, 14],
  });
  cursor.begin(new FileStatus(), 0, 14);
  if (appended > 0) cursor.end(appended);
  return { log, path, cursor };
}

const messages = (findings: readonly { severity: string; message: string }[]) =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);

describe("a log that a collector writes:", () => {
  test("how far its streams and their writers are", async (t) => {
    const { log, path, cursor } = scene(t, 14);
    const { streams, findings } = await logStatus(log);
    assert.deepEqual(findings, []);
    assert.deepEqual(
      streams.map(({ collectors, ...rest }) => ({ ...rest, pids: collectors?.map(({ pid }) => pid) })),
      [
        {
          stream: "logs",
          path,
          problem: undefined,
          created: "2026-11-28T10:00:00Z",
          sequence: 7,
          writerCount: 2,
          writers: [
            { subject: "clh.logs.b", last: 2, at: 3000 },
            { subject: "clh.logs.a", last: 40, at: 1000 },
          ],
          left: { records: 0, bytes: 0 },
          pids: process.platform === "linux" ? [process.pid] : undefined,
        },
      ],
    );
    cursor.close();
    assert.ok((await verifyLog(log)).ok);
  });

  test("a batch that a killed collector has left is a problem, and one in hand is none", async (t) => {
    const { log, path, cursor } = scene(t, 4);
    const left = `${path} has a batch of the stream logs, of which 2 records (10 bytes) may not be in the log: `;
    const isKnown = process.platform === "linux";
    const inHand = await verifyLog(log);
    const who = isKnown ? `process ${process.pid} is at it` : "whether a collector is at it is not known here";
    assert.deepEqual([inHand.ok, messages(inHand.findings)], [true, [`note: ${left}${who}`]]);
    assert.deepEqual((await logStatus(log)).findings, []);
    cursor.close();
    if (!isKnown) return;
    const found = await verifyLog(log);
    const problem = `problem: ${left}no collector is at it: start clh collect, which appends what is not there`;
    assert.deepEqual([found.ok, messages(found.findings)], [false, [problem]]);
    assert.deepEqual(messages((await logStatus(log)).findings), [problem]);
  });

  test("a cursor that cannot be read, or that others have made, is told and not believed", needsRoot, async (t) => {
    const { log, path, cursor } = scene(t, 14);
    cursor.close();
    const problemOf = async () => {
      const { streams, findings } = await logStatus(log);
      assert.equal(findings.length, 1);
      assert.equal((await verifyLog(log)).ok, false);
      return streams[0]!;
    };
    chmodSync(join(log, ".."), 0o777);
    chownSync(path, OTHER_USER, OTHER_USER);
    const foreign = await problemOf();
    assert.match(foreign.problem!, /others than the writers of the log may have made it/);
    assert.deepEqual([foreign.sequence, foreign.writerCount], [undefined, 0]);
    chownSync(path, 0, 0);
    truncateSync(path, 4096 + 40); // in the head of its only entry
    assert.match((await problemOf()).problem!, /cannot be read any more/);
  });
});
