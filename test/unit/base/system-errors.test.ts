import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { advice, hasCode, isError, reason } from "../../../src/base/system-errors.js";
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

test("an error of another realm is one: where tests run in a realm of their own, those of node:fs are", () => {
  const text = `Object.assign(new Error("EEXIST: file already exists, open '/x'"), { code: "EEXIST", errno: -17 })`;
  const foreign: unknown = runInNewContext(text);
  assert.ok(!(foreign instanceof Error));
  assert.ok(hasCode(foreign, "EEXIST"));
  assert.equal(reason(foreign), "EEXIST: file already exists");
  assert.ok(isError(runInNewContext("new RangeError()"), "RangeError"));
  assert.ok(!isError(runInNewContext("new RangeError()"), "SyntaxError"));
  assert.ok(!isError({ name: "Error", message: "", code: "EEXIST" }));
});
