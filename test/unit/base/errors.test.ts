import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { advice, hasCode, reason } from "../../../src/base/errors.js";
import { flockBackend } from "../../../src/platform/flock.js";
import type { Libc } from "../../../src/platform/system-calls.js";

const skip = process.platform === "win32" && "what libuv has no names for comes from the calls of POSIX";

/** As Node throws it. */
function namelessError(errno: number): Error {
  const code = `Unknown system error -${errno}`;
  return Object.assign(new Error(`${code}: ${code}, fsync`), { code, errno: -errno, syscall: "fsync" });
}

for (const [code, text] of [
  ["ENOLCK", "no locks available"],
  ["ESTALE", "stale file handle"],
  ["EDQUOT", "disk quota exceeded"],
] as const) {
  test(`${code} has its name, also where Node has none for it`, { skip }, () => {
    const errno = constants.errno[code];
    const libc = { flock: () => -1, errno: () => errno } as Partial<Libc> as Libc;
    let refused: unknown;
    assert.throws(
      () => flockBackend(libc).tryLock(0),
      (error) => {
        refused = error;
        return true;
      },
    );
    for (const error of [refused, namelessError(errno)]) {
      assert.ok(hasCode(error, code));
      assert.equal(reason(error), `${code}: ${text}`);
    }
  });
}

test("what to do about a lock that the file system has not is said", { skip }, () =>
  assert.match(advice(namelessError(constants.errno.ENOLCK)), /lock service/),
);

test("a number that no system has is told as it is", { skip }, () => {
  assert.equal(reason(namelessError(4000)), "UNKNOWN: errno 4000");
  assert.ok(!hasCode(new Error("of somebody else"), "UNKNOWN"));
});
