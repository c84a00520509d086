import assert from "node:assert/strict";
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { alphabet } from "../../src/cli/stress/record.js";
import { check } from "../../src/cli/stress/verdict.js";
import { ConcurrentRotatingFileHandler, type TimedRotatingFileHandlerOptions } from "../../src/index.js";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { type Pending, pendingPath } from "../../src/log-files/pending-names.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { problemsOf, recordOf } from "../support/log-oracle.js";
import { temporaryDirectory } from "../support/temporary.js";
import { PYTHON, whyNoUpstream } from "../support/upstream.js";
import { asOther, needsRoot, OTHER_USER } from "../support/users.js";
import type { NodeJob } from "./node-writer.js";

/* Upstream's handler in Python and ours, on one file. Needs upstream: set PYTHONPATH, or pip install it. */

const RECORDS = 5000;
const START_UP = 3; // seconds until the slowest writer is loaded

const skip = whyNoUpstream();

describe("rotation by size", () => {
  for (const useGzip of [false, true]) {
    for (const encoding of ["utf-8", "latin-1"]) {
      const limits = { maxBytes: 64 * 1024, backupCount: 2000 };
      test(`4 Python and 4 Node writers, ${encoding}, ${useGzip ? "gzip" : "plain"}`, { skip }, async (t) => {
        const files = await shareOneFile(t, { kind: "size", pause: 0.0002 }, { ...limits, useGzip, encoding });
        assert.ok(files.length > 20);
      });
    }
  }
});

describe("rotation by time, every second for a minute", { concurrency: true }, () => {
  for (const useGzip of [false, true]) {
    for (const maxBytes of [0, 32 * 1024]) {
      const name = `4 Python and 4 Node writers, ${useGzip ? "gzip" : "plain"}, ${maxBytes > 0 ? "by size as well" : "by time only"}`;
      test(name, { skip }, async (t) => {
        const files = await shareOneFile(t, { kind: "timed", pause: 60 / RECORDS }, { when: "S", maxBytes, useGzip });
        assert.ok(files.length > 50, `${files}`);
        // Two rotations for one boundary would give the second file a counter.
        if (maxBytes === 0)
          assert.deepEqual(
            files.filter((file) => /_[\d-]+\.\d/.test(file)),
            [],
          );
      });
    }
  }
});

describe("a lock file that only those may open who may write the log is the lock of upstream too", {
  skip: skip || needsRoot.skip,
}, () => {
  const GROUP = 4321;
  const PROGRAM = `
import logging, sys
from concurrent_log_handler import ConcurrentRotatingFileHandler
sys.dont_write_bytecode = True
handler = ConcurrentRotatingFileHandler(sys.argv[1], "a", 2000, 999)
handler.handleError = lambda record: sys.exit(repr(sys.exc_info()[1]))
log = logging.getLogger("python")
log.addHandler(handler)
for i in range(200): log.warning("python %d", i)
`;
  const asUser = (uid: number, gid: number, program: string, ...args: string[]) =>
    promisify(execFile)(PYTHON, ["-c", program, ...args], { uid, gid });

  for (const [who, umask, bits, user, group] of [
    ["of the same user", 0o022, 0o600, OTHER_USER, OTHER_USER],
    ["of the same group", 0o007, 0o660, 0, GROUP],
  ] as const) {
    test(`${who}: both write and rotate, and who may only read cannot hold it`, async (t) => {
      const directory = temporaryDirectory(t);
      chownSync(directory, user, group);
      chmodSync(directory, 0o2775);
      const before = process.umask(umask);
      const log = join(directory, "app.log");
      const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 2000, backupCount: 999 });
      handler.on("error", (error) => assert.fail(error));
      const asOwner = user === OTHER_USER ? asOther : (action: () => void) => action();
      t.after(() => {
        process.umask(before);
        asOwner(() => handler.close());
      });
      asOwner(() => assert.ok(handler.write("node 0")));
      assert.equal(statSync(lockFilePath(log)).mode & 0o777, bits);
      let isDone = false;
      const running = asUser(OTHER_USER, group, PROGRAM, log).finally(() => {
        isDone = true;
      });
      let count = 1;
      for (; !isDone; count++) {
        asOwner(() => assert.ok(handler.write(`node ${count}`)));
        await new Promise(setImmediate);
      }
      await running;
      assert.equal(statSync(lockFilePath(log)).mode & 0o777, bits, "upstream leaves it as it is");
      const names = readdirSync(directory).filter((name) => name.startsWith("app.log"));
      const lines = names.flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean));
      const expected = [...Array(200).keys()].map((i) => `python ${i}`);
      for (let i = 0; i < count; i++) expected.push(`node ${i}`);
      assert.deepEqual(lines.sort(), expected.sort());
      const hold = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)";
      await assert.rejects(asUser(1234, 1234, hold, lockFilePath(log)), /PermissionError/);
    });
  }
});

