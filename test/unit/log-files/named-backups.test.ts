import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler } from "../../../src/index.js";
import { settingsPath } from "../../../src/log-files/hidden-names.js";
import { listLogFiles } from "../../../src/log-files/list-files.js";
import { type BackupNaming, beneath, namedBackups, pathOnDisk } from "../../../src/log-files/named-backups.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { FilePath, FileStatus, type FileSystem, O_RDONLY } from "../../../src/platform/file-system.js";
import { NumberedBackups } from "../../../src/rotation/numbered-backups.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { watchedFileSystem } from "../../support/watched-fs.js";

const system = systemEnvironment();

interface Place {
  readonly log: string;
  readonly fs: FileSystem;
  /** Writes a file by its place on the disk, as seen from the log. */
  put(path: string, text?: string): void;
}

function placeOf(t: TestContext, naming: BackupNaming): Place {
  const log = join(temporaryDirectory(t), "app.log");
  return {
    log,
    fs: namedBackups(system, log, naming).fs,
    put(path, text = path) {
      mkdirSync(dirname(join(dirname(log), path)), { recursive: true });
      writeFileSync(join(dirname(log), path), text);
    },
  };
}

function seen({ fs, log }: Place): string[] {
  return fs.readdir(dirname(log)).sort();
}

describe("backups are seen by their default names", () => {
  test("those that the template names, and no others", (t) => {
    const place = placeOf(t, { backupName: "{stem}.{n}{ext}" });
    const others = [
      "app.log",
      "app.01.log",
      "app.1.txt",
      "app.log.2024-05-17",
      "app.log-1715940000123-0-0123abcd",
      "x",
    ];
    for (const name of [...others, "app.1.log", "app.2.log.gz", "app.log.7", "app.log.8.gz"]) place.put(name);
    assert.deepEqual(seen(place), ["app.log.1", "app.log.2.gz", ...others].sort());
  });

  test("those of periods; numbered ones of earlier then have the names that they had", (t) => {
    const place = placeOf(t, { backupName: "{stem}-{date:YYYYMMDD}{ext}" });
    for (const name of ["app-20240517.log", "app-20240518.2.log.zst", "app.log.1", "app.log.2024-05-16"])
      place.put(name);
    assert.deepEqual(seen(place), ["app.log.1", "app.log.2024-05-17", "app.log.2024-05-18.2.zst"]);
  });

  test("those in the archive, and none that lie beside the log", (t) => {
    const place = placeOf(t, { archiveDirectory: "old" });
    assert.deepEqual(seen(place), []);
    const names = [
      "old/app.log.1",
      "old/app.log.2024-05-17.gz",
      "old/app.log",
      "old/other.log.1",
      "app.log",
      "app.log.9",
    ];
    for (const name of names) place.put(name);
    assert.deepEqual(seen(place), ["app.log", "app.log.1", "app.log.2024-05-17.gz", "old"]);
  });

  test("those in the archive by a template", (t) => {
    const place = placeOf(t, { backupName: "{stem}.{n}{ext}", archiveDirectory: "old" });
    for (const name of ["old/app.1.log", "old/app.log.2", "app.3.log", "app.log.4"]) place.put(name);
    assert.deepEqual(seen(place), ["app.3.log", "app.log.1", "old"]);
  });

  test("but for a log of its own that is called as one of them", (t) => {
    const place = placeOf(t, { backupName: "{stem}.{n}{ext}" });
    for (const name of ["app.1.log", "app.2.log", settingsPath("app.1.log")]) place.put(name);
    assert.deepEqual(seen(place), [settingsPath("app.1.log"), "app.log.2"]);
    assert.throws(() => place.fs.renameNew(join(dirname(place.log), "app.2.log"), `${place.log}.1`), {
      code: "EEXIST",
    });
  });
});

