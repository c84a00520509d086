import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler, readLog } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { settingsPath, spillPath } from "../../src/log-files/hidden-names.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { type FileSystem, O_NONBLOCK } from "../../src/platform/file-system.js";
import { compress } from "../../src/rotation/compression/compress.js";
import { OpenSpills } from "../../src/spill/spill-reader.js";
import { settingsLeft } from "../../src/writer/settings-file.js";
import { makeLock } from "../support/locks.js";
import { Mortal } from "../support/mortal.js";
import { temporaryDirectory } from "../support/temporary.js";
import { asOther, needsRoot } from "../support/users.js";

/*
 * Whoever may write to the directory of a log can put a FIFO in the place of a file. To open one without O_NONBLOCK waits
 * for its other end, without end, and with the lock held: here it throws, and is noted.
 */

const system = systemEnvironment();
const isFifo = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
const makeFifo = (path: string) => {
  rmSync(path, { force: true });
  execFileSync("mkfifo", [path]);
  chmodSync(path, 0o666);
};

/**
 * @param swapped path at which a FIFO appears just before it is opened, after all looks at what is there
 * @param forgets a double that opens without the flag
 */
function watched({ swapped, forgets = false }: { swapped?: string; forgets?: boolean } = {}) {
  const frozen: string[] = [];
  const open: FileSystem["open"] = (path, asked, mode) => {
    if (path === swapped && lstatSync(path, { throwIfNoEntry: false })?.isFile()) makeFifo(path);
    const flags = forgets ? asked & ~O_NONBLOCK : asked;
    if (isFifo(path) && !(flags & O_NONBLOCK)) {
      frozen.push(path);
      throw new Error("it would wait without end");
    }
    return system.fs.open(path, flags, mode);
  };
  const environment: Environment = { ...system, fs: { ...system.fs, open } };
  return { environment, frozen };
}

function handlerOf(log: string, environment: Environment) {
  const handler = new ConcurrentRotatingFileHandler(
    log,
    { maxBytes: 100, backupCount: 9, lockTimeout: 100 },
    environment,
  );
  const codes: string[] = [];
  for (const event of ["error", "warning"] as const) handler.on(event, ({ code }) => codes.push(code));
  return { handler, codes };
}

const NAMES: Record<string, [path: (log: string) => string, code: string | undefined]> = {
  "the log": [(log) => log, "ERR_CLH_OPEN"],
  "the lock file": [(log) => lockFilePath(log), "ERR_CLH_LOCK"],
  "the settings": [settingsPath, undefined],
  "a spill": [(log) => spillPath(log, 1, 0x0123abcd), undefined],
  "a backup": [(log) => `${log}.1`, undefined],
  "a file that waits": [(log) => join(dirname(log), ".__app.log.0000000001.0.pending"), undefined],
};

const POSIX = { skip: process.platform === "win32" && "Windows has no FIFOs" };

describe("a FIFO in the place of", POSIX, () => {
  for (const [what, [pathOf, code]] of Object.entries(NAMES)) {
    test(`${what} stops no handler, and records are written when it is gone`, async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const { environment, frozen } = watched();
      const { handler, codes } = handlerOf(log, environment);
      t.after(() => handler.close());
      assert.ok(handler.write("before"));
      handler.close();
      makeFifo(pathOf(log));
      assert.equal(handler.write("meanwhile"), code === undefined);
      for (let i = 0; i < 20; i++) handler.write(`rotated ${i}`);
      assert.deepEqual([...new Set(codes)], code === undefined ? [] : [code]);
      rmSync(pathOf(log));
      await handler.flush();
      const texts: string[] = [];
      for await (const { text } of readLog(log)) texts.push(text);
      assert.equal(texts.length, what === "the log" ? 21 : 22);
      assert.deepEqual(frozen, []);
    });
  }

  test("the log, for who may only write it", needsRoot, (t) => {
    const directory = temporaryDirectory(t);
    const log = join(directory, "app.log");
    chmodSync(directory, 0o777);
    const freezes = (forgets: boolean) => {
      const { environment, frozen } = watched({ forgets });
      const { handler, codes } = handlerOf(log, environment);
      makeFifo(log);
      chmodSync(log, 0o222);
      asOther(() => {
        assert.equal(handler.write("one"), false);
        handler.close();
      });
      assert.deepEqual(codes, ["ERR_CLH_OPEN"]);
      for (const path of [log, lockFilePath(log)]) rmSync(path);
      return frozen;
    };
    assert.deepEqual(freezes(false), []);
    assert.ok(freezes(true).includes(log), "a handler that waits is found out");
  });
});

