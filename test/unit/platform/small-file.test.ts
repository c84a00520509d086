import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { readSmallFile, readUpTo } from "../../../src/platform/small-file.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";

const { fs } = systemEnvironment();

test("a file is read to its end, or to the limit", (t) => {
  const path = join(temporaryDirectory(t), "file");
  const text = "0123456789".repeat(20_000);
  writeFileSync(path, text);
  assert.equal(readUpTo(fs, path, 1024 ** 2).toString(), text);
  for (const limit of [0, 1, 64 * 1024, 64 * 1024 + 1, text.length]) {
    assert.equal(readSmallFile(fs, path, limit), text.slice(0, limit), `${limit}`);
  }
});

test("what is not there, or not for this user, is nothing, and is closed", (t) => {
  const directory = temporaryDirectory(t);
  assert.equal(readSmallFile(fs, join(directory, "missing"), 10), undefined);
  mkdirSync(join(directory, "directory"));
  assert.equal(readSmallFile(fs, join(directory, "directory"), 10), undefined);
  writeFileSync(join(directory, "file"), "text");
  for (const code of ["EACCES", "ESRCH", "EIO"]) {
    let open = 0;
    const failing = environmentWith({
      open: (...args) => {
        open++;
        return fs.open(...args);
      },
      read: () => {
        throw systemError(code, "read");
      },
      close(fd) {
        open--;
        fs.close(fd);
      },
    });
    const read = () => readSmallFile(failing.fs, join(directory, "file"), 10);
    if (code === "EIO") assert.throws(read, { code });
    else assert.equal(read(), undefined);
    assert.equal(open, 0);
  }
});

test("a FIFO is nothing, and is not waited for", { skip: process.platform === "win32" }, (t) => {
  const path = join(temporaryDirectory(t), "fifo");
  spawnSync("mkfifo", [path]);
  assert.equal(readSmallFile(fs, path, 10), undefined);
});
