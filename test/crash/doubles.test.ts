import assert from "node:assert/strict";
import { dirname } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import type { LockBackend } from "../../src/platform/lock-backend.js";
import { doubleOf } from "../support/doubles.js";
import { environmentWith, ManualClock, systemError } from "../support/environment.js";
import { problemsOf, recordOf, Snapshot } from "../support/log-oracle.js";
import { OPERATIONS, restart, Scene } from "../support/operations.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Handlers that are broken in one way: the oracle must say so, and must have nothing to say of a real one. */

const { fs } = systemEnvironment();

describe("what is kept when the disk fails", () => {
  for (const forgets of [false, true]) {
    test(forgets ? "is missed when it is thrown away" : "is there", async (t) => {
      const problems = await afterAFullDisk(t, forgets);
      assert.equal(problems.length > 0, forgets, problems.join());
    });
  }
});

/** @param forgets whether the handler with all that it keeps is replaced by a new one */
async function afterAFullDisk(t: TestContext, forgets: boolean): Promise<string[]> {
  const scene = new Scene(temporaryDirectory(t));
  let isFull = true;
  const failing = environmentWith(
    {
      write(fd, bytes, offset, length) {
        if (isFull) throw systemError("ENOSPC", "write");
        return fs.write(fd, bytes, offset, length);
      },
    },
    new ManualClock(),
  );
  const make = (environment: Environment) => new ConcurrentRotatingFileHandler(scene.log, {}, environment);
  const first = make(failing);
  first.on("error", () => {});
  scene.write(first, 2);
  if (!forgets) isFull = false;
  const second = forgets ? make(systemEnvironment()) : first;
  scene.write(second, 2);
  await second.flush();
  second.close();
  const problems = problemsOf(scene.log, { acknowledged: new Map([["w", 4]]) });
  isFull = false;
  first.close(); // so that nothing is left to be written when the process ends
  return problems;
}

describe("a file that another handler has rotated", () => {
  for (const looks of [true, false]) {
    test(looks ? "is left" : "is missed when it is not", (t) => {
      const problems = afterARotation(t, looks);
      assert.equal(problems.length > 0, !looks, problems.join());
    });
  }
});

/** @param looks whether the handler asks what its path leads to */
function afterARotation(t: TestContext, looks: boolean): string[] {
  const log = new Scene(temporaryDirectory(t)).log;
  const options = { maxBytes: 100, backupCount: 20 };
  let opened = -1;
  const blind = environmentWith({
    statusOfOpen(fd, into) {
      opened = fd;
      fs.statusOfOpen(fd, into);
    },
    status(path, into) {
      if (opened === -1 || dirname(path.text) !== dirname(log)) return fs.status(path, into);
      fs.statusOfOpen(opened, into); // what is open, not what the path leads to
      return true;
    },
  });
  const a = new ConcurrentRotatingFileHandler(log, { ...options, maxBytes: 0 }, looks ? systemEnvironment() : blind);
  const b = new ConcurrentRotatingFileHandler(log, options);
  for (let i = 0; i < 6; i++) {
    a.write(recordOf("a", i));
    b.write(recordOf("b", i));
    b.rotate();
  }
  a.close();
  b.close();
  const acknowledged = new Map([
    ["a", 6],
    ["b", 6],
  ]);
  return problemsOf(log, { acknowledged, maxBytes: 150 });
}

describe("a record that was cut off", () => {
  for (const double of ["real", "truncates a tail"] as const) {
    test(double === "real" ? "is ended" : "is missed when it is cut off the file", async (t) => {
      const scene = new Scene(temporaryDirectory(t));
      await OPERATIONS.recovery.prepare(scene);
      const before = new Snapshot(scene.log);
      await restart(scene, OPERATIONS.recovery, { ...systemEnvironment(), fs: doubleOf(double, fs) });
      const problems = before.problems();
      assert.equal(problems.length > 0, double !== "real", problems.join());
    });
  }
});

describe("the lock", () => {
  for (const tooEarly of [false, true]) {
    test(tooEarly ? "is missed when it is released before the write" : "is held until the write is done", (t) => {
      const problems = meanwhileARotation(t, tooEarly);
      assert.equal(problems.length > 0, tooEarly, problems.join());
    });
  }
});

/** What is wrong when a handler is to write, and before it does another one writes so much that it rotates. */
function meanwhileARotation(t: TestContext, isReleasedTooEarly: boolean): string[] {
  const { log } = new Scene(temporaryDirectory(t));
  const options = { maxBytes: 150, backupCount: 20, lockTimeout: 0 };
  const b = new ConcurrentRotatingFileHandler(log, options);
  b.on("error", () => {});
  let written = 0;
  const system = systemEnvironment();
  let locked = -1;
  const lockBackend: LockBackend = {
    tryLock(fd, isRead) {
      if (!isRead) locked = fd; // and not the settings
      return system.lockBackend.tryLock(fd, isRead);
    },
    unlock: (fd) => system.lockBackend.unlock(fd),
  };
  const interrupted = environmentWith({
    write(...args) {
      if (isReleasedTooEarly) system.lockBackend.unlock(locked);
      for (let i = 0; i < 4; i++) b.write(recordOf("b", written++));
      return fs.write(...args);
    },
  });
  const a = new ConcurrentRotatingFileHandler(log, options, { ...interrupted, lockBackend });
  for (let i = 0; i < 6; i++) a.write(recordOf("a", i));
  a.close();
  b.close();
  const acknowledged = new Map([
    ["a", 6],
    ["b", written],
  ]);
  return problemsOf(log, { acknowledged, maxBytes: options.maxBytes });
}
