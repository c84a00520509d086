import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Fixture } from "../../support/child.js";
import { OPERATIONS, type OperationName } from "../../support/operations.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { afterACleanStart, countEach } from "../kill-sweep.js";

/* Kills at real system calls, of the real file system: strace sends SIGKILL as the nth of them begins. */

const { status } = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]);
const skip = status !== 0 && "strace is not installed, or not permitted";

/** Those that Node makes on other files as well are looked at on the files of the log only. */
const CALLS = {
  "rename,renameat2": [],
  unlink: [],
  fsync: [],
  pwrite64: [],
  write: ["app.log"],
  openat: ["app.log", ".__app.lock"],
};
const NEVER = 1_000_000;

describe("killed at a system call, a clean start makes all whole:", { skip }, () => {
  for (const operation of ["append", "rotation by size", "compression", "merging a spill"] as OperationName[]) {
    for (const [call, names] of Object.entries(CALLS)) {
      test(`${operation}, ${call}`, async (t) => {
        const parent = temporaryDirectory(t);
        for (let n = 1; ; n++) {
          const directory = join(parent, String(n));
          mkdirSync(directory);
          const paths = names.flatMap((name) => ["-P", join(directory, name)]);
          const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${n}`];
          const under = ["strace", "-f", "-qq", "-o", "/dev/null", ...paths, ...inject];
          const fixture = new Fixture(
            t,
            { name: "crash-operation", under },
            operation,
            directory,
            "run",
            "before",
            NEVER,
            "real",
          );
          const acknowledged = countEach(await fixture.rest());
          const wasKilled = (await fixture.ended) !== 0;
          assert.deepEqual(
            await afterACleanStart(directory, OPERATIONS[operation], acknowledged, wasKilled ? 1 : 0),
            [],
          );
          if (wasKilled) continue;
          t.diagnostic(`${n - 1} kills`);
          return;
        }
      });
    }
  }
});
