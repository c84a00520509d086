import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { Fixture } from "../support/child.js";
import { temporaryDirectory } from "../support/temporary.js";

const IS_WINDOWS = process.platform === "win32";

describe("signals are listened for", () => {
  test("until the event loop has asked for those that came while it was busy", { skip: IS_WINDOWS }, async (t) => {
    const directory = temporaryDirectory(t);
    const isSent = join(directory, "sent");
    const fixture = new Fixture(t, "busy-at-signal", join(directory, "app.log"), isSent);
    await fixture.lineThatIs("busy");
    fixture.process.kill("SIGTERM");
    writeFileSync(isSent, "");
    assert.deepEqual(await fixture.rest(), []);
    assert.equal(await fixture.ended, "SIGTERM");
  });

  test("also when the process has nothing more to do", { skip: IS_WINDOWS }, async (t) => {
    for (const interval of [0, 60_000]) {
      const log = join(temporaryDirectory(t), "app.log");
      assert.equal(await new Fixture(t, "signal-at-end", log, interval).ended, "SIGTERM");
      assert.equal(readFileSync(log, "utf8"), "one\n");
    }
  });

  test("while something waits, and no longer", async (t) => {
    const handler = new ConcurrentRotatingFileHandler(join(temporaryDirectory(t), "app.log"), {
      delivery: { mode: "batched", flushInterval: "1h" },
    });
    t.after(() => handler.close());
    const heard = () => process.listenerCount("SIGTERM");
    const before = heard();
    for (let i = 0; i < 2; i++) {
      handler.write("one");
      assert.equal(heard(), before + 1);
      await handler.flush();
      while (heard() > before) await setTimeout(5);
    }
  });

  test("when their default ends the process, and Node does not ignore them", (t) => {
    const handler = new ConcurrentRotatingFileHandler(join(temporaryDirectory(t), "app.log"), {
      delivery: { mode: "batched", flushInterval: "1h" },
    });
    t.after(() => handler.close());
    const ignored = ["SIGPIPE", "SIGXFSZ", "SIGCHLD", "SIGCONT", "SIGWINCH", "SIGUSR1", "SIGURG", "SIGTSTP"];
    const before = ignored.map((signal) => process.listenerCount(signal));
    handler.write("one");
    assert.deepEqual(
      ignored.map((signal) => process.listenerCount(signal)),
      before,
    );
  });
});

test("a file that grows beyond `ulimit -f` is an error of the application, and not its end", {
  skip: IS_WINDOWS,
}, async (t) => {
  const directory = temporaryDirectory(t);
  const under = ["sh", "-c", 'ulimit -f 64; exec "$@"', "sh"];
  const log = join(directory, "app.log");
  const fixture = new Fixture(t, { name: "app-at-limit", under }, log, join(directory, "file"));
  assert.deepEqual(await fixture.rest(), ["EFBIG", "alive"]);
  assert.equal(await fixture.ended, 0);
  assert.equal(readFileSync(log, "utf8"), "one\n");
});
