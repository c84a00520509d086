import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { CLH } from "../support/clh.js";
import { makeStream, messagesOf, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

function clh(t: TestContext, args: string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLH, ...args], {
    cwd: temporaryDirectory(t),
    encoding: "utf8",
    input,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe("the command, for NATS:", needsNats, () => {
  test("setup makes a stream, and says what is wrong with another one", async (t) => {
    const server = await NatsServer.start(t);
    const setup = ["nats", "setup", server.url, "--stream", "logs", "--replicas", "1", "--max-bytes", "64MiB"];
    assert.deepEqual(clh(t, setup), { status: 0, stdout: "made stream logs: clh.logs.>\n", stderr: "" });
    assert.deepEqual(clh(t, setup), { status: 0, stdout: "stream logs is there already\n", stderr: "" });
    await makeStream([server], { name: "bad", subjects: ["clh.bad.*"], discard: "old", max_bytes: -1, max_age: 60e9 });
    const { status, stdout } = clh(t, ["nats", "setup", server.url, "--stream", "bad"]);
    assert.equal(status, 1);
    assert.equal(
      stdout,
      [
        "stream bad is there already",
        "  NO  a full stream says so, and deletes nothing (discard new): it deletes the oldest records, acknowledged ones, when it is full: nats stream edit bad --discard new",
        "  NO  no record goes by its age or by a count: it has such a limit: nats stream edit bad --max-age 0 --max-msgs=-1 --max-msgs-per-subject=-1",
        "  NO  it has a limit in bytes: it may fill the disks of the servers: nats stream edit bad --max-bytes 10GiB",
        "  NO  three servers have each record: 1 has: with the disk of a server, acknowledged records may be lost. In a cluster of three: nats stream edit bad --replicas 3",
        "",
      ].join("\n"),
    );
    // One server cannot have three.
    const many = clh(t, ["nats", "setup", server.url, "--stream", "three", "--max-bytes", "64MiB"]);
    assert.equal(many.status, 2);
    assert.match(
      many.stderr,
      /^clh: Cannot set up a stream \(stream three on nats:\/\/127.*replicas > 1 not supported/,
    );
  });

  test("doctor says of each thing whether it is as it must be, and what to do", async (t) => {
    const [server, ...others] = await NatsServer.startCluster(t);
    await makeStream([server!, ...others], { subjects: ["clh.logs.>"] });
    const doctor = ["doctor", server!.url, "--stream", "logs"];
    const { status, stdout, stderr } = clh(t, doctor);
    assert.deepEqual([status, stderr], [0, ""], stdout);
    assert.equal(stdout.match(/^ {2}yes {2}/gm)?.length, stdout.split("\n").length - 3, stdout);
    const wrong = JSON.parse(clh(t, [...doctor, "--subject", "other", "--json"]).stdout) as {
      ok: boolean;
      checks: { what: string; ok: boolean; why?: string }[];
    };
    assert.equal(wrong.ok, false);
    assert.deepEqual(
      wrong.checks.filter(({ ok }) => !ok),
      [
        {
          what: "it takes the subject other.*",
          ok: false,
          why: "it takes clh.logs.>: nats stream edit logs --subjects 'other.*'",
        },
      ],
    );
    const none = clh(t, ["doctor", server!.url, "--stream", "none"]);
    assert.equal(none.status, 1);
    assert.match(none.stdout, /NO {3}there is a stream none: make it: clh nats setup/);
    await others[0]!.kill(); // which may have been the one that answers for all
    const late = clh(t, doctor);
    assert.ok([0, 1].includes(late.status!), late.stderr); // the others notice it after a while
  });

  test("write sends lines, and sweep what was left", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server], { subjects: ["clh.logs.>"] });
    const spool = join(temporaryDirectory(t), "spool");
    const where = [server.url, "--stream", "logs", "--spill-directory", spool];
    const input = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join("");
    const stored = ["write", ...where, "--subject", "clh.logs.api", "--acknowledge", "stored"];
    assert.deepEqual(clh(t, stored, input), { status: 0, stdout: "", stderr: "" });
    assert.equal((await messagesOf(server)).map(({ text }) => text).join(""), input);

    await server.kill();
    const away = clh(t, ["write", ...where], "left\n");
    assert.equal(away.status, 0);
    assert.match(away.stderr, /^clh: Cannot send records .*no server answers.*Records wait in .*spool/);
    assert.equal(readdirSync(spool).length, 1);
    const cannot = clh(t, ["sweep", ...where]);
    assert.equal(cannot.status, 2);
    assert.match(cannot.stderr, /^clh: Cannot send what is left .*no server answers/);
    await server.restart();
    assert.deepEqual(clh(t, ["sweep", ...where]), { status: 0, stdout: "sent 1 records\n", stderr: "" });
    assert.deepEqual(clh(t, ["sweep", ...where, "--json"]).stdout, '{"stream":"logs","sent":0,"failures":[]}\n');
    assert.deepEqual(readdirSync(spool), []);
    assert.equal((await messagesOf(server)).at(-1)!.text, "left\n");
  });
});

test("flags of files, passwords in arguments and missing names are refused", (t) => {
  const refused: [args: string[], stderr: RegExp][] = [
    [
      ["write", "nats://a", "--stream", "logs", "--max-bytes", "1MiB"],
      /^clh: --max-bytes is of a file: give it to the collector/,
    ],
    [
      ["write", "nats://me:secret@a", "--stream", "logs"],
      /^clh: Expected the option `?--servers`? to be without a user or a password/,
    ],
    [["write", "nats://a"], /^clh: Expected the option `?--stream`? to be the name of a stream/],
    [["nats", "setup", "nats://a"], /required option '--stream <name>'/],
    [["nats", "setup", "nats://a", "--stream", "logs", "--max-bytes", "much"], /^clh: --max-bytes must be a size/],
  ];
  for (const [args, message] of refused) {
    const { status, stderr } = clh(t, args);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /secret/);
    assert.equal(status, 2, stderr);
  }
  assert.ok(!existsSync("nats:"));
});
