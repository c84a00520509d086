import assert from "node:assert/strict";
import { chmodSync, chownSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LogFileError } from "../../../src/base/errors.js";
import { type PermissionOptions, Permissions } from "../../../src/disk/permissions.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } from "../../../src/platform/file-system.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";

const { fs } = systemEnvironment();
const NOTHING: PermissionOptions = { chmod: undefined, umask: undefined, owner: undefined };

function open(path: string, options: Partial<PermissionOptions> = {}, files = fs, flags = O_RDWR) {
  const warnings: LogFileError[] = [];
  const permissions = new Permissions({ ...NOTHING, ...options }, (warning) => warnings.push(warning));
  const opened = permissions.open(files, path, flags, 0o666);
  fs.close(opened.fd);
  return { created: opened.created, warnings, permissions };
}

const mode = (path: string) => statSync(path).mode & 0o7777;

test("says whether it made the file", (t) => {
  const path = join(temporaryDirectory(t), "a", "b", "app.log");
  assert.equal(open(path).created, true);
  assert.equal(open(path).created, false);
});

test("umask replaces that of the process, for new files only", (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  open(path, { umask: 0o007 });
  assert.equal(mode(path), 0o660);
  assert.equal(process.umask(), 0o077);
  open(path, { umask: 0o077 });
  assert.equal(mode(path), 0o660);
});

test("chmod wins over umask, and corrects old files", (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  writeFileSync(path, "", { mode: 0o600 });
  open(path, { chmod: 0o644, umask: 0o077 });
  assert.equal(mode(path), 0o644);
});

test("a new file never has more permissions than asked for, not for a moment", (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const { fs: watched } = environmentWith({
    fchmod(fd, bits) {
      assert.equal(mode(path) & ~0o640, 0);
      fs.fchmod(fd, bits);
    },
    open(file, flags, bits) {
      const fd = fs.open(file, flags, bits);
      assert.equal(mode(path) & ~0o640, 0);
      return fd;
    },
  });
  open(path, { chmod: 0o640 }, watched);
  assert.equal(mode(path), 0o640);
});

test("owner is set", { skip: process.getuid?.() !== 0 && "needs root" }, (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  open(path, { owner: { uid: 1234, gid: 4321 }, chmod: 0o640 });
  const { uid, gid } = statSync(path);
  assert.deepEqual({ uid, gid, mode: mode(path) }, { uid: 1234, gid: 4321, mode: 0o640 });
});

test("what the system refuses is a warning, once", (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  writeFileSync(path, "", { mode: 0o600 });
  const refusing = environmentWith({
    fchmod() {
      throw systemError("EPERM", "fchmod");
    },
  });
  const warnings: LogFileError[] = [];
  const permissions = new Permissions({ ...NOTHING, chmod: 0o640 }, (warning) => warnings.push(warning));
  for (let i = 0; i < 3; i++) fs.close(permissions.open(refusing.fs, path, O_RDWR, 0o666).fd);
  assert.equal(warnings.length, 1);
  assert.equal(warnings[0]!.code, "ERR_CLH_PERMISSION");
  assert.match(warnings[0]!.message, /EPERM/);
});

test("a file that another process makes first is opened", (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  let isFirst = true;
  const racing = environmentWith({
    open(file, flags, bits) {
      if (isFirst) {
        isFirst = false;
        writeFileSync(path, "theirs");
        throw systemError("ENOENT", "open");
      }
      return fs.open(file, flags, bits);
    },
  });
  assert.equal(open(path, {}, racing.fs).created, false);
  assert.equal(readFileSync(path, "utf8"), "theirs");
});

test("a name that a network mount does not show and does not let be made is tried again", (t) => {
  for (const flags of [O_RDWR, O_RDWR | O_NOFOLLOW]) {
    const path = join(temporaryDirectory(t), "app.log");
    let unseen = 7;
    const lagging = environmentWith({
      open(file, asked, bits) {
        if (unseen-- > 0) throw systemError(asked & O_CREAT ? "EEXIST" : "ENOENT", "open");
        return fs.open(file, asked, bits);
      },
    });
    writeFileSync(path, "theirs");
    assert.equal(open(path, {}, lagging.fs, flags).created, false);
    assert.equal(readFileSync(path, "utf8"), "theirs");
  }
});

test("opened is what the name leads to now, not what this host remembers of it", (t) => {
  const directory = temporaryDirectory(t);
  const [path, rotated] = [join(directory, "app.log"), join(directory, "app.log.1")];
  for (const file of [path, rotated]) writeFileSync(file, file);
  let isRemembered = true;
  // As NFS and FUSE do after another host's rename: only a name that is to be made is looked up at the server.
  const remembering = environmentWith({
    open(file, asked, bits) {
      if (asked & O_EXCL) isRemembered = false;
      return fs.open(isRemembered ? rotated : file, asked, bits);
    },
  });
  const { fd, created } = new Permissions(NOTHING, () => {}).open(remembering.fs, path, O_RDWR, 0o666);
  t.after(() => fs.close(fd));
  assert.equal(created, false);
  assert.equal(readFileSync(fd, "utf8"), path);
});

test("a symbolic link to a file that is not there yet is followed, unless that is forbidden", (t) => {
  const directory = temporaryDirectory(t);
  const [link, target] = [join(directory, "link"), join(directory, "target")];
  symlinkSync(target, link);
  assert.throws(() => open(link, {}, fs, O_RDWR | O_NOFOLLOW), { code: /ELOOP|EEXIST/ });
  open(link);
  assert.ok(statSync(target).isFile());
  assert.throws(() => open(link, {}, fs, O_RDWR | O_NOFOLLOW), { code: "ELOOP" });
});

test("an owner or mode that is right already is not set again", (t) => {
  const path = join(temporaryDirectory(t), "app.log");
  writeFileSync(path, "");
  chmodSync(path, 0o640);
  const { uid, gid } = statSync(path);
  chownSync(path, uid, gid);
  const untouched = environmentWith({ fchmod: () => assert.fail("fchmod"), fchown: () => assert.fail("fchown") });
  const { warnings } = open(path, { chmod: 0o640, owner: { uid, gid } }, untouched.fs);
  assert.deepEqual(warnings, []);
});
