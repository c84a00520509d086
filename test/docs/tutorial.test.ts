import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { NatsServer, needsNats } from "../support/nats-server.js";
import { installed, pack, ROOT } from "../support/package.js";

/* The steps of docs/tutorial.md in their order, in one directory, as a reader takes them: what is printed is what the page says. */

const NATS = ["@nats-io/transport-node", "@nats-io/jetstream"];
const [alone, together] = readFileSync(join(ROOT, "docs", "tutorial.md"), "utf8").split("## 8. Many hosts") as [
  string,
  string,
];
const run = promisify(execFile);

/** The directory after the first step: the package and its command are installed. */
function start(t: TestContext, others: string[] = []): string {
  const folder = installed(t, pack(t), others);
  const command = join(folder, "node_modules", "concurrent-log-handler", "dist", "cli.js");
  chmodSync(command, 0o755); // as npm does
  mkdirSync(join(folder, "node_modules", ".bin"));
  symlinkSync(command, join(folder, "node_modules", ".bin", "clh"));
  return folder;
}

/** An ellipsis stands for what differs; a line of nothing else, for lines. */
const patternOf = (text: string) =>
  new RegExp(
    `^${text
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replace(/^…$/gm, "[^]*?")
      .replaceAll("…", ".*")}$`,
  );

/** Runs the commands of a part, and compares what they print with what the page says that they do. */
async function follow(cwd: string, part: string, address = "nats://127.0.0.1"): Promise<number> {
  const steps = [...part.matchAll(/```sh\n(.*?)```(?:\s+```text\n(.*?)```)?/gs)];
  for (const [, commands, printed] of steps) {
    const text = commands!.replaceAll("nats://127.0.0.1", address);
    const { stdout } = await run("bash", ["-c", text], { cwd, env: { ...process.env, XDG_STATE_HOME: cwd } });
    // What a kill has left half done may have lines of its own, as the page says: notes, beside which a log is GOOD.
    const said = stdout.replace(
      /^ {2}- \S+ (?:waits to be compressed|is half compressed|is compressed but not published)\n/gm,
      "",
    );
    if (printed !== undefined) assert.match(said, patternOf(printed), commands);
  }
  return steps.length;
}

test("what the page says about the output can be wrong", () => {
  assert.match("GOOD  5 records in 2 files\na\nb\n", patternOf("GOOD  … records in 2 files\n…\n"));
  assert.doesNotMatch("GOOD  5 records in 3 files\n", patternOf("GOOD  … records in 2 files\n"));
});

test("two processes, one file: written, verified, rotated, killed, read", async (t) => {
  const folder = start(t);
  writeFileSync(join(folder, "writer.mjs"), /```js\n(.*?)```/s.exec(alone)![1]!);
  assert.equal(await follow(folder, alone), 5);
});

test("many hosts", needsNats, async (t) => {
  const server = await NatsServer.start(t);
  assert.equal(await follow(start(t, NATS), together, server.url), 1);
});
