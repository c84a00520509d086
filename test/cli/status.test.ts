import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ConcurrentRotatingFileHandler, followLog, readLog } from "../../src/index.js";
import { settingsPath, spillPath } from "../../src/log-files/hidden-names.js";
import { pendingPath } from "../../src/log-files/pending-names.js";
import { CLH, Clh } from "../support/clh.js";
import { environmentWith } from "../support/environment.js";
import { makeLock } from "../support/locks.js";
import { SMB } from "../support/smb-like.js";
import { temporaryDirectory } from "../support/temporary.js";

const onlyLinux = { skip: process.platform !== "linux" && "only Linux tells who holds a lock" };

async function status(log: string) {
  const { code, stdout, stderr } = await Clh.run(["status", log, "--json"]);
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

test("who writes it, and who holds the lock", onlyLinux, async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const writer = new Clh("write", log, "--max-bytes", "1KiB", "--backup-count", "3");
  t.after(() => writer.process.kill("SIGKILL"));
  writer.process.stdin.write("one\n");
  while (!existsSync(log) || statSync(log).size === 0) await new Promise(setImmediate);
  const lock = makeLock(join(log, "..", ".__app.lock"));
  assert.ok(lock.tryAcquire());
  t.after(() => lock.close());
  const found = await status(log);
  assert.deepEqual(
    found.writers.map(({ pid }: { pid: number }) => pid),
    [writer.process.pid],
  );
  assert.match(found.writers[0].command, /write .*app\.log --max-bytes 1KiB/);
  assert.ok(Math.abs(found.writers[0].since - Date.now()) < 60_000);
  assert.deepEqual(
    found.lock.holders.map(({ pid }: { pid: number }) => pid),
    [process.pid],
  );
  assert.deepEqual(found.next, { maxBytes: 1024, bytesLeft: 1020 });
  assert.equal(found.settings.writer.pid, writer.process.pid);
  const { stdout } = await Clh.run(["status", log]);
  assert.match(stdout, new RegExp(`^lock +held by ${process.pid} .*, since \\d{4}-`, "m"));
  assert.match(stdout, new RegExp(`^writers +${writer.process.pid} .*clh|main`, "m"));
  assert.match(stdout, /^next rotation +in 1,020 bytes, at 1 KiB$/m);
});

test("who holds a lock of an open file, as on SMB shares", onlyLinux, async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  const lock = makeLock(join(log, "..", ".__app.lock"), "real", environmentWith({ fileSystemType: () => SMB }));
  const waiter = openSync(lock.path, "w+"); // has it open, and does not hold it
  t.after(() => closeSync(waiter));
  assert.ok(lock.tryAcquire());
  assert.match(readFileSync("/proc/locks", "utf8"), /OFDLCK .* WRITE -1 /);
  const pids = async () => (await status(log)).lock.holders.map(({ pid }: { pid: number }) => pid);
  assert.deepEqual(await pids(), [process.pid]);
  lock.close();
  assert.deepEqual(await pids(), []);
});

