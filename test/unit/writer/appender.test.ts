import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler, type LogFileError } from "../../../src/index.js";
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
