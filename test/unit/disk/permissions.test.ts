import assert from "node:assert/strict";
import { chmodSync, chownSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { LogFileError } from "../../../src/base/errors.js";
import { isOursToBelieve, type PermissionOptions, Permissions } from "../../../src/disk/permissions.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import {
  FilePath,
  FileStatus,
  type FileSystem,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
} from "../../../src/platform/file-system.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { asOther, needsRoot, OTHER_USER } from "../../support/users.js";

const { fs } = systemEnvironment();
const NOTHING: PermissionOptions = { chmod: undefined, umask: undefined, owner: undefined };

function open(path: string, options: Partial<PermissionOptions> = {}, files = fs, flags = O_RDWR) {
  const warnings: LogFileError[] = [];
  const permissions = new Permissions({ ...NOTHING, ...options }, (warning) => warnings.push(warning));
  const opened = permissions.open(files, { path, flags, mode: 0o666 });
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
  for (let i = 0; i < 3; i++) fs.close(permissions.open(refusing.fs, { path, flags: O_RDWR, mode: 0o666 }).fd);
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
  const { fd, created } = new Permissions(NOTHING, () => {}).open(remembering.fs, {
    path,
    flags: O_RDWR,
    mode: 0o666,
  });
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

describe("owner and mode are not given to a file that others may have put in the place of ours", needsRoot, () => {
  const GIVEN = { owner: { uid: OTHER_USER, gid: OTHER_USER }, chmod: 0o666 };

  /** A directory of the other user, in which root logs, and a file of root's beside it. */
  function setUp(t: TestContext) {
    const top = temporaryDirectory(t);
    const [theirs, victim] = [join(top, "theirs"), join(top, "victim")];
    writeFileSync(victim, "root's", { mode: 0o600 });
    mkdirSync(theirs);
    chownSync(theirs, OTHER_USER, OTHER_USER);
    return { theirs, victim, path: join(theirs, "app.log") };
  }

  const isUntouched = (victim: string) => {
    assert.deepEqual([statSync(victim).uid, mode(victim)], [0, 0o600]);
  };

  /** Opens it with these options on such a file system: the victim stays as it is, and it is told why. */
  function isRefused(path: string, victim: string, why: RegExp, files: FileSystem = fs): void {
    const { warnings } = open(path, GIVEN, files);
    isUntouched(victim);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ["ERR_CLH_PERMISSION"],
    );
    assert.match(warnings[0]!.message, why);
  }

  test("a symbolic link", (t) => {
    const { victim, path } = setUp(t);
    symlinkSync(victim, path);
    isRefused(path, victim, /it is a symbolic link\. Name the file that it leads to/);
    const following = environmentWith({ open: (file, flags, bits) => fs.open(file, flags & ~O_NOFOLLOW, bits) });
    assert.throws(() => isRefused(path, victim, /symbolic link/, following.fs), assert.AssertionError);
  });

  test("a symbolic link to nothing, through which a file is made", (t) => {
    const { path } = setUp(t);
    const made = `${path}.made`;
    symlinkSync(made, path);
    const { warnings, created } = open(path, { ...GIVEN, chmod: undefined });
    assert.deepEqual([created, statSync(made).uid], [true, 0]);
    assert.match(warnings[0]!.message, /symbolic link/);
  });

  test("a second name of a file", (t) => {
    const { victim, path } = setUp(t);
    linkSync(victim, path);
    isRefused(path, victim, /it has 2 names/);
  });

  test("a file that was moved there", (t) => {
    const { theirs, path } = setUp(t);
    writeFileSync(path, "root's", { mode: 0o600 });
    const isTold = new RegExp(`it was there before, and others than this user may write to ${theirs}\\.`);
    isRefused(path, path, isTold);
    const trusting = environmentWith({
      status(file, into) {
        const isThere = fs.status(file, into);
        into.words.set([0, 0], 5); // uid, gid
        return isThere;
      },
    });
    assert.throws(() => isRefused(path, path, isTold, trusting.fs), assert.AssertionError);
  });

  test("a file in a directory that was moved there", (t) => {
    const { theirs } = setUp(t);
    const directory = join(theirs, "logs");
    mkdirSync(directory);
    const path = join(directory, "app.log");
    writeFileSync(path, "root's", { mode: 0o600 });
    isRefused(path, path, /may write to .*theirs\./);
  });

  test("a file where a group may write", (t) => {
    const directory = temporaryDirectory(t);
    chmodSync(directory, 0o770);
    const path = join(directory, "app.log");
    writeFileSync(path, "root's", { mode: 0o600 });
    isRefused(path, path, /others than this user may write/);
  });

  test("but a new file gets them there, and an old one where nobody else may write", (t) => {
    const { path } = setUp(t);
    const old = join(temporaryDirectory(t), "app.log");
    writeFileSync(old, "");
    for (const file of [path, old]) {
      assert.deepEqual(open(file, GIVEN).warnings, []);
      assert.deepEqual([statSync(file).uid, mode(file)], [OTHER_USER, 0o666]);
    }
  });
});