test("on a share, a lock that nobody here holds may be another host's", onlyLinux, (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const lock = makeLock(join(log, "..", ".__app.lock"));
  assert.ok(lock.tryAcquire());
  const lie = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
    fs.statfsSync = () => ({ type: 0x6969 }); syncBuiltinESMExports();`;
  const onNfs = () =>
    execFileSync(process.execPath, ["--import", `data:text/javascript,${lie}`, CLH, "status", log], {
      encoding: "utf8",
    });
  assert.match(onNfs(), new RegExp(`^lock +held by ${process.pid} `, "m"));
  lock.close();
  assert.match(
    onNfs(),
    /^lock +no process that is seen here .*: another host may, or one that has died\. .* 90 seconds/m,
  );
});

test("backups, backlog, spills, the next rotation, and what is beyond the limits", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const [first, second, third] = [10, 11, 12].map((hour) => `2024-05-17_${hour}`);
  for (const stamp of [first, second]) writeFileSync(`${log}.${stamp}.gz`, gzipSync("x\n"));
  const pending = pendingPath(log, { sequence: 1, place: `${third}@0`, unique: "0123abcd", extension: "" });
  writeFileSync(pending, "12345\n");
  writeFileSync(spillPath(log, 1, 0x0123abcd), "CLHSPIL1");
  writeFileSync(join(log, "..", ".__app.lock"), "1715950800");
  writeFileSync(settingsPath(log), JSON.stringify({ settings: { kind: "timed", when: "H", backupCount: 2 } }));
  const found = await status(log);
  assert.equal(found.active, undefined);
  assert.deepEqual(
    found.backups.map(({ path }: { path: string }) => path),
    [`${log}.${first}.gz`, `${log}.${second}.gz`, pending],
  );
  assert.deepEqual(found.backlog, { files: 1, bytes: 6 });
  assert.deepEqual(found.next, { at: 1715950800_000 });
  assert.deepEqual(
    found.onTheWay.map(({ kind }: { kind: string }) => kind),
    ["spill", "waits to be compressed"],
  );
  assert.deepEqual(
    found.findings.map(({ message }: { message: string }) => message),
    ["there are 3 backups, and backupCount is 2"],
  );
  const { stdout } = await Clh.run(["status", log]);
  assert.match(
    stdout,
    /^size +no such file just now\n[\s\S]* waits to be compressed\n[\s\S]*^spill .* 8 bytes\n[\s\S]*^! there are 3 backups/m,
  );
});

test("--watch shows it again and again, one line each with --json", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  const clh = new Clh("status", log, "--watch", "--json");
  while (clh.stdout.split("\n").length < 3) await new Promise((resolve) => clh.process.stdout.once("data", resolve));
  clh.process.kill();
  for (const line of clh.stdout.trim().split("\n")) assert.equal(JSON.parse(line).active.size, 4);
});

test("--watch goes on when the log goes and comes again", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  const clh = new Clh("status", log, "--watch");
  t.after(() => clh.process.kill("SIGKILL"));
  const until = async (pattern: RegExp) => {
    while (!pattern.test(clh.stdout)) {
      assert.equal(clh.process.exitCode, null, clh.stderr);
      await new Promise((resolve) => clh.process.stdout.once("data", resolve));
    }
  };
  await until(/^size +4 bytes/m);
  rmSync(log);
  await until(/^There is no log .*app\.log, nor a backup of one\.$/m);
  writeFileSync(log, "twelve\n");
  await until(/^size +7 bytes/m);
});

test("--watch fits on the terminal: older backups are left out", { skip: process.platform !== "linux" }, async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  for (let n = 1; n <= 30; n++) writeFileSync(`${log}.${n}`, "one\n");
  const watch = `stty rows 24 cols 200; exec "${process.execPath}" "${CLH}" status --watch "${log}"`;
  const terminal = spawn("script", ["-qec", watch, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => terminal.kill());
  let screens: string[] = [];
  for await (const chunk of terminal.stdout) {
    screens = (screens.join("\x1b[3J") + chunk).split("\x1b[3J");
    if (screens.length > 2) break;
  }
  assert.ok(screens[1]!.split("\n").length <= 24, screens[1]);
  assert.match(screens[1]!, /app\.log\.1 .*\r\n[\s\S]*and \d+ older ones/);
});

test("colours on a terminal only, and never with NO_COLOR", { skip: process.platform !== "linux" }, async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "one\n");
  const onTerminal = (colour: string) =>
    execFileSync(
      "script",
      [
        "-qec",
        `env -u CI -u NO_COLOR -u FORCE_COLOR TERM=xterm ${colour} "${process.execPath}" "${CLH}" status "${log}"`,
        "/dev/null",
      ],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
  assert.ok(onTerminal("A=1").includes("\x1b["));
  assert.ok(!onTerminal("NO_COLOR=1").includes("\x1b["));
  assert.ok(!(await Clh.run(["status", log])).stdout.includes("\x1b["));
});

test("rotate and sweep, with the settings of the writers", async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join("");
  await Clh.run(["write", log, "--max-bytes", "300", "--backup-count", "3", "--gzip", "--encoding", "latin-1"], lines);
  const before = (await Clh.run(["read", log])).stdout;
  const first = await Clh.run(["rotate", log]);
  assert.deepEqual([first.code, first.stderr], [0, ""]);
  assert.match(
    first.stdout,
    /^rotated .*app\.log-\d{13}-[0-9a-f-]+\nremoved .*app\.log\.3\.gz\ncompressed .*app\.log\.1\.gz\n$/,
  );
  assert.deepEqual(
    readdirSync(directory).filter((name) => !name.startsWith(".")),
    ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"],
  );
  assert.ok(before.endsWith((await Clh.run(["read", log])).stdout));
  assert.equal((await Clh.run(["rotate", log])).stdout, "nothing to do\n");

  rmSync(`${log}.3.gz`); // there is room for one
  writeFileSync(pendingPath(log, { sequence: 1, place: "0", unique: "0123abcd", extension: "" }), "left\n");
  const swept = JSON.parse((await Clh.run(["sweep", log, "--json"])).stdout);
  assert.deepEqual(swept.failures, []);
  assert.ok(swept.done.some(({ what }: { what: string }) => what === "compressed"));
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith("app.log-")),
    [],
  );
});

test("rotate and sweep leave the newest file plain where the writers do", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { backupCount: 3, useGzip: true, delayCompression: true });
  t.after(() => handler.close());
  handler.write("one");
  const { code, stdout } = await Clh.run(["rotate", log]);
  assert.deepEqual([code, stdout.split("\n").length], [0, 2], stdout);
  assert.match((await Clh.run(["sweep", log])).stdout, /^nothing to do$/m);
});

test("--gzip is said in place of the format of the writers", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { backupCount: 3, compression: "brotli" });
  t.after(() => handler.close());
  handler.write("one");
  const { code, stdout, stderr } = await Clh.run(["rotate", log, "--gzip"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^compressed .*app\.log\.1\.gz$/m);
});

test("a log that is rotated by hand alone has no next rotation", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { backupCount: 3 });
  t.after(() => handler.close());
  handler.write("one");
  assert.match((await Clh.run(["status", log])).stdout, /^next rotation +none by itself: maxBytes is 0$/m);
});

test("rotate deletes nothing that it was not told to", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "precious\n");
  const { code, stdout, stderr } = await Clh.run(["rotate", log]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^clh: Nobody has left the settings of .*--backup-count \(0 deletes them\)\.\n$/);
  assert.equal(readFileSync(log, "utf8"), "precious\n");
  assert.equal((await Clh.run(["rotate", log, "--backup-count", "2"])).code, 0);
  assert.equal(readFileSync(`${log}.1`, "utf8"), "precious\n");
});

test("what rotate and sweep are told once is not what the writers have it", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  const writer = new Clh("write", log, "--max-bytes", "100KiB", "--backup-count", "3");
  t.after(() => writer.process.kill("SIGKILL"));
  writer.process.stdin.write(`${"x".repeat(3000)}\n`);
  while (!existsSync(log) || statSync(log).size === 0) await new Promise(setImmediate);
  const before = readFileSync(settingsPath(log), "utf8");
  for (const args of [
    ["sweep", log, "--max-bytes", "2k", "--backup-count", "4"],
    ["rotate", log, "--max-age", "1ms"],
  ]) {
    const { code, stderr } = await Clh.run(args);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(readFileSync(settingsPath(log), "utf8"), before);
  }
  writer.process.stdin.end("one\n");
  await writer.ended;
  const { stdout } = await Clh.run(["rotate", log]);
  assert.match(stdout, /^rotated .*app\.log\.1\n$/);
  assert.equal(readFileSync(`${log}.1`, "utf8"), "one\n");
});

test("the lock is that of the writers, wherever it is", onlyLinux, async (t) => {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  const locks = join(directory, "locks");
  const flags = ["--lock-file-directory", locks, "--max-bytes", "1KiB", "--backup-count", "3"];
  await Clh.run(["write", log, ...flags], "one\n");
  const lock = makeLock(join(locks, ".__app.lock"));
  assert.ok(lock.tryAcquire());
  t.after(() => lock.close());
  assert.deepEqual(
    (await status(log)).lock.holders.map(({ pid }: { pid: number }) => pid),
    [process.pid],
  );
  for (const command of ["rotate", "sweep"]) {
    const { code, stderr } = await Clh.run([command, log, "--lock-timeout", "50ms"]);
    assert.equal(code, 2);
    assert.match(stderr, /^clh: .*locks\/\.__app\.lock.*\n$/);
  }
  lock.close();
  assert.match((await Clh.run(["rotate", log])).stdout, /^rotated .*app\.log\.1\n$/);
  assert.equal(existsSync(join(directory, ".__app.lock")), false);

  // Where it is no more, nobody is to take another one for it.
  rmSync(locks, { recursive: true });
  for (const command of ["rotate", "sweep"]) {
    const { code, stdout, stderr } = await Clh.run([command, log]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /^clh: The writers of .*locks\/\.__app\.lock, which is not there\. .*--lock-file-directory\.\n$/,
    );
  }
  assert.equal((await Clh.run(["rotate", log, "--lock-file-directory", directory])).code, 0);
});

test("backups that a function has named are said not to be found, and are not rotated", async (t) => {
  const log = join(temporaryDirectory(t), "n.log");
  const namer = (path: string) => path.replace(/n\.log\.(\d+)$/, "old-$1.log");
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 50, backupCount: 9, namer });
  for (let i = 0; i < 20; i++) handler.write(`record ${i}`);
  handler.close();
  const before = readdirSync(dirname(log)).sort();
  const unfound = /^clh: Cannot find all backups of .*n\.log: its writers name them by a function \(namer\)\. .*\n$/;
  const read = await Clh.run(["read", log]);
  assert.match(read.stderr, unfound);
  assert.deepEqual([read.code, read.stdout.endsWith("record 19\n")], [1, true]);
  const verified = JSON.parse((await Clh.run(["verify", log, "--json"])).stdout);
  assert.deepEqual([verified.ok, verified.findings.length, verified.findings[0].kind], [false, 1, "unreadable"]);
  assert.match((await status(log)).findings[0].message, /^Cannot find all backups/);
  for (const command of ["rotate", "sweep"]) {
    const { code, stdout, stderr } = await Clh.run([command, log]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, unfound);
  }
  assert.deepEqual(readdirSync(dirname(log)).sort(), before);
  await assert.rejects(readLog(log).next(), { code: "ERR_CLH_READ", message: /namer/ });
  const problems: string[] = [];
  const following = followLog(log, { fromStart: true, onProblem: ({ message }) => problems.push(message) });
  await following.next();
  await following.return();
  assert.match(problems.join(), /^Cannot find all backups[^,]*$/);
});

test("one clear line and exit code 2", async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, "d"));
  for (const command of ["status", "rotate", "sweep"]) {
    for (const path of [join(directory, "no.log"), join(directory, "d"), join(directory, "no", "app.log")]) {
      const { code, stdout, stderr } = await Clh.run([command, path]);
      assert.deepEqual([code, stdout], [2, ""], `${command} ${path}: ${stderr}`);
      assert.match(stderr, /^clh: .*\n$/);
    }
  }
});
