import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { lockHolders } from "../../src/inspection/lock-holders.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { spillPath } from "../../src/log-files/hidden-names.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { FilePath, FileStatus, O_RDWR } from "../../src/platform/file-system.js";
import { CLH } from "../support/clh.js";
import { environmentWith } from "../support/environment.js";
import { makeLock } from "../support/locks.js";
import { temporaryDirectory } from "../support/temporary.js";
import { needsRoot, OTHER_USER } from "../support/users.js";

/* What cannot be known, in a container or without /proc, is said to be unknown. */

const unshare = (...args: string[]) => spawnSync("unshare", args, { encoding: "utf8" });
const skip = unshare("--pid", "--mount", "--fork", "true").status !== 0 && "needs unshare, and root";

/** A log whose lock is held here, as is the lock of a spill; and a file that waits to be compressed. */
function setUp(t: TestContext): string {
  const { fs, lockBackend } = systemEnvironment();
  const log = join(temporaryDirectory(t), "app.log");
  chmodSync(join(log, ".."), 0o755);
  writeFileSync(log, "one\n");
  const spill = spillPath(log, process.pid, 0x0123abcd);
  writeFileSync(spill, "");
  const fd = fs.open(spill, O_RDWR);
  assert.ok(lockBackend.tryLock(fd));
  t.after(() => fs.close(fd));
  const lock = makeLock(lockFilePath(log));
  assert.ok(lock.tryAcquire());
  t.after(() => lock.close());
  return log;
}

const VIEWS: Record<string, string[]> = {
  "in another pid namespace": ["--pid", "--fork", "--mount-proc"],
  "without /proc": ["--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"'],
};

describe("what cannot be known is said to be unknown", { skip }, () => {
  for (const [where, view] of Object.entries(VIEWS)) {
    const clh = (...args: string[]) => unshare(...view, process.execPath, CLH, ...args);

    test(`${where}: whether the lock is held, and who writes`, (t) => {
      const log = setUp(t);
      const { status, stdout, stderr } = clh("status", log);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(stdout, /^lock +whether it is held is not known/m);
      assert.match(stdout, /^writers +not known/m);
      const json = JSON.parse(clh("status", log, "--json").stdout);
      assert.deepEqual([json.lock.holders, json.writers, json.onTheWay[0].holders], [undefined, undefined, undefined]);
    });

    test(`${where}: whether the process of a spill lives, which is no problem`, (t) => {
      const log = setUp(t);
      const { status, stdout, stderr } = clh("verify", log);
      assert.deepEqual([status, stderr], [0, ""], stdout);
      assert.match(stdout, /^GOOD/);
      assert.match(stdout, /^ {2}- .*\.spill .*, and whether a process is at it is not known here$/m);
    });

    test(`${where}: the doctor does its work`, (t) => {
      const { status, stdout, stderr } = clh("doctor", temporaryDirectory(t), "--json");
      assert.equal(status, 0, stdout + stderr);
      assert.equal(JSON.parse(stdout).ok, true);
    });
  }
});

test("for who may not look into all processes, who writes is not known, and the lock is", needsRoot, (t) => {
  const log = setUp(t);
  // It becomes the other user when Node runs, which may be where others may not look.
  const become = `process.setgroups([]); process.setgid(${OTHER_USER}); process.setuid(${OTHER_USER})`;
  const args = ["--import", `data:text/javascript,${become}`, CLH, "status", log];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.match(stdout, /^writers +not known/m);
  assert.match(stdout, new RegExp(`^lock +held by ${process.pid}`, "m"));
});

test("a lock that no process of this machine has is free, but not on a network", {
  skip: process.platform !== "linux" && "only Linux tells who holds a lock",
}, (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "");
  const { fs } = systemEnvironment();
  const file = new FileStatus();
  fs.statusWithTime(new FilePath(path), file);
  const inFirstNamespace: typeof fs.status = (name, into) => {
    const isThere = fs.status(name, into);
    if (name.text === "/proc/self/ns/pid") into.words.set([0xeffffffc, 0], 8); // inode
    return isThere;
  };
  const onNfs = { fileSystemType: () => 0x6969 };
  assert.deepEqual(lockHolders(environmentWith({ status: inFirstNamespace }).fs)(path, file), []);
  assert.equal(lockHolders(environmentWith({ status: inFirstNamespace, ...onNfs }).fs)(path, file), undefined);
});