describe("files that wait to be compressed, beside a handler in Python that keeps one backup", () => {
  const kinds = ["size false", "size true", "timed false", "timed true", "stdlib-size false", "stdlib-timed false"];
  for (const kind of kinds) {
    test(`stay as they are: ${kind.replace(" true", ", gzip").replace(" false", "")}`, { skip }, (t) => {
      for (const name of ["app.log", "app", "app-2024-05-17.log", "2024-05-17.log"]) {
        assert.deepEqual(changedBeside(t, kind, name, pendingPath), [], name);
      }
    });
  }

  test("would not, by a name that begins as those of backups do", { skip }, (t) => {
    const asBackup = (log: string, pending: Pending) => pendingPath(log, pending).replace("app.log-", "app.log.");
    assert.notDeepEqual(changedBeside(t, "timed true", "app.log", asBackup), []);
  });
});

/** Which files of any name that a file may wait by are not there any more when Python has rotated. */
function changedBeside(t: TestContext, kind: string, name: string, nameOf: typeof pendingPath): string[] {
  const program = fileURLToPath(new URL("../../../test/interop/rotates_beside.py", import.meta.url));
  const log = join(temporaryDirectory(t), name);
  const places = ["0", "1a2b3c-66470b1f00000000", "2024-05-17@0", "2024-05-17_10-20-30@12"];
  const waiting = places.flatMap((place, i) =>
    (["", ".gz"] as const).map((extension) =>
      nameOf(log, { sequence: 1_715_900_000_000 + i, place, unique: "0123abcd", extension }),
    ),
  );
  for (const path of waiting) {
    writeFileSync(path, path);
    utimesSync(path, 1_000_000_000, 1_000_000_000); // older than all that Python may delete
  }
  const deleted = execFileSync(PYTHON, [program, log, ...kind.split(" ")], { encoding: "utf8" });
  // Until Python 3.13, upstream finds no plain file of its own: its pattern begins with "^", and is sought in the whole name.
  assert.ok(Number(deleted) > 3 || kind === "timed false", `${kind} has deleted ${deleted}`);
  return waiting.filter((path) => !existsSync(path) || readFileSync(path, "utf8") !== path);
}

test("upstream killed anywhere in its rotations: what it leaves becomes backups in order", { skip }, async (t) => {
  const program = fileURLToPath(new URL("../../../test/interop/killed_in_rotation.py", import.meta.url));
  let adopted = 0;
  for (let at = 1; ; at++) {
    const file = join(temporaryDirectory(t), "app.log");
    const { status, signal, stdout } = spawnSync(PYTHON, [program, file, String(at)], { encoding: "utf8" });
    const count = stdout.trim().split("\n").length - (stdout === "" ? 1 : 0);
    const handler = new ConcurrentRotatingFileHandler(file, { maxBytes: 1024, backupCount: 9, useGzip: true });
    handler.on("recovered", ({ path }) => {
      if (path.includes(".rotate.")) adopted++;
    });
    for (let number = 0; number < 20; number++) handler.write(recordOf("node", number));
    await handler[Symbol.asyncDispose]();
    // The record for which it rotated is not acknowledged, and may not be there.
    const acknowledged = new Map([
      ["python", count],
      ["node", 20],
    ]);
    assert.deepEqual(problemsOf(file, { acknowledged, unfinished: 1 }), [], `killed before change ${at}`);
    if (status === 0) break;
    assert.equal(signal, "SIGKILL");
  }
  assert.ok(adopted > 3, `${adopted}`);
});

/** Lets both write one log and checks every record; returns the names of the files. */
async function shareOneFile(
  t: TestContext,
  { kind, pause }: { kind: "size" | "timed"; pause: number },
  { useGzip = false, ...options }: TimedRotatingFileHandlerOptions,
): Promise<string[]> {
  const directory = temporaryDirectory(t);
  const file = join(directory, "app.log");
  const encoding = options.encoding ?? "utf-8";
  const characters = alphabet(encoding);
  const common = { file, records: RECORDS, pause, characters, startAt: Date.now() / 1000 + START_UP };
  const python = { ...common, kind, options: { ...options, use_gzip: useGzip } };
  const node: Omit<NodeJob, "writer"> = { ...common, options: { ...options, useGzip, strictMaxBytes: false } };
  const pythonWriter = fileURLToPath(new URL("../../../test/interop/upstream_writer.py", import.meta.url));
  const nodeWriter = fileURLToPath(new URL("./node-writer.js", import.meta.url));
  const ends = Array.from({ length: 4 }, (_, i) => [
    run(PYTHON, pythonWriter, JSON.stringify({ ...python, writer: `python${i}` })),
    run(process.execPath, nodeWriter, JSON.stringify({ ...node, writer: `node${i}` })),
  ]);
  assert.deepEqual(await Promise.all(ends.flat()), Array(8).fill(0));
  const names = Array.from({ length: 4 }, (_, i) => [`python${i}`, `node${i}`]).flat();
  const writers = new Map(names.map((name) => [name, RECORDS]));
  const verdict = await check(systemEnvironment().fs, file, encoding, { writers, retention: false });
  assert.deepEqual(verdict.problems, []);
  assert.equal(verdict.found, 8 * RECORDS);
  return readdirSync(directory);
}

function run(program: string, ...args: string[]): Promise<number | null> {
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
}