describe("a file beside a log is believed", needsRoot, () => {
  const ANOTHER = 1234;
  const GROUP = 4321;
  const LOG = [OTHER_USER, GROUP, 0o640] as const;
  const rows: [
    what: string,
    file: readonly [number, number, number],
    believed: boolean,
    log?: typeof LOG | readonly [number, number, number],
    directory?: readonly [number, number, number],
  ][] = [
    ["of root", [0, 0, 0o644], true],
    ["of the owner of the log", [OTHER_USER, 0, 0o644], true],
    ["of anybody else", [ANOTHER, GROUP, 0o644], false],
    [
      "of the group that may write the log",
      [ANOTHER, GROUP, 0o644],
      true,
      [OTHER_USER, GROUP, 0o660],
      [0, GROUP, 0o2770],
    ],
    ["of another group", [ANOTHER, ANOTHER, 0o644], false, [OTHER_USER, GROUP, 0o660], [0, GROUP, 0o2770]],
    [
      "of a group that all get with the directory",
      [ANOTHER, GROUP, 0o644],
      false,
      [OTHER_USER, GROUP, 0o660],
      [0, GROUP, 0o3777],
    ],
    ["of the owner of the directory", [ANOTHER, GROUP, 0o644], true, LOG, [ANOTHER, 0, 0o755]],
    ["that all may write, and not the log", [0, 0, 0o666], false],
    ["that all may write, as the log", [0, 0, 0o666], true, [OTHER_USER, GROUP, 0o666]],
  ];
  for (const [what, file, believed, log = LOG, directory = [0, 0, 0o1777] as const] of rows) {
    test(`${believed ? "when it is" : "not when it is"} ${what}`, (t) => {
      const top = temporaryDirectory(t);
      const [logPath, path] = [join(top, "app.log"), join(top, "file")];
      for (const [name, [uid, gid, bits]] of [
        [logPath, log],
        [path, file],
        [top, directory],
      ] as const) {
        if (name !== top) writeFileSync(name, "");
        chownSync(name, uid, gid);
        chmodSync(name, bits);
      }
      const status = new FileStatus();
      fs.status(new FilePath(path), status);
      assert.equal(isOursToBelieve(fs, logPath, status), believed);
    });
  }

  test("when it is of this user, whoever has the log", (t) => {
    const top = temporaryDirectory(t);
    chmodSync(top, 0o1777);
    const [logPath, path] = [join(top, "app.log"), join(top, "file")];
    writeFileSync(logPath, "");
    writeFileSync(path, "");
    chownSync(path, OTHER_USER, OTHER_USER);
    const status = new FileStatus();
    fs.status(new FilePath(path), status);
    assert.equal(isOursToBelieve(fs, logPath, status), false);
    assert.equal(
      asOther(() => isOursToBelieve(fs, logPath, status)),
      true,
    );
  });
});