describe("a FIFO that takes the place, after a look at it, of", POSIX, () => {
  const acts: Record<string, (t: TestContext, log: string, forgets: boolean) => string[] | Promise<string[]>> = {
    "a spill that is merged": (_, log, forgets) => {
      const { environment, frozen } = watched({ swapped: leaveSpill(log), forgets });
      const { handler, codes } = handlerOf(log, environment);
      assert.ok(handler.write("one"));
      handler.close();
      assert.deepEqual(codes, ["ERR_CLH_SPILL"]);
      return frozen;
    },
    "a spill that is read": (_, log, forgets) => {
      const { environment, frozen } = watched({ swapped: leaveSpill(log), forgets });
      try {
        const spills = new OpenSpills(environment, log);
        assert.deepEqual([...spills.records()], []);
        spills.close();
      } catch (error) {
        assert.match((error as Error).message, /without end/);
      }
      return frozen;
    },
    "settings that are read": (_, log, forgets) => {
      writeFileSync(settingsPath(log), "{}");
      const { environment, frozen } = watched({ swapped: settingsPath(log), forgets });
      try {
        assert.equal(settingsLeft(environment.fs, log), undefined);
      } catch (error) {
        assert.match((error as Error).message, /without end/);
      }
      return frozen;
    },
    "a file that is compressed": async (_, log, forgets) => {
      writeFileSync(log, "text");
      const { environment, frozen } = watched({ swapped: log, forgets });
      const result = compress(environment.fs, log, `${log}.gz`, { format: "gzip" });
      await assert.rejects(result, /not a regular file|without end/);
      assert.ok(!existsSync(`${log}.gz`));
      return frozen;
    },
    "a log that is opened": (_, log, forgets) => {
      writeFileSync(log, "old\n");
      const { environment, frozen } = watched({ swapped: log, forgets });
      const { handler, codes } = handlerOf(log, environment);
      assert.equal(handler.write("one"), false);
      assert.deepEqual(codes, ["ERR_CLH_OPEN"]);
      rmSync(log);
      assert.ok(handler.flushSync());
      assert.equal(readFileSync(log, "utf8"), "one\n");
      handler.close();
      return frozen;
    },
  };

  for (const [what, act] of Object.entries(acts)) {
    test(`${what} is not waited for`, async (t) => {
      const directory = temporaryDirectory(t);
      assert.deepEqual(await act(t, join(directory, "app.log"), false), []);
      assert.equal((await act(t, join(directory, "double.log"), true)).length, 1, "one that waits is found out");
    });
  }
});

/** Of a process that has died; its path. */
function leaveSpill(log: string): string {
  const holder = makeLock(lockFilePath(log));
  assert.ok(holder.acquire(0));
  const owner = new Mortal();
  let spill = "";
  const open: FileSystem["open"] = (path, ...rest) => {
    if (path.endsWith(".spill")) spill = path;
    return owner.environment.fs.open(path, ...rest);
  };
  const { handler } = handlerOf(log, { ...owner.environment, fs: { ...owner.environment.fs, open } });
  assert.equal(handler.write("spilled"), false);
  owner.die();
  holder.close();
  return spill;
}
