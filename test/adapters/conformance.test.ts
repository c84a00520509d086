import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { HOSTS, type Host, loggedText, Program, userFolder, wholeLines } from "../support/hosts.js";
import { fill, smallDisk } from "../support/small-disk.js";
import { temporaryDirectory } from "../support/temporary.js";

/* What must be true through every host. */

const LARGE = `${"€".repeat(2 ** 20 / 4)}${"x".repeat(2 ** 18)}`;
const TEXTS = ["Ünïcödé 日本語 😀", "a line\n  and a second\n\tand a third", LARGE, '{braces} %s %d \\ "quotes"'];
const RECORDS = 1000;

/** How a process may end. pino's thread does not hear of the last two: the records are fatal ones, for which it is waited. */
const ENDS = { return: 0, exit: 0, end: 0, throw: 1, reject: 4, SIGTERM: "SIGTERM", SIGKILL: "SIGKILL" } as const;

/** Hosts that give what they log to a stream at once, as console does: two ways to end must do for them. */
const LIKE_CONSOLE: readonly Host[] = ["bunyan", "morgan", "pino multistream"];

let folder: string;
before((t) => {
  folder = userFolder(t as TestContext);
  writeFileSync(join(folder, "texts.json"), JSON.stringify(TEXTS));
});

for (const host of HOSTS) {
  describe(host, { concurrency: 2 }, () => {
    const start = (t: TestContext, file: string, job: string, given: object = {}) =>
      new Program(t, folder, "program.mjs", { host, file, job, ...given });

    test("every level, lines, Unicode, a megabyte; all there at the end", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const program = start(t, log, "texts", { options: { maxBytes: "64k", backupCount: 100 } });
      const levels: string[] = JSON.parse(await program.line());
      await program.done();
      const escaped = (text: string) => (host === "morgan" ? JSON.stringify(text).slice(1, -1) : text); // it does so itself
      const expected = [...levels.map((level) => `at ${level}`), ...TEXTS].map((text) => `${escaped(text)}\n`).join("");
      assert.equal(loggedText(host, log), expected);
      assert.equal(program.stderr, "");
    });

    for (const [end, code] of Object.entries(ENDS)) {
      if (LIKE_CONSOLE.includes(host) && end !== "exit" && end !== "SIGKILL") continue;
      if (host === "pipeline" && end !== "end" && end !== "return") continue; // what is in a pipe is nobody's yet
      test(`all records, when the process ends by ${end}`, async (t) => {
        const log = join(temporaryDirectory(t), "app.log");
        const program = start(t, log, "die", { records: RECORDS, end });
        assert.equal(await program.ended, code, program.stderr);
        const expected = Array.from({ length: RECORDS }, (_, i) => `record ${i}\n`).join("");
        assert.equal(loggedText(host, log), expected);
      });
    }

    test("a full disk, then freed", async (t) => {
      const disk = smallDisk(t, "tmpfs");
      if (disk === undefined) return;
      const log = join(disk, "app.log");
      const program = start(t, log, "fullDisk", { records: RECORDS });
      await program.line();
      const free = fill(disk);
      program.say("go on");
      await program.line();
      free();
      program.say("go on");
      await program.done();
      const records = Array.from({ length: RECORDS }, (_, i) => `record ${i}.`);
      const lines = ["before.", ...records, "after."].map((line) => `${line}\n`);
      assert.equal(wholeLines(host, log).join(""), lines.join(""));
      assert.match(program.stderr, /ENOSPC.*Free some space/);
    });

    test("two loggers on one file", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      const other = host === "log4js" || host === "logtape" ? "console" : host; // they are set up once per process
      const options = { maxBytes: "1k", backupCount: 1000 };
      await start(t, log, "two", { other, records: 200, options }).done();
      const lines = loggedText(other === host ? host : "console", log)
        .trimEnd()
        .split("\n");
      for (const which of ["first", "second"]) {
        const found = lines.filter((line) => line.startsWith(which));
        assert.deepEqual(
          found,
          Array.from({ length: 200 }, (_, i) => `${which} ${i}`),
        );
      }
    });

    if (host === "pipeline") return; // nothing is formatted
    test("what cannot be formatted takes nothing else with it", async (t) => {
      const log = join(temporaryDirectory(t), "app.log");
      await start(t, log, "failure").done();
      const lines = loggedText(host, log).trimEnd().split("\n");
      assert.equal(lines[0], "before");
      assert.equal(lines.at(-1), "after");
    });
  });
}

describe("pino's thread", { concurrency: 2 }, () => {
  const DELIVERIES = ["batched", "background", { mode: "batched", flushInterval: 60_000 }];

  for (const delivery of DELIVERIES) {
    test(`fatal records are in the file when the process is killed, delivery ${JSON.stringify(delivery)}`, async (t) => {
      const file = join(temporaryDirectory(t), "app.log");
      const job = { host: "pino transport", file, options: { delivery }, job: "die", records: 3, end: "SIGKILL" };
      const program = new Program(t, folder, "program.mjs", job);
      assert.equal(await program.ended, "SIGKILL", program.stderr);
      assert.equal(wholeLines("pino transport", file).length, 3);
    });
  }

  /** Logs one record by a thread that cannot open its file, and ends. */
  function ended(target: string, options: object, listener = "") {
    const text = `
      import { pino } from "pino";
      const transport = pino.transport(${JSON.stringify({ target, options })});
      ${listener}
      pino(transport).info("hello");
    `;
    const program = join(folder, "unwritable.mjs");
    writeFileSync(program, text);
    return spawnSync(process.execPath, [program], { cwd: folder, encoding: "utf8" });
  }

  test("a log that cannot be opened is an error of the transport, which ends the process unless it is heard", () => {
    writeFileSync(join(folder, "a file"), "");
    const heard = 'transport.on("error", (error) => console.log(error.message));';
    for (const [target, option] of [
      ["pino/file", "destination"],
      ["concurrent-log-handler/pino", "filename"],
    ] as const) {
      const options = { [option]: join("a file", "app.log") };
      const unheard = ended(target, options);
      assert.equal(unheard.status, 1, target);
      assert.match(unheard.stderr, /'error' event.*ENOTDIR/s);
      const { status, stdout } = ended(target, options, heard);
      assert.equal(status, 0, target);
      assert.match(stdout, /ENOTDIR/);
    }
  });
});
