import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { adviceFor, type Seen } from "../../src/cli/doctor/advice.js";
import { type KindOfFileSystem, recognise } from "../../src/cli/doctor/file-system.js";
import { heldLocks } from "../../src/cli/doctor/held-locks.js";
import { tryWithPeer } from "../../src/cli/doctor/peer.js";
import { NobodyCame } from "../../src/cli/doctor/peer-channel.js";
import { append, count, timeOfSync, visit } from "../../src/cli/doctor/probe.js";
import { whyUnsafe } from "../../src/disk/mount-table.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { FileStatus, O_NOFOLLOW } from "../../src/platform/file-system.js";
import { CLH, Clh } from "../support/clh.js";
import { environmentWith, ManualClock } from "../support/environment.js";
import { makeLock } from "../support/locks.js";
import { SmbShare } from "../support/smb-like.js";
import { temporaryDirectory } from "../support/temporary.js";
import { asOther, needsRoot } from "../support/users.js";

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
    assert.deepEqual([failed(result), result.ok, result.checks.length], [[], true, 16]);
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
      [true, true, true, true, true, true, true],
    );
  }
  assert.deepEqual(readdirSync(directory), []);
});

describe("a share of SMB, on two hosts of two processes each", () => {
  /** The step that fails, on each host. */
  const tryShare = (t: TestContext, breaks = (environment: Environment) => environment) => {
    const directory = temporaryDirectory(t);
    const share = new SmbShare();
    const meet = async (host: string) => {
      const [environment, neighbour] = [1, 2].map(() => breaks(share.process(host).environment));
      const results = await tryWithPeer(environment!, directory, {
        patience: 20_000,
        visit: async (place) => visit(neighbour!, place),
      });
      return results.filter(({ ok }) => !ok);
    };
    return Promise.all([meet("near"), meet("far")]);
  };

  test("is found to be safe", async (t) => assert.deepEqual(await tryShare(t), [[], []]));

  test("is found not to be with flock, since any close on a host releases that", async (t) => {
    const failure = {
      what: "it does so, too, when another process of its host opens and closes the lock file",
      ok: false,
      why: "it was given to both hosts at once",
    };
    const withFlock = (environment: Environment) => ({ ...environment, smbLocks: undefined });
    assert.deepEqual(await tryShare(t, withFlock), [[failure], [failure]]);
  });
});

describe("a share on which one of the hosts", () => {
  /** What each host finds wrong; one of them is `broken`, from the step on whose name begins so. */
  const tryShare = async (t: TestContext, step: string, broken: (environment: Environment) => Environment) => {
    const directory = temporaryDirectory(t);
    let hasBegun = false;
    const right = systemEnvironment();
    const wrong = broken(right);
    const pick = (key: "fs" | "clock" | "lockBackend") => {
      const calls = { ...right[key] } as Record<string, unknown>;
      for (const [name, call] of Object.entries(wrong[key])) {
        const former = calls[name];
        calls[name] = (...given: unknown[]) =>
          ((hasBegun ? call : former) as (...given: unknown[]) => unknown)(...given);
      }
      return calls;
    };
    const environment = { ...right, fs: pick("fs"), clock: pick("clock"), lockBackend: pick("lockBackend") };
    const onStep = (what: string) => {
      hasBegun ||= what.startsWith(step);
    };
    const patience = 20_000;
    const visitHere = async (place: string) => visit(right, place);
    const both = await Promise.all([
      tryWithPeer(environment as unknown as Environment, directory, { patience, onStep, visit: visitHere }),
      tryWithPeer(right, directory, { patience, visit: visitHere }),
    ]);
    return both.map((results) => results.filter(({ ok }) => !ok).map(({ what, why }) => `${what}: ${why}`));
  };

  for (const step of ["what one host appends", "when one host has rotated"]) {
    test(`never gets the lock, while the other one does not wait: ${step}`, { timeout: 30_000 }, async (t) => {
      let slept = 0;
      const never = ({ clock, lockBackend, ...others }: Environment) => ({
        ...others,
        clock: {
          ...clock,
          monotonic: () => clock.monotonic() + slept,
          sleep(milliseconds: number) {
            slept += milliseconds;
          },
        },
        lockBackend: { ...lockBackend, tryLock: () => false },
      });
      const found = await tryShare(t, step, never);
      assert.deepEqual(
        found.map((faults) => faults.map((fault) => fault.replace(/^.*: /, ""))),
        [["no lock in time"], ["the other host gave up, and says why"]],
      );
    });
  }

  test("remembers to which file a name led", async (t) => {
    const found = await tryShare(t, "a file that is open here", ({ fs, ...others }) => ({
      ...others,
      fs: {
        ...fs,
        open: (path, ...rest) => fs.open(fs.exists(`${path} moved`) ? `${path} moved` : path, ...rest),
      },
    }));
    const fault =
      "a file that is open here may be renamed and deleted by the other host: after a rename, the open file or its name led to the other one";
    assert.deepEqual(found, [[fault], [fault]]);
  });

  test("loses what the other one has deleted, and what has its name", async (t) => {
    const found = await tryShare(t, "a file that is open here", ({ fs, ...others }) => ({
      ...others,
      fs: {
        ...fs,
        read(fd, bytes, ...rest) {
          const length = fs.read(fd, bytes, ...rest);
          const status = new FileStatus();
          fs.statusOfOpen(fd, status);
          return status.links === 0 ? 0 : length;
        },
      },
    }));
    const fault =
      "a file that is open here may be renamed and deleted by the other host: after the open file was deleted, it had other content, or its name could not be written to";
    assert.deepEqual(found, [[fault], [fault]]);
  });
});

