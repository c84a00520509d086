import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type RotatingFileHandlerOptions,
} from "../../../src/index.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { FilePath, FileStatus, type FileSystem } from "../../../src/platform/file-system.js";
import { loadLibc } from "../../../src/platform/native.js";
import { fileSystemOver } from "../../../src/platform/system-files.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* Systems whose C library has less than glibc: macOS, and musl. node:fs does its work there. */

const skip = process.platform !== "linux" && "made of what Linux has, to be compared with that";

/** Leaves out calls that these systems lack. */
function lacking(...calls: ("statx" | "renameat2")[]): Environment {
  const libc = { ...loadLibc() };
  for (const call of calls) delete libc[call];
  return { ...systemEnvironment(), fs: fileSystemOver(libc) };
}

const SYSTEMS: [string, () => Environment][] = [
  ["macOS, musl 1.2.3", () => lacking("statx", "renameat2")],
  ["musl with statx", () => lacking("renameat2")],
];

for (const [name, make] of SYSTEMS) {
  describe(name, { skip }, () => {
    test("tells of a file, a directory, a device and a link what Linux tells", (t) => {
      const directory = temporaryDirectory(t);
      const [file, link, below] = ["file", "link", "below"].map((part) => join(directory, part));
      writeFileSync(file!, "123");
      symlinkSync("file", link!);
      mkdirSync(below!);
      for (const path of [file!, link!, below!, "/dev/null", "/proc/self/stat"]) {
        for (const call of ["linkStatus", "statusWithTime"] as const) {
          assert.deepEqual(told(make().fs, call, path), told(systemEnvironment().fs, call, path), `${call} ${path}`);
        }
      }
      assert.equal(make().fs.status(new FilePath(join(directory, "none")), new FileStatus()), false);
    });

    test("tells a file from one that has gone, also by the same inode", async (t) => {
      const path = join(temporaryDirectory(t), "file");
      const inodes = new Set<number>();
      const identities = new Set<string>();
      const status = new FileStatus();
      let made = 0;
      for (; inodes.size === made && made < 50; made++) {
        writeFileSync(path, "");
        make().fs.statusWithTime(new FilePath(path), status);
        inodes.add(status.place.inode);
        identities.add(status.identity);
        unlinkSync(path);
        await setTimeout(20); // the clock of a file system may be as coarse as this
      }
      assert.equal(identities.size, made);
    });

    test("renames over nothing", (t) => {
      const { fs } = make();
      const [from, to] = [join(temporaryDirectory(t), "from"), join(temporaryDirectory(t), "to")];
      writeFileSync(from, "new");
      writeFileSync(to, "old");
      assert.throws(() => fs.renameNew(from, to), { code: "EEXIST", syscall: "rename" });
      assert.equal(readFileSync(to, "utf8"), "old");
      fs.unlink(to);
      fs.renameNew(from, to);
      assert.equal(readFileSync(to, "utf8"), "new");
    });

    test("beside a writer who has these calls: every record once, in one file or the other", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const options = { maxBytes: 200, backupCount: 1000 };
      const writers = [handler(t, log, options, make()), handler(t, log, options)];
      for (let i = 0; i < 400; i++) assert.ok(writers[i % 2]!.write(`record ${i}`));
      for (const writer of writers) assert.ok(writer.stats().rotations > 0);
      const { fs } = systemEnvironment();
      let text = "";
      for (let i = 1000; i > 0; i--) if (fs.exists(`${log}.${i}`)) text += readFileSync(`${log}.${i}`, "utf8");
      text += readFileSync(log, "utf8");
      assert.equal(text, Array.from({ length: 400 }, (_, i) => `record ${i}\n`).join(""));
    });

    test("the log is deleted by another: records go on in a new one, at once", (t) => {
      const environment = make();
      const log = join(temporaryDirectory(t), "app.log");
      const writer = handler(t, log, {}, environment);
      writer.write("record 0");
      environment.fs.unlink(log);
      writer.write("record 1");
      assert.equal(readFileSync(log, "utf8"), "record 1\n");
    });

    test("rotates by time", (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      let now = Date.UTC(2024, 4, 17, 12);
      const clock = { ...systemEnvironment().clock, now: () => now };
      const options = { when: "midnight", utc: true, backupCount: 3 } as const;
      const timed = new ConcurrentTimedRotatingFileHandler(log, options, { ...make(), clock });
      t.after(() => timed.close());
      timed.write("friday");
      now += 86_400_000;
      timed.write("saturday");
      assert.equal(readFileSync(`${log}.2024-05-17`, "utf8"), "friday\n");
      assert.equal(readFileSync(log, "utf8"), "saturday\n");
    });
  });
}

function told(fs: FileSystem, call: "linkStatus" | "statusWithTime", path: string) {
  const status = new FileStatus();
  assert.ok(fs[call](new FilePath(path), status));
  const { size, mode, uid, gid, isFile, isSymbolicLink, place } = status;
  const times = path !== "/proc/self/stat" ? [status.modifiedAt, status.fingerprint] : [];
  const identity = call === "statusWithTime" ? status.identity : undefined;
  return { size, mode, uid, gid, isFile, isSymbolicLink, place, times, identity };
}

function handler(t: TestContext, log: string, options: RotatingFileHandlerOptions, environment = systemEnvironment()) {
  const made = new ConcurrentRotatingFileHandler(log, options, environment);
  t.after(() => made.close());
  return made;
}
