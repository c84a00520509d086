import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type LogFileError,
  type RotatingFileHandlerOptions,
} from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { listLogFiles } from "../../../src/log-files/list-files.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { makeLock } from "../../support/locks.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* A name is refused at once, or all files of the log can have theirs. */

const CASES: Record<string, [options: RotatingFileHandlerOptions, isTimed: boolean]> = {
  "by size": [{ onLockTimeout: "wait" }, false],
  "by size, with spills": [{}, false],
  "by size, compressed": [{ compression: "gzip" }, false],
  "by size, with compression delayed": [{ compression: "brotli", delayCompression: true }, false],
  "by time": [{}, true],
  "by time, compressed": [{ compression: "gzip" }, true],
};

function make(log: string, options: RotatingFileHandlerOptions, isTimed: boolean) {
  return isTimed
    ? new ConcurrentTimedRotatingFileHandler(log, { ...options, when: "s" })
    : new ConcurrentRotatingFileHandler(log, { maxBytes: 10, backupCount: 100, ...options });
}

describe("the longest name that is not refused works:", {
  skip: process.platform === "win32" && "in UTF-16 there",
}, () => {
  for (const [title, [options, isTimed]] of Object.entries(CASES)) {
    test(title, async (t) => {
      const directory = temporaryDirectory(t);
      const { message } = refusal(directory, "x".repeat(255), options, isTimed);
      const most = Number(/at most (\d+) bytes \(it has 255\)/.exec(message)![1]);
      assert.ok(most > 150, message);
      // Of two bytes each, and of one if need be.
      const name = "ö".repeat(most >> 1) + "x".repeat(most & 1);
      assert.match(refusal(directory, `${name}x`, options, isTimed).message, new RegExp(`at most ${most} bytes`));
      const log = join(directory, name);
      const handler = make(log, { ...options, lockTimeout: 50 }, isTimed);
      const errors: string[] = [];
      handler.on("error", (error) => error.code !== "ERR_CLH_LOCK_TIMEOUT" && errors.push(error.message));
      for (let i = 0; i < 5; i++) {
        handler.write(`record ${i}`);
        handler.rotate();
        await handler.swept();
      }
      if (options.onLockTimeout !== "wait") {
        const lock = makeLock(lockFilePath(log));
        assert.ok(lock.tryAcquire());
        assert.equal(handler.write("while the lock is held"), false);
        assert.ok(readdirSync(directory).some((other) => other.endsWith(".spill")));
        lock.close();
      }
      await handler.flush();
      handler.close();
      assert.deepEqual(errors, []);
      assert.equal(handler.stats().rotations, 5);
      assert.ok(listLogFiles(systemEnvironment().fs, log).length >= 5);
      assert.deepEqual(
        readdirSync(directory).filter((other) => /unfinished|spill/.test(other)),
        [],
      );
    });
  }
});

function refusal(directory: string, name: string, options: RotatingFileHandlerOptions, isTimed: boolean) {
  let error: LogFileError | undefined;
  assert.throws(
    () => make(join(directory, name), options, isTimed),
    (thrown: LogFileError) => {
      error = thrown;
      return thrown.code === "ERR_CLH_OPTION";
    },
  );
  assert.deepEqual(readdirSync(directory), []);
  return error!;
}

test("half a character is refused: the file system would give it back as another one", (t) => {
  const log = join(temporaryDirectory(t), "\ud83d.log");
  assert.throws(() => make(log, {}, false), {
    code: "ERR_CLH_OPTION",
    option: "filename",
    message: /half a character/,
  });
});
