import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { recognise } from "../../src/cli/doctor/file-system.js";
import { lyingLocks } from "../../src/cli/doctor/lying-locks.js";
import { NobodyCame, tryWithPeer } from "../../src/cli/doctor/peer.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { CLH, Clh } from "../support/clh.js";
import { environmentWith, ManualClock } from "../support/environment.js";
import { temporaryDirectory } from "../support/temporary.js";

interface Result {
  ok: boolean;
  fileSystem: { kind: string; type: string; isSynced: boolean };
  checks: { what: string; ok: boolean; why?: string }[];
  advice: string[];
}

async function doctor(directory: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  const child = spawn(process.execPath, [CLH, "doctor", directory, "--json", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const result = JSON.parse(text) as Result;
  assert.equal(code, result.ok ? 0 : 1, text);
  return result;
}

const failed = ({ checks }: Result) => checks.filter(({ ok }) => !ok).map(({ what, why }) => `${what}: ${why}`);

test("a good directory, of which nothing is left behind", async (t) => {
  const directory = temporaryDirectory(t);
  const result = await doctor(directory);
  assert.deepEqual([failed(result), result.ok, result.checks.length], [[], true, 9]);
  assert.deepEqual(readdirSync(directory), []);
});

test("two of them test together", async (t) => {
  const directory = temporaryDirectory(t);
  for (const result of await Promise.all([doctor(directory, ["--peer"]), doctor(directory, ["--peer"])])) {
    assert.deepEqual([failed(result), result.ok, result.checks.length], [[], true, 14]);
  }
  assert.deepEqual(readdirSync(directory), []);
});

test("two that come at the same moment, each before it sees the other", async (t) => {
  const directory = temporaryDirectory(t);
  const blindAtFirst = (): Environment => {
    const environment = systemEnvironment();
    let looks = 0;
    const readdir = (path: string) => (looks++ === 0 ? [] : environment.fs.readdir(path));
    return { ...environment, fs: { ...environment.fs, readdir } };
  };
  const patience = 20_000;
  const both = [blindAtFirst(), blindAtFirst()].map((one) => tryWithPeer(one, directory, { patience }));
  for (const results of await Promise.all(both)) {
    assert.deepEqual(
      results.map(({ ok }) => ok),
      [true, true, true, true, true],
    );
  }
  assert.deepEqual(readdirSync(directory), []);
});

test("nobody comes", async (t) => {
  const directory = temporaryDirectory(t);
  const result = await doctor(directory, ["--peer", "--wait", "200ms"]);
  assert.deepEqual([failed(result), result.ok], [[], false]);
  assert.match(
    result.advice.join("\n"),
    /^Start clh doctor --peer on the other .*: no other host came within 0\.2 s\.$/m,
  );
  assert.deepEqual(readdirSync(directory), []);
  const { code, stdout } = await Clh.run(["doctor", directory, "--peer", "--wait", "0"]);
  assert.deepEqual(
    [code, stdout.match(/^Logs .*/m)?.[0]],
    [1, "Logs of one host are safe here; of several, nobody knows yet."],
  );
});

describe("one that was killed while it waited does not keep others from each other", () => {
  const invite = (directory: string, isAccepted: boolean) => {
    const share = join(directory, ".clh-doctor-peer");
    mkdirSync(join(share, "000000000000.meeting"), { recursive: true });
    writeFileSync(join(share, "000000000000.invitation"), "");
    if (isAccepted) writeFileSync(join(share, "000000000000.meeting", "accepted"), "");
  };
  /** Its time passes while it waits, and no more than that. */
  const inNoTime = () => environmentWith({}, new ManualClock());

  for (const isAccepted of [false, true]) {
    test(isAccepted ? "whose invitation was answered" : "whose invitation was not", async (t) => {
      const directory = temporaryDirectory(t);
      invite(directory, isAccepted);
      const both = [1, 2].map(() => tryWithPeer(inNoTime(), directory, { patience: 600_000 }));
      for (const results of await Promise.all(both)) {
        assert.deepEqual(
          results.map(({ ok }) => ok),
          [true, true, true, true, true],
        );
      }
      assert.deepEqual(readdirSync(directory), isAccepted ? [".clh-doctor-peer"] : []);
    });
  }

  test("one that comes alone withdraws what nobody answers for", async (t) => {
    const directory = temporaryDirectory(t);
    invite(directory, false);
    await assert.rejects(tryWithPeer(inNoTime(), directory, { patience: 1000 }), NobodyCame);
    assert.deepEqual(readdirSync(directory), []);
  });
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} leaves nothing behind`, { skip: process.platform === "win32" && "has no signals" }, async (t) => {
    for (const [args, sign] of [
      [[], /^clh-/],
      [["--peer"], /^\.clh-doctor-peer$/],
    ] as const) {
      const directory = temporaryDirectory(t);
      const clh = new Clh("doctor", directory, ...args);
      while (!readdirSync(directory).some((name) => sign.test(name))) await new Promise(setImmediate);
      clh.process.kill(signal);
      assert.equal(await clh.ended, signal);
      assert.deepEqual(readdirSync(directory), []);
    }
  });
}

describe("a file system that lies is found out", {
  skip: process.platform !== "linux" || spawnSync("cc", ["--version"]).error ? "needs a C compiler" : false,
}, () => {
  const preload = (t: TestContext, code: string) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, "lie.c"), code);
    assert.equal(
      spawnSync("cc", ["-shared", "-fPIC", "-o", join(directory, "lie.so"), join(directory, "lie.c"), "-ldl"]).status,
      0,
    );
    return { LD_PRELOAD: join(directory, "lie.so") };
  };

  test("locks that are not there", async (t) => {
    const directory = temporaryDirectory(t);
    const lie = preload(t, "#include <errno.h>\nint flock(int fd, int how) { errno = ENOLCK; return -1; }");
    const found = failed(await doctor(directory, [], lie));
    assert.match(found.join("\n"), /^a lock is free again when its holder is killed: .*ENOLCK: no locks available/m);
    assert.deepEqual(readdirSync(directory), []);
  });

  test("locks that are always given", async (t) => {
    const found = failed(
      await doctor(temporaryDirectory(t), [], preload(t, "int flock(int fd, int how) { return 0; }")),
    );
    assert.match(
      found.join("\n"),
      /^a lock is free again when .*: it was given to a second process while the first one held it$/m,
    );
  });

  test("locks that are given to one process of each host", async (t) => {
    const directory = temporaryDirectory(t);
    const lie = preload(t, "int flock(int fd, int how) { return 0; }");
    const [honest, lying] = await Promise.all([doctor(directory, ["--peer"]), doctor(directory, ["--peer"], lie)]);
    for (const result of [honest, lying]) {
      assert.match(
        failed(result).join("\n"),
        /^a lock of one host keeps the other one out: it was given to both hosts at once$/m,
      );
    }
  });

  test("renames that overwrite", async (t) => {
    const lie = preload(
      t,
      "#define _GNU_SOURCE\n#include <stdio.h>\nint renameat2(int a, const char *from, int b, const char *to, unsigned how) { return renameat(a, from, b, to); }",
    );
    const found = failed(await doctor(temporaryDirectory(t), [], lie));
    assert.deepEqual(found, ["a rename does not overwrite a file: it was overwritten"]);
  });
});

test("recognises what it is on", { skip: process.platform !== "linux" }, (t) => {
  const { fs } = systemEnvironment();
  assert.equal(recognise(fs, "/dev/shm").kind, "memory");
  assert.equal(recognise(fs, "/proc").type, "proc");
  const directory = temporaryDirectory(t);
  assert.equal(recognise(fs, directory).isSynced, false);
  mkdirSync(join(directory, "Dropbox", "logs"), { recursive: true });
  assert.equal(recognise(fs, join(directory, "Dropbox", "logs")).isSynced, true);
  writeFileSync(join(directory, ".stfolder"), "");
  assert.equal(recognise(fs, directory).isSynced, true);
});

test("mounts whose locks are known to lie", () => {
  assert.match(lyingLocks("fuse.sshfs", [])!, /sshfs/);
  for (const option of ["local_lock=all", "local_lock=flock", "nolock"])
    assert.match(lyingLocks("nfs", ["rw", option])!, /keeps locks to this host/);
  assert.equal(lyingLocks("nfs4", ["rw", "local_lock=none"]), undefined);
});

test("one clear line and exit code 2", async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "file"), "");
  for (const args of [[join(directory, "no")], [join(directory, "file")], [directory, "--wait", "soon"]]) {
    const { code, stdout, stderr } = await Clh.run(["doctor", ...args]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^clh: .*\n$/);
  }
});