describe("a lock of a log that is not free", () => {
  test("which process of this host has it", async (t) => {
    const directory = temporaryDirectory(t);
    const lock = makeLock(join(directory, ".__app.lock"));
    assert.equal(lock.acquire(0), true);
    const { advice, ok } = await doctor(directory);
    lock.release();
    lock.close();
    const said = `Writers wait for the lock .__app.lock: process ${process.pid} of this host has it.`;
    assert.deepEqual([ok, advice.filter((sentence) => sentence.startsWith("Writers"))], [true, [said]]);
    assert.deepEqual((await doctor(directory)).advice, [], "it is free now");
  });

  test("how long another host may keep it", (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, ".__app.lock"), "");
    writeFileSync(join(directory, "app.lock"), "");
    const environment = environmentWith({ fileSystemType: () => 0x6969 }, new ManualClock());
    const elsewhere = { ...environment, lockBackend: { ...environment.lockBackend, tryLock: () => false } };
    assert.deepEqual(heldLocks(elsewhere, directory, "It ends with its lease."), [
      "Writers wait for the lock .__app.lock: no process that is seen here has it, but one of another host, or a host that has died. It ends with its lease.",
    ]);
    assert.deepEqual(heldLocks(environment, directory, ""), []);
  });
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
      const both = [1, 2].map(() => {
        const environment = inNoTime();
        const inThisProcess = async (place: string) => visit(environment, place);
        return tryWithPeer(environment, directory, { patience: 600_000, visit: inThisProcess });
      });
      for (const results of await Promise.all(both)) {
        assert.deepEqual(
          results.map(({ ok }) => ok),
          [true, true, true, true, true, true, true],
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

describe("what another user has put into a directory that all may write to", needsRoot, () => {
  const SHARE = ".clh-doctor-peer";

  /** A directory for all, and a file of root's beside it. */
  const setUp = (t: TestContext) => {
    const top = temporaryDirectory(t);
    const [directory, victim] = [join(top, "shared"), join(top, "victim")];
    mkdirSync(directory);
    chmodSync(directory, 0o1777);
    chmodSync(top, 0o755);
    writeFileSync(victim, "root's\n");
    return { directory, victim, share: join(directory, SHARE) };
  };
  const meets = (directory: string) => tryWithPeer(systemEnvironment(), directory, { patience: 100 });

  test("no meeting takes place in a directory of that user, and nothing is made there", async (t) => {
    const { directory, victim, share } = setUp(t);
    const meeting = join(share, "000000000000.meeting");
    asOther(() => {
      mkdirSync(meeting, { recursive: true });
      for (const name of ["counter", "appended"]) symlinkSync(victim, join(meeting, name));
      for (const path of [`${share}/000000000000.invitation`, join(meeting, "said welcome")]) writeFileSync(path, "");
    });
    const names = () => readdirSync(share, { recursive: true }).sort();
    const before = names();
    await assert.rejects(meets(directory), /clh-doctor-peer belongs to user 65534: delete it, or try another/);
    assert.deepEqual(names(), before);
    assert.equal(readFileSync(victim, "utf8"), "root's\n");
    assert.deepEqual(readdirSync(directory), [SHARE]);
    const { code, stdout, stderr } = await Clh.run(["doctor", directory, "--peer", "--wait", "0"]);
    assert.deepEqual([code, stdout], [2, ""], "that says nothing about the share");
    assert.match(stderr, /^clh: .*clh-doctor-peer belongs to user 65534: .*$/m);
  });

  test("nor where a link leads to", async (t) => {
    const { directory, share } = setUp(t);
    const target = temporaryDirectory(t);
    asOther(() => symlinkSync(target, share));
    await assert.rejects(meets(directory), /clh-doctor-peer is no directory/);
    assert.deepEqual(readdirSync(target), []);
  });

  test("no link is followed, and no second name of a file is written to", (t) => {
    const { directory, victim } = setUp(t);
    const environment = systemEnvironment();
    for (const put of [symlinkSync, linkSync]) {
      for (const name of ["counter", "appended"]) put(victim, join(directory, name));
      assert.throws(() => count(environment, directory, 1), /ELOOP|has 3 names/);
      assert.throws(() => append(environment, join(directory, "appended"), "w", [1, 1]), /ELOOP|has 3 names/);
      assert.equal(readFileSync(victim, "utf8"), "root's\n");
      for (const name of ["counter", "appended"]) rmSync(join(directory, name));
    }
    symlinkSync(victim, join(directory, "counter"));
    const { fs } = environment;
    const follows = environmentWith({ open: (path, flags, mode) => fs.open(path, flags & ~O_NOFOLLOW, mode) });
    count(follows, directory, 1);
    assert.notEqual(readFileSync(victim, "utf8"), "root's\n", "one that follows links is found out");
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

const unsafe = (type: string, options: readonly string[], point = "/mnt") =>
  whyUnsafe(systemEnvironment().fs, { device: "0:99", type, options, point });

describe("what to do", () => {
  const local: KindOfFileSystem = {
    kind: "local",
    type: "ext4",
    mountPoint: "/",
    isNetwork: false,
    server: undefined,
    isSynced: false,
    whyUnsafe: undefined,
  };
  const share = (server: "nfs" | "smb", lies?: string): KindOfFileSystem => ({
    ...local,
    kind: "network",
    isNetwork: true,
    server,
    whyUnsafe: lies,
  });
  const say = (kind: KindOfFileSystem, more: Partial<Seen> = {}) =>
    adviceFor({ kind, checks: [], isPeer: true, syncTime: 1, ...more }).join("\n");

  test("nothing on a good disk", () => assert.equal(say(local), ""));

  test("how long a host that has died keeps the lock, and what shortens that", () => {
    assert.match(say(share("nfs")), /dies with the lock keeps it until its lease ends: 90 seconds/);
    assert.match(say(share("smb")), /dies with the lock .* socket options = .*TCP_KEEPIDLE=10/);
  });

  test("what to set in Samba, so that hosts keep no locks to themselves", () => {
    assert.match(say(share("smb")), /^Mount it with nolease .* veto oplock files = \/\.__\*\.lock\/ /m);
    assert.doesNotMatch(say(share("nfs")), /oplock/);
  });

  test("what to mount where locks stay on their host", () => {
    const lies = unsafe("cifs", ["rw", "nobrl"]);
    assert.match(say(share("smb", lies)), /mount it otherwise: the mount option nobrl keeps locks to this host/);
  });

  test("what a slow disk costs, from 50 ms on", (t) => {
    const slowBy = (milliseconds: number) => {
      const clock = new ManualClock();
      const { fs } = systemEnvironment();
      const fsync = (fd: number) => {
        fs.fsync(fd);
        clock.sleep(milliseconds);
      };
      return environmentWith({ fsync }, clock);
    };
    for (const [milliseconds, expected] of [
      [80, /^One fsync took 80 ms\. With sync "data" or "full" each write waits so long/m],
      [20, /^$/],
    ] as const) {
      const syncTime = timeOfSync(slowBy(milliseconds), temporaryDirectory(t));
      assert.match(say(local, { syncTime }), expected);
    }
  });

  test("what a stale handle says", () => {
    const checks = [{ what: "it", ok: false, why: "ESTALE: stale file handle, open" }];
    assert.match(say(share("nfs"), { checks }), /^ESTALE says .* mount the share anew/m);
  });
});

test("mounts on which several hosts are known to lose records", (t) => {
  assert.match(unsafe("fuse.sshfs", [])!, /sshfs/);
  assert.match(unsafe("cifs", ["rw", "nobrl"])!, /nobrl keeps locks to this host/);
  assert.match(unsafe("cifs", ["rw"])!, /without the mount option nolease/);
  assert.equal(unsafe("cifs", ["rw", "nolease"]), undefined);
  for (const option of ["local_lock=all", "local_lock=flock", "nolock"])
    assert.match(unsafe("nfs", ["rw", option])!, /keeps locks to this host/);
  assert.equal(unsafe("nfs4", ["rw", "local_lock=none"]), undefined);

  const point = temporaryDirectory(t);
  assert.match(unsafe("fuse.glusterfs", [], point)!, /cannot be seen \(ENOENT/);
  const graph = join(point, ".meta", "graphs", "active");
  for (const name of ["share", "share-client-0", "share-md-cache", "share-write-behind"])
    mkdirSync(join(graph, name), { recursive: true });
  writeFileSync(join(point, ".meta", "cmdline"), '{ "Cmdlinestr": "glusterfs --entry-timeout=0 --volfile-id=share" }');
  assert.match(unsafe("fuse.glusterfs", [], point)!, /: md-cache, write-behind, attribute-timeout must be off$/);
  for (const name of ["share-md-cache", "share-write-behind"]) rmdirSync(join(graph, name));
  writeFileSync(join(point, ".meta", "cmdline"), "glusterfs --entry-timeout=0 --attribute-timeout=0");
  assert.equal(unsafe("fuse.glusterfs", [], point), undefined);
});