/** What does not happen to the file on the disk that is meant, by one of its two paths or the other. */
function faultsOf(make: typeof namedBackups, t: TestContext): string[] {
  const faults: string[] = [];
  const expect = (isTrue: boolean, what: string) => {
    if (!isTrue) faults.push(what);
  };
  for (const naming of [{ backupName: "{stem}.{n}{ext}" }, { archiveDirectory: "old" }]) {
    for (const extension of ["", ".gz", ".br", ".zst"]) {
      const log = join(temporaryDirectory(t), "app.log");
      const directory = dirname(log);
      const { fs } = make(system, log, naming);
      const onDisk = (n: number) =>
        "archiveDirectory" in naming
          ? join(directory, "old", `app.log.${n}${extension}`)
          : join(directory, `app.${n}.log${extension}`);
      fs.mkdir(directory);
      writeFileSync(onDisk(2), "two");
      writeFileSync(log, "active");
      const status = new FileStatus();
      expect(seenBy(fs, log).join() === `app.log,app.log.2${extension}`, `${onDisk(2)} is seen as ${seenBy(fs, log)}`);
      for (const path of [`${log}.2${extension}`, onDisk(2)]) {
        expect(fs.exists(path), `${path} is there`);
        for (const ask of ["status", "statusWithTime", "linkStatus"] as const)
          expect(fs[ask](new FilePath(path), status) && status.size === 3, `${ask} of ${path}`);
      }
      expect(pathOnDisk(fs, `${log}.2${extension}`) === onDisk(2), `what users are told of ${onDisk(2)}`);
      fs.renameNew(`${log}.2${extension}`, `${log}.3${extension}`);
      expect(existsSync(onDisk(3)) && !existsSync(onDisk(2)), `a rename to ${onDisk(3)}`);
      if (!existsSync(onDisk(3))) continue;
      const fd = fs.open(`${log}.3${extension}`, O_RDONLY);
      fs.statusOfOpen(fd, status);
      fs.close(fd);
      expect(status.size === 3, `what is opened of ${onDisk(3)}`);
      fs.rename(log, `${log}.1`);
      fs.unlink(`${log}.1`);
      fs.unlink(onDisk(3));
      expect(seenBy(fs, log).length === 0, `${seenBy(fs, log)} are left`);
    }
  }
  return faults;
}

function seenBy(fs: FileSystem, log: string): string[] {
  return fs
    .readdir(dirname(log))
    .filter((name) => name !== "old")
    .sort();
}

describe("each call comes to the file that is meant:", () => {
  test("of the real one", (t) => assert.deepEqual(faultsOf(namedBackups, t), []));

  const broken: Record<string, (fs: FileSystem, log: string) => Partial<FileSystem>> = {
    "one that forgets the extension of compressed files": (fs) => ({
      readdir: (path) => fs.readdir(path).map((name) => name.replace(/\.(gz|br|zst)$/, "")),
    }),
    "one that renames to default names": (fs, log) => ({
      renameNew: (from, to) =>
        beneath(fs).renameNew(pathOnDisk(fs, from), join(dirname(log), to.slice(dirname(log).length))),
    }),
    "one that takes a path on the disk for none": (fs, log) => ({
      exists: (path) => path.startsWith(`${log}.`) && fs.exists(path),
    }),
  };
  for (const [name, change] of Object.entries(broken)) {
    test(`${name} is found out`, (t) => {
      const make: typeof namedBackups = (machine, log, naming) => {
        const real = namedBackups(machine, log, naming);
        return { ...real, fs: { ...real.fs, ...change(real.fs, log) } };
      };
      assert.notDeepEqual(faultsOf(make, t), []);
    });
  }
});

test("rotations number files on the disk, the newest with the lowest number", (t) => {
  const { fs, log } = placeOf(t, { backupName: "{stem}.{n}{ext}", archiveDirectory: "old" });
  const backups = new NumberedBackups(fs, log, 2);
  for (const text of ["first", "second", "third"]) {
    writeFileSync(log, text);
    backups.add(log, (from, to) => {
      fs.mkdir(dirname(to));
      fs.renameNew(from, to);
    });
  }
  const archive = join(dirname(log), "old");
  assert.deepEqual(readdirSync(archive).sort(), ["app.1.log", "app.2.log"]);
  assert.equal(readFileSync(join(archive, "app.1.log"), "utf8"), "third");
  const files = listLogFiles(fs, log);
  assert.deepEqual(
    files.map(({ path }) => path),
    [join(archive, "app.2.log"), join(archive, "app.1.log")],
  );
  assert.deepEqual(
    files.map(({ name }) => name),
    ["app.log.2", "app.log.1"],
  );
});

test("without a template and an archive, nothing stands between", (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  assert.equal(namedBackups(system, log, {}), system);
  assert.equal(namedBackups(system, log, { archiveDirectory: dirname(log) }), system);
});

test("a record costs the same calls of the file system, whatever backups are called", (t) => {
  const callsOf = (naming: object) => {
    const calls: string[] = [];
    let time = 0;
    const clock = { ...system.clock, monotonic: () => (time += 2) };
    const fs = watchedFileSystem(system.fs, (call, proceed) => {
      calls.push(call.name);
      return proceed();
    });
    const log = join(temporaryDirectory(t), "app.log");
    using handler = new ConcurrentRotatingFileHandler(
      log,
      { maxBytes: 10_000, backupCount: 3, ...naming },
      { ...system, clock, fs },
    );
    handler.write("the first one opens the file");
    calls.length = 0;
    for (let i = 0; i < 100; i++) handler.write(`record ${i}`);
    return calls;
  };
  const plain = callsOf({});
  assert.ok(plain.filter((name) => name === "write").length === 100);
  assert.deepEqual(callsOf({ keepExtension: true, archiveDirectory: "old" }), plain);
});
