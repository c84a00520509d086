import assert from "node:assert/strict";
import { chmodSync, chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { systemEnvironment } from "../../../../src/platform/environment.js";
import { compress } from "../../../../src/rotation/compression/compress.js";
import { environmentWith, systemError } from "../../../support/environment.js";
import { temporaryDirectory } from "../../../support/temporary.js";
import { needsRoot } from "../../../support/users.js";

const { fs } = systemEnvironment();

describe("a compressed file is readable for nobody who could not read what it is made of", needsRoot, () => {
  const [USER, GROUP] = [1234, 4321];

  /** Owner and mode of the result, when the system lets change the owner so far. */
  async function compressed(t: TestContext, mode: number, may: (uid: number, gid: number) => boolean) {
    const directory = temporaryDirectory(t);
    const [from, to] = [join(directory, "from"), join(directory, "to")];
    writeFileSync(from, "text");
    chownSync(from, USER, GROUP);
    chmodSync(from, mode);
    const { fs: limited } = environmentWith({
      fchown(fd, uid, gid) {
        if (!may(uid, gid)) throw systemError("EPERM", "fchown");
        fs.fchown(fd, uid, gid);
      },
    });
    await compress(limited, from, to, { format: "gzip" });
    const { uid, gid, mode: bits } = statSync(to);
    return [uid, gid, (bits & 0o7777).toString(8)];
  }

  test("made by root", async (t) => {
    assert.deepEqual(await compressed(t, 0o640, () => true), [USER, GROUP, "640"]);
  });

  test("by another member of the group", async (t) => {
    assert.deepEqual(await compressed(t, 0o660, (uid) => uid === 0), [0, GROUP, "660"]);
  });

  test("by a user of another group, which may do as much as all others", async (t) => {
    for (const [mode, expected] of [
      [0o640, "600"],
      [0o660, "600"],
      [0o664, "644"],
      [0o604, "604"],
      [0o666, "666"],
    ] as const) {
      assert.deepEqual(await compressed(t, mode, () => false), [0, 0, expected]);
    }
  });
});
