import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ActiveFile } from "../../../src/disk/active-file.js";
import { Mount } from "../../../src/disk/mount.js";
import { Permissions } from "../../../src/disk/permissions.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import type { FileSystem } from "../../../src/platform/file-system.js";
import { Encoder } from "../../../src/records/encoder.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory, textOf } from "../../support/temporary.js";
import { asOther, needsRoot } from "../../support/users.js";

interface Setup {
  directory: string;
  path: string;
  file: ActiveFile;
  healed: string[];
  append(text: string): void;
}

function setUp(t: TestContext, { fs = systemEnvironment().fs, encoding = "utf-8", terminator = "\n" } = {}): Setup {
  const directory = temporaryDirectory(t);
  const path = join(directory, "app.log");
  const encoder = new Encoder({ encoding, unicodeErrorPolicy: "ignore", newline: "", terminator });
  const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, assert.fail);
  const healed: string[] = [];
  const file = new ActiveFile(
    path,
    new Mount(environmentWith(fs), path),
    systemEnvironment().clock,
    permissions,
    encoder,
    {
      onOpened() {},
      onHealed: (healedPath) => healed.push(healedPath),
      onHeaderFailed: assert.fail,
    },
  );
  t.after(() => file.close());
  const append = (text: string) => {
    file.refresh();
    const batch = encoder.encode(text);
    file.append(batch.bytes, 0, batch.endWithin(0));
  };
  return { directory, path, file, healed, append };
}

test("a missing file is made with its directory", (t) => {
  const { path, append } = setUp(t);
  rmSync(join(path, ".."), { recursive: true });
  append("one");
  assert.equal(readFileSync(path, "utf8"), "one\n");
});

test("a file that was renamed is left, and a new one begun", (t) => followsRenames(t, systemEnvironment().fs));

test("one that does not ask the disk is found out", (t) => {
  const real = systemEnvironment().fs;
  let opened = -1;
  const { fs } = environmentWith({
    statusOfOpen(fd, into) {
      opened = fd;
      real.statusOfOpen(fd, into);
    },
    status(path, into) {
      if (opened === -1) return real.status(path, into);
      real.statusOfOpen(opened, into); // what is open, not what the path names
      return true;
    },
  });
  assert.throws(() => followsRenames(t, fs), assert.AssertionError);
});

function followsRenames(t: TestContext, fs: FileSystem): void {
  const { directory, path, append } = setUp(t, { fs });
  append("one");
  renameSync(path, join(directory, "moved"));
  append("two");
  assert.deepEqual(textOf(directory), { "app.log": "two\n", moved: "one\n" });
}

test("a file that was deleted is begun anew", (t) => {
  const { path, append } = setUp(t);
  append("one");
  rmSync(path);
  append("two");
  assert.equal(readFileSync(path, "utf8"), "two\n");
});

test("a file that was replaced by another is followed", (t) => {
  const { directory, path, append } = setUp(t);
  append("one");
  writeFileSync(join(directory, "other"), "theirs\n");
  renameSync(join(directory, "other"), path);
  append("two");
  assert.equal(readFileSync(path, "utf8"), "theirs\ntwo\n");
});

test("after copytruncate, writing goes on at the start, without a hole", (t) => {
  const { path, append, healed } = setUp(t);
  append("one");
  truncateSync(path);
  append("two");
  assert.equal(readFileSync(path, "utf8"), "two\n");
  assert.deepEqual(healed, []);
});

test("the size is that of the disk, whoever wrote", (t) => {
  const { path, file, append } = setUp(t);
  append("one");
  appendFileSync(path, "theirs\n");
  file.refresh();
  assert.equal(file.size, 11);
});

test("a record that somebody was killed in is ended, and told of", (t) => {
  const { path, append, healed } = setUp(t);
  append("one");
  appendFileSync(path, "cut o");
  append("two");
  assert.equal(readFileSync(path, "utf8"), "one\ncut o\ntwo\n");
  assert.deepEqual(healed, [path]);
});

test("a record that somebody without our lock is still writing is not taken for torn", (t) => {
  const real = systemEnvironment().fs;
  const directory = temporaryDirectory(t);
  const path = join(directory, "other.log");
  const {
    append,
    healed,
    path: ours,
  } = setUp(t, {
    fs: environmentWith({
      statusOfOpen(fd, into) {
        if (existsSync(path)) {
          appendFileSync(ours, readFileSync(path));
          rmSync(path);
        }
        real.statusOfOpen(fd, into);
      },
    }).fs,
  });
  append("one");
  appendFileSync(ours, "half a re");
  writeFileSync(path, "cord\n"); // comes when our file is looked at again
  append("two");
  assert.equal(readFileSync(ours, "utf8"), "one\nhalf a record\ntwo\n");
  assert.deepEqual(healed, []);
});

