import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { temporaryDirectory } from "../support/temporary.js";

const PAGE = fileURLToPath(new URL("../../../docs/how-to/shippers.md", import.meta.url));
const isInstalled = spawnSync("rsyslogd", ["-v"]).status === 0;

for (const useGzip of [false, true]) {
  const title = `rsyslog, set up as the page says, sends each record once, also one rotation behind${useGzip ? ", gzip" : ""}`;
  test(title, { skip: !isInstalled && "rsyslogd is not installed" }, (t) => sendsOnce(t, useGzip));
}

async function sendsOnce(t: TestContext, useGzip: boolean): Promise<void> {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  for (const name of ["logs", "central", "work"]) mkdirSync(path(name));
  const setUp = /## rsyslog\n+```text\n(.*?)```/s
    .exec(readFileSync(PAGE, "utf8"))![1]!
    .replaceAll("/var/log/app", path("logs"))
    .replaceAll("/var/log/central", path("central"))
    .replaceAll("/var/lib/rsyslog", path("work"));
  writeFileSync(path("rsyslog.conf"), setUp);
  const log = path("logs/app.log");
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: "4KiB", backupCount: 100, useGzip });
  handler.write("record 0, the first of them");
  const rsyslog = spawn("rsyslogd", ["-n", "-f", path("rsyslog.conf"), "-i", path("pid")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  t.after(() => rsyslog.kill("SIGKILL"));
  const central = path("central/app.log");
  const arrived = () => (existsSync(central) ? readFileSync(central, "utf8").trim().split("\n") : []);
  while (arrived().length < 1) {
    assert.equal(rsyslog.exitCode, null);
    await setTimeout(20);
  }
  const expected = ["record 0, the first of them"];
  for (let round = 0; round < 10; round++) {
    const before = handler.stats().rotations;
    const isBehind = round % 2 === 1;
    if (isBehind) rsyslog.kill("SIGSTOP");
    while (handler.stats().rotations === before) {
      expected.push(`record ${expected.length}, of round ${round}`);
      handler.write(expected.at(-1)!);
    }
    await handler.swept(); // with gzip, the file that it has not read to its end is gone by now
    if (isBehind) rsyslog.kill("SIGCONT");
    // By the first rule of the page: no file is rotated before it was looked at.
    while (arrived().length < expected.length) {
      assert.equal(rsyslog.exitCode, null);
      await setTimeout(20);
    }
  }
  assert.equal(handler.stats().rotations, 10);
  handler.close();
  assert.deepEqual(arrived(), expected);
}
