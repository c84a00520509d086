import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, toNamespacedPath } from "node:path";
import { test } from "node:test";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../../src/index.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { loadKernel32 } from "../../src/platform/native.js";
import { Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";
import { watchedFileSystem } from "../support/watched-fs.js";

test("lines end as Windows ends them, if nothing else is asked for", async (t) => {
  const directory = temporaryDirectory(t);
  const write = (name: string, options: { newline?: "" }) => {
    const handler = new ConcurrentRotatingFileHandler(join(directory, name), options);
    handler.write("one\ntwo");
    handler.close();
    return readFileSync(join(directory, name), "utf8");
  };
  assert.equal(write("a.log", {}), "one\r\ntwo\r\n");
  assert.equal(write("b.log", { newline: "" }), "one\ntwo\n");
  const { code } = await Clh.run(["write", join(directory, "c.log")], "one\r\ntwo\n\r\nend\rless");
  assert.equal(code, 0);
  assert.equal(readFileSync(join(directory, "c.log"), "utf8"), "one\r\ntwo\r\n\r\nend\rless\r\n");
});

const spellings: Record<string, (directory: string) => string> = {
  "with slashes": (directory) => `${directory.replaceAll("\\", "/")}/app.log`,
  "of a namespace": (directory) => `\\\\?\\${directory}\\app.log`,
  "of more than 260 characters": (directory) => join(directory, "d".repeat(150), "d".repeat(150), "app.log"),
  "with another letter case": (directory) => join(directory.toUpperCase(), "app.log"),
};
for (const [what, spell] of Object.entries(spellings)) {
  test(`a path ${what}: written, rotated, compressed`, async (t) => {
    const log = spell(temporaryDirectory(t));
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 30, backupCount: 9, useGzip: true });
    handler.on("error", (error) => assert.fail(error));
    for (let i = 0; i < 9; i++) assert.ok(handler.write(`record ${i}`));
    await handler.swept();
    handler.close();
    const { fs } = systemEnvironment();
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((n) => fs.exists(toNamespacedPath(`${log}.${n}.gz`))),
      [true, true, true, true, false],
    );
  });
}

test("the names of dated backups have no colon", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  for (const when of ["s", "m", "h", "midnight", "w0"] as const) {
    const handler = new ConcurrentTimedRotatingFileHandler(log, { when, backupCount: 9 });
    handler.on("error", (error) => assert.fail(error));
    handler.write("record");
    assert.ok(handler.rotate(), when);
    handler.close();
  }
});

test("a rename replaces no file", (t) => {
  const { fs } = systemEnvironment();
  const directory = temporaryDirectory(t);
  const [from, to, free] = ["from", "to", "d".repeat(200)].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [from, to]) writeFileSync(path, path);
  assert.throws(() => fs.renameNew(from, to), { code: "EEXIST", syscall: "rename", path: from, dest: to });
  assert.equal(readFileSync(to, "utf8"), to);
  assert.throws(() => fs.renameNew(join(directory, "none"), free), { code: "ENOENT" });
  fs.renameNew(from, free);
  assert.equal(readFileSync(free, "utf8"), from);
});

test("which drives are those of other hosts", () => {
  const { isRemote } = loadKernel32();
  assert.equal(isRemote("C:\\logs\\app.log"), false);
  assert.equal(isRemote("\\\\?\\C:\\logs\\app.log"), false);
  assert.equal(isRemote("\\\\server\\share\\app.log"), true);
  assert.equal(isRemote("//server/share/app.log"), true);
  assert.equal(isRemote("\\\\?\\UNC\\server\\share\\app.log"), true);
});

test("the log is opened once, not for every record", (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, "logs"));
  const calls: string[] = [];
  const system = systemEnvironment();
  const fs = watchedFileSystem(system.fs, ({ name }, proceed) => {
    calls.push(name);
    return proceed();
  });
  const handler = new ConcurrentRotatingFileHandler(join(directory, "logs", "app.log"), {}, { ...system, fs });
  handler.write("record 0");
  calls.length = 0;
  for (let i = 1; i < 100; i++) handler.write(`record ${i}`);
  assert.deepEqual(
    calls.filter((name) => name === "open" || name === "close"),
    [],
  );
  handler.close();
});