test("a whole record of somebody else is left alone", (t) => {
  const { path, append, healed } = setUp(t, { terminator: "\r\n" });
  append("one");
  appendFileSync(path, "theirs\n");
  append("two");
  assert.equal(readFileSync(path, "utf8"), "one\r\ntheirs\ntwo\r\n");
  assert.deepEqual(healed, []);
});

test("a torn record is seen in an encoding of two bytes", (t) => {
  const { path, append, healed } = setUp(t, { encoding: "utf-16-le" });
  append("one");
  appendFileSync(path, Buffer.from("cut", "utf16le"));
  append("two");
  assert.equal(readFileSync(path, "utf16le"), "one\ncut\ntwo\n");
  assert.equal(healed.length, 1);
});

test("a byte order mark is at the start of the file only", (t) => {
  const { path, append, healed } = setUp(t, { encoding: "utf-8-sig" });
  append("one");
  append("two");
  assert.equal(readFileSync(path, "utf8"), "\ufeffone\ntwo\n");
  assert.deepEqual(healed, []);
});

test("a short write is continued", (t) => {
  const real = systemEnvironment().fs;
  const { fs } = environmentWith({ write: (fd, bytes, at, length) => real.write(fd, bytes, at, Math.min(length, 3)) });
  const { path, append } = setUp(t, { fs });
  append("a longer record");
  append("b");
  assert.equal(readFileSync(path, "utf8"), "a longer record\nb\n");
});

test("a record that could be written in part is ended before the next try", (t) => {
  const real = systemEnvironment().fs;
  let room = 10;
  const { fs } = environmentWith({
    write(fd, bytes, at, length) {
      if (room === 0) throw systemError("ENOSPC", "write");
      const written = real.write(fd, bytes, at, Math.min(length, room));
      room -= written;
      return written;
    },
  });
  const { path, append, healed } = setUp(t, { fs });
  assert.throws(() => append("a longer record"), { code: "ERR_CLH_WRITE", path, message: /ENOSPC.*Free some space/ });
  room = 1000;
  append("a longer record");
  assert.equal(readFileSync(path, "utf8"), "a longer r\na longer record\n");
  assert.equal(healed.length, 1);
});

test("a file that cannot be opened says why, and is tried again", (t) => {
  const real = systemEnvironment().fs;
  let isFull = true;
  const open: FileSystem["open"] = (...args) => {
    if (isFull) throw systemError("EMFILE", "open");
    return real.open(...args);
  };
  const { path, append } = setUp(t, { fs: environmentWith({ open }).fs });
  assert.throws(() => append("one"), { code: "ERR_CLH_OPEN", path, message: /EMFILE.*ulimit/ });
  isFull = false;
  append("one");
  assert.equal(readFileSync(path, "utf8"), "one\n");
});

test("something that is no file is refused", (t) => {
  const { path, append } = setUp(t);
  execFileSync("mkfifo", [path]);
  assert.throws(() => append("one"), { code: "ERR_CLH_OPEN", message: /not a regular file/ });
});

test("a log that may be written but not read is written", needsRoot, (t) => {
  const { directory, path } = setUp(t);
  writeFileSync(path, "theirs\n");
  chmodSync(path, 0o222);
  chmodSync(directory, 0o777);
  asOther(() => {
    const encoder = new Encoder({ encoding: "utf-8", unicodeErrorPolicy: "ignore", newline: "", terminator: "\n" });
    const permissions = new Permissions({ chmod: undefined, umask: undefined, owner: undefined }, assert.fail);
    const file = new ActiveFile(
      path,
      new Mount(systemEnvironment(), path),
      systemEnvironment().clock,
      permissions,
      encoder,
      {
        onOpened() {},
        onHealed: assert.fail,
        onHeaderFailed: assert.fail,
      },
    );
    file.refresh();
    file.append(Buffer.from("one\n"), 0, 4);
    file.close();
  });
  assert.equal(readFileSync(path, "utf8"), "theirs\none\n");
  assert.equal(statSync(path).mode & 0o777, 0o222);
});
