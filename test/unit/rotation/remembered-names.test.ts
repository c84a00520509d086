import assert from "node:assert/strict";
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemEnvironment } from "../../../src/platform/environment.js";
import type { FileSystem } from "../../../src/platform/file-system.js";
import { NumberedBackups } from "../../../src/rotation/numbered-backups.js";
import { rememberingFileSystem } from "../../support/remembering-fs.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* Two hosts change the backups of one log, each of which remembers where names led before the other one changed them. */

const { fs } = systemEnvironment();

function setUp(t: TestContext, asksWhenListed: boolean) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const file = (name: string) => {
    const path = join(directory, name);
    writeFileSync(path, name);
    return path;
  };
  const contents = () =>
    readdirSync(directory).map((name) => `${name}: ${readFileSync(join(directory, name), "utf8")}`);
  const hosts = [0, 1].map(() => rememberingFileSystem(fs, asksWhenListed)) as [FileSystem, FileSystem];
  return { log, file, contents, hosts };
}

function numbered(t: TestContext, asksWhenListed = true): void {
  const { log, file, contents, hosts } = setUp(t, asksWhenListed);
  const [a, b] = hosts.map((host) => new NumberedBackups(host, log, 9)) as [NumberedBackups, NumberedBackups];
  for (const backups of [a, b]) assert.equal(backups.find("none", ""), undefined); // looks at all numbers
  a.insert([file("first")], "");
  b.insert([file("second")], "");
  assert.deepEqual(contents(), ["app.log.1: second", "app.log.2: first"]);
  unlinkSync(`${log}.1`);
  a.insert([file("third")], "");
  assert.deepEqual(contents(), ["app.log.1: third", "app.log.2: first"]);
}

test("which backups there are is asked of the server", (t) => numbered(t));

test("where even a listing does not ask, that is wrong", (t) => {
  assert.throws(() => numbered(t, false), { code: "EEXIST" });
});
