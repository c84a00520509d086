import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler, type LogFileError, readLog } from "../../../src/index.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { FileStatus } from "../../../src/platform/file-system.js";
import { environmentWith, ManualClock, systemError } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";

const NFS = 0x6969;
const EXT4 = 0xef53;

type Failure = "fsync, which is lost" | "fsync, which is there" | "close" | "in 6 s";

/** A server that fails once: at the second record. */
function failing(log: string, failure: Failure, type: number): Environment {
  const { fs, clock } = systemEnvironment();
  const manual = new ManualClock();
  const logs = new Set<number>();
  let isDue = false;
  const due = (what: string): boolean => {
    const isIt = isDue && failure.startsWith(what);
    if (isIt) isDue = false;
    return isIt;
  };
  let size = 0;
  const environment = environmentWith(
    {
      fileSystemType: () => type,
      open(path, flags, mode) {
        const fd = fs.open(path, flags, mode);
        if (path === log) logs.add(fd);
        return fd;
      },
      write(fd, bytes, offset, length) {
        const status = new FileStatus();
        fs.statusOfOpen(fd, status);
        size = status.size;
        isDue = bytes.includes("two") && size === "one\n".length && !hasFailed;
        hasFailed ||= isDue;
        if (due("in 6 s")) manual.time += 6000;
        return fs.write(fd, bytes, offset, length);
      },
      fsync(fd) {
        if (!logs.has(fd) || !due("fsync")) return fs.fsync(fd);
        if (failure === "fsync, which is lost") fs.truncate(fd, size);
        throw systemError("EIO", "fsync");
      },
      close(fd) {
        const isLog = logs.delete(fd);
        fs.close(fd);
        if (isLog && due("close")) throw systemError("EDQUOT", "close");
      },
    },
    failure === "in 6 s" ? manual : clock,
  );
  let hasFailed = false;
  return environment;
}

/** The record is not acknowledged, and is there once when it is. */
function isThereOnce(t: TestContext, failure: Failure, type = NFS): void {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { sync: "full" }, failing(log, failure, type));
  t.after(() => handler.close());
  const errors: LogFileError[] = [];
  handler.on("error", (error) => errors.push(error));
  assert.equal(handler.write("one"), true);
  assert.equal(handler.write("two"), false);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["ERR_CLH_WRITE"],
  );
  assert.equal(handler.flushSync(), true);
  assert.equal(handler.write("three"), true);
  assert.equal(readFileSync(log, "utf8"), "one\ntwo\nthree\n");
  assert.equal(handler.stats().records, 3);
}

for (const failure of ["fsync, which is lost", "fsync, which is there", "close", "in 6 s"] as const) {
  test(`a record whose write fails is looked for, and there once: ${failure}`, (t) => isThereOnce(t, failure));
}

test("on a local disk it is acknowledged, as the kernel may have given it up", (t) => {
  assert.throws(() => isThereOnce(t, "fsync, which is lost", EXT4), assert.AssertionError);
});

/** A host is cut off while its second record is on the way; another one rotates and compresses the log, and goes on. */
async function comesBack(t: TestContext, readdir: (names: string[]) => string[] = (names) => names): Promise<void> {
  const log = join(temporaryDirectory(t), "app.log");
  const options = { sync: "full", useGzip: true, backupCount: 9 } as const;
  const lost = failing(log, "in 6 s", NFS);
  const { fs } = lost;
  const handler = new ConcurrentRotatingFileHandler(log, options, {
    ...lost,
    fs: { ...fs, readdir: (path) => readdir(fs.readdir(path)) },
  });
  const other = new ConcurrentRotatingFileHandler(log, options);
  t.after(() => handler.close());
  assert.equal(handler.write("one"), true);
  assert.equal(handler.write("two"), false);
  assert.equal(other.rotate(), true);
  await other.swept();
  assert.equal(other.write("of the other"), true);
  other.close();
  assert.equal(handler.flushSync(), true);
  const records: string[] = [];
  for await (const { text } of readLog(log)) records.push(text);
  assert.deepEqual(records, ["one", "two", "of the other"]);
}

test("it is looked for in the file that another host has compressed since", (t) => comesBack(t));

test("where the compressed file is not seen, it is there twice", async (t) => {
  const hidesForms = (names: string[]) => names.filter((name) => !name.endsWith(".gz"));
  await assert.rejects(comesBack(t, hidesForms), assert.AssertionError);
});
